"""Pictures of an iteration: model, update, raw and processed kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import number_text
from headrace.seismic.inversion.project import open_inversion
from headrace.seismic.inversion.records import recorded
from headrace.seismic.models import Model, read_model


def draw_pictures(root: Path, iteration: int) -> dict[str, Any]:
    """Draws into ``outbox/NNN/results/pictures``.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration, whose results were gathered.

    Returns:
        ``pictures``: names of the files.

    Raises:
        InversionError: the results are not there.
    """
    inversion = open_inversion(root)
    paths = inversion.paths
    box = paths.outbox / number_text(iteration)
    if not (box / "results").is_dir():
        raise InversionError(f"{box}: no results of iteration {iteration} to draw")
    place = box / "results" / "pictures"
    place.mkdir(exist_ok=True)
    with recorded(paths.records(iteration) / "pictures.jsonl", "pictures"):
        panels = _panels(inversion.optimiser().model_file, box, iteration)
        drawn = []
        for parameter in inversion.settings.parameters:
            target = place / f"{parameter}.png"
            if _draw(panels, parameter, target):
                drawn.append(target.name)
    return {"pictures": drawn}


def _panels(model_file: Any, box: Path, iteration: int) -> list[tuple[str, Model, Model | None]]:
    """Title, what is drawn, and what is taken off it."""
    found: list[tuple[str, Model, Model | None]] = []
    own, after = model_file(number_text(iteration)), model_file(number_text(iteration + 1))
    if after.is_file():
        new = read_model(after)
        found.append((f"model {iteration + 1:03d}", new, None))
        found.append(("since the iteration before", new, read_model(own)))
        found.append(("since the start", new, read_model(model_file("000"))))
    for name, title in (("sum", "kernel"), ("preconditioned", "gradient, processed")):
        path = box / "results" / f"kernel_{name}.h5"
        if path.is_file():
            found.append((title, read_model(path), None))
    return found


def _draw(panels: list[tuple[str, Model, Model | None]], parameter: str, target: Path) -> bool:
    shown = [panel for panel in panels if len(panel[1].layout.axes) == 2]
    if not shown:
        return False
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.2 * len(shown)), layout="constrained")
    for axes, (title, model, foot) in zip(
        figure.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True
    ):
        values = model.fields[parameter]
        signed = foot is not None or "model" not in title
        if foot is not None:
            values = values - foot.fields[parameter]
        down, along = model.layout.axes
        limit = float(abs(values).max()) or 1.0
        image = axes.pcolormesh(
            along.values,
            down.values,
            values,
            cmap="RdBu" if signed else "viridis_r",
            vmin=-limit if signed else None,
            vmax=limit if signed else None,
            shading="nearest",
        )
        axes.invert_yaxis()
        axes.set_aspect("equal")
        axes.set(title=f"{parameter}: {title}", xlabel=f"{along.name} ({along.units})")
        axes.set_ylabel(f"{down.name} ({down.units})")
        figure.colorbar(image, ax=axes)
    figure.savefig(target, dpi=100, metadata={"Software": None})
    return True
