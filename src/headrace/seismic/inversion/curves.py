"""The misfit with its trials, and time and core hours per stage, as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.seismic.inversion.errors import InversionError


def draw_misfit_curve(path: Path, told: Mapping[str, Any]) -> Path:
    """Draws misfits and trials, and the model error below where the truth is known.

    Args:
        path: the PNG file.
        told: what `status_of` says.

    Returns:
        The path.

    Raises:
        InversionError: no misfit is known yet.
    """
    misfits: Sequence[Mapping[str, Any]] = told["misfits"]
    if not misfits:
        raise InversionError(f"{told['directory']}: no misfit is known yet: wait for an iteration")
    figure, panels = _figure(2 if told["model_errors"] else 1)
    axes = panels[0]
    for number, band in enumerate(dict.fromkeys(one["band"] for one in misfits)):
        own = [one for one in misfits if one["band"] == band]
        line = [one for one in own if not one["trial"]]
        last = [one for one in own if one.get("accepted")][-1:]
        at = [one["iteration"] for one in line] + [one["iteration"] + 1 for one in last]
        values = [one["misfit"] for one in (*line, *last)]
        axes.plot(at, values, "o-", color=f"C{number}", label=band)
        tried = [one for one in own if one["trial"]]
        axes.plot(
            [one["iteration"] + 0.5 for one in tried],
            [one["misfit"] for one in tried],
            "x",
            color=f"C{number}",
            alpha=0.6,
        )
    axes.set(yscale="log", ylabel="misfit", title=f"{told['title']}: misfit, x: trials")
    axes.legend(title="band")
    if told["model_errors"]:
        panels[1].plot(range(len(told["model_errors"])), told["model_errors"], "s-", color="0.3")
        panels[1].set(ylim=(0.0, None), ylabel="model error, first = 1")
    panels[-1].set_xlabel("iteration")
    return _save(figure, path)


def draw_stages(path: Path, told: Mapping[str, Any]) -> Path:
    """Draws time and core hours of every stage.

    Args:
        path: the PNG file.
        told: what `status_of` says.

    Returns:
        The path.
    """
    stages: Mapping[str, Mapping[str, Any]] = told["stages"]
    figure, (left, right) = _figure(1, 2)
    names = list(stages)
    left.barh(names, [stages[name]["seconds"] for name in names], color="C0")
    left.set_xlabel("seconds of jobs")
    right.barh(names, [stages[name]["core_hours"] for name in names], color="C1")
    right.set_xlabel("core hours")
    return _save(figure, path)


def _figure(rows: int, columns: int = 1) -> tuple[Any, list[Any]]:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 2.2 + 1.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex="col")
    return figure, list(grid.flat)


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.partial.png")
    try:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
        temporary.replace(path)
    except OSError as error:
        raise InversionError(f"{path}: cannot be written: {error.strerror}") from None
    return path
