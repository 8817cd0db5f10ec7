"""The reports of an inversion: of the whole, and of each iteration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.seismic.errors import SeismicError
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.pictures import draw_models_of
from headrace.seismic.inversion.project import open_inversion
from headrace.seismic.inversion.status import inversion_status
from headrace.seismic.report import pictures
from headrace.seismic.report.html import Picture, inversion_report, iteration_report, write_report

_WORDS = {
    "misfits": ("Misfits", "curves: the misfit of every model and trial by iteration"),
    "costs": ("Costs", "bars: time and core hours of each stage"),
    "model": ("Model", "maps: start, now, and the truth where it is known"),
    "update": ("Update", "maps: change in percent since the iteration before and the start"),
    "kernel": ("Kernel", "maps: the summed kernel, raw and processed"),
    "fits": ("Waveform fits", "traces: observed and synthetic, windows, adjoint sources"),
    "histograms": ("Measures", "histograms: time shifts and misfits of all windows"),
}


def draw_plots(root: Path, staging: Path | None = None) -> list[Path]:
    """Draw misfits and costs into ``pictures/`` of the inversion.

    Where the true model is known, the models of the last iteration are drawn beside it.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if that can be seen.

    Returns:
        The files: these two, and the pictures of the last iteration.

    Raises:
        InversionError: nothing is known yet.
    """
    return _plots(root, inversion_status(root, staging))


def write_reports(root: Path, staging: Path | None = None) -> list[Path]:
    """Write ``report.html`` of the whole and ``results/report.html`` of every iteration.

    Args:
        root: the inversion's directory.
        staging: where it is computed, if that can be seen.

    Returns:
        The files, that of the whole first.

    Raises:
        InversionError: nothing is known yet.
        ReportError: a picture cannot be read, or a file cannot be written.
    """
    paths, status = Paths(root), inversion_status(root, staging)
    drawn = _plots(root, status)
    report = inversion_report(
        status["title"],
        status["iterations"],
        [_picture(path) for path in drawn],
        status["stages"],
        _remarks(status),
        status["history"],
    )
    written = [write_report(root / "report.html", report)]
    for row in status["iterations"]:
        number = int(row["iteration"])
        place = paths.results(number)
        report = iteration_report(
            status["title"], row, [_picture(one) for one in _drawn(paths, row)]
        )
        written.append(write_report(place / "report.html", report))
    return written


def _plots(root: Path, status: Mapping[str, Any]) -> list[Path]:
    paths = Paths(root)
    if not status["misfits"]:
        raise InversionError(f"{root}: no misfit is known yet: wait for the first iteration")
    place = root / "pictures"
    drawn = [
        pictures.draw_misfits(
            place / "misfits.png", status["misfits"], status["title"], status["model_errors"]
        ),
        pictures.draw_costs(place / "costs.png", status["stages"], status["title"]),
    ]
    return drawn + _drawn(paths, status["iterations"][-1])


def _drawn(paths: Paths, row: Mapping[str, Any]) -> list[Path]:
    """Return the pictures of an iteration.

    Its models are drawn anew beside the truth where it is here.
    """
    number = int(row["iteration"])
    place = paths.results(number) / "pictures"
    if paths.true_model.is_file() and paths.model(number + 1).is_file():
        try:
            draw_models_of(open_inversion(paths.root), number, paths.model, place)
        except SeismicError as error:
            raise InversionError(f"models of iteration {number}: {error}") from None
    return sorted(place.glob("*.png"))


def _picture(path: Path) -> Picture:
    kind, _, of = path.stem.partition("_")
    title, alternative = _WORDS.get(kind, (path.stem, path.stem))
    return Picture(f"{title} {of}".strip(), alternative, path)


def _remarks(status: Mapping[str, Any]) -> list[str]:
    state = str(status["state"]) + (f": {status['reason']}" if status["reason"] else "")
    found = [f"State: {state}."]
    if status["model_error"] is not None:
        found.append(
            f"The model error is {100.0 * status['model_error']:.1f} % of the first model's."
        )
    if status["problem"]:
        found.append(f"{status['problem']}.")
    found.append(f"{status['core_hours']:.4g} core hours were used.")
    forecast = status["forecast"]
    if forecast["end"]:
        found.append(f"{forecast['iterations']} iterations are left, until {forecast['end']}.")
    return found
