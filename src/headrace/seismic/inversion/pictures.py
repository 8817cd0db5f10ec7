"""Pictures of an iteration: model, update, kernels, waveform fits, histograms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace._internal.figure_style import import_library
from headrace._internal.forked_call import ForkedCall
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.objectives import current_objective, observed_of
from headrace.seismic.inversion.paths import number_text
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import record_stage
from headrace.seismic.models import FieldReader
from headrace.seismic.report import pictures
from headrace.seismic.solvers import SYNTHETICS


def draw_pictures(root: Path, iteration: int, processes: int = 1) -> dict[str, Any]:
    """Draw into ``outbox/NNN/results/pictures``.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration, whose results were gathered.
        processes: 1, or 2 in a program without threads: then the waveforms are read and drawn in
            a process of their own. The files are the same.

    Returns:
        ``pictures``: names of the files.

    Raises:
        InversionError: the results are not there.
    """
    inversion = open_inversion(root)
    paths = inversion.paths
    results = paths.outbox / number_text(iteration) / "results"
    if not results.is_dir():
        raise InversionError(f"{results}: no results of iteration {iteration} to draw")
    place = results / "pictures"
    place.mkdir(exist_ok=True)
    record = paths.records(iteration) / "pictures.jsonl"
    with record_stage(record, "pictures", cores=min(processes, 2)):
        if processes < 2:
            drawn = _maps(inversion, iteration, results) + _waveforms(inversion, iteration, place)
        else:
            import_library()  # once, for both
            waveforms = ForkedCall(_waveforms, inversion, iteration, place)
            try:
                drawn = _maps(inversion, iteration, results)
                drawn += waveforms.result()
            finally:
                waveforms.end()
    return {"pictures": [path.name for path in drawn]}


def _maps(inversion: Inversion, iteration: int, results: Path) -> list[Path]:
    """Draw models, their changes and kernels."""
    paths, place = inversion.paths, results / "pictures"
    model_file = inversion.optimiser().model_file

    def model(number: int) -> Path:
        return model_file(number_text(number))

    drawn = draw_models_of(inversion, iteration, model, place)
    places = pictures.read_places([paths.event(name) for name in inversion.events])
    for parameter in inversion.settings.parameters:
        drawn += _kernels(results, iteration, parameter, places)
    return drawn


def draw_models_of(
    inversion: Inversion, iteration: int, model: Callable[[int], Path], place: Path
) -> list[Path]:
    """Draw the models of an iteration, beside the truth where that is known, and their changes.

    Args:
        inversion: settings and files.
        iteration: number of the iteration.
        model: number -> the file of a model.
        place: directory of the pictures.

    Returns:
        The files; none if the iteration has no new model.

    Raises:
        SeismicError: a model cannot be read or drawn.
    """
    after = model(iteration + 1)
    if not after.is_file():
        return []
    paths, drawn = inversion.paths, []
    places = pictures.read_places([paths.event(name) for name in inversion.events])
    for parameter in inversion.settings.parameters:
        start, own, now = (
            pictures.read_section(path, parameter) for path in (model(0), model(iteration), after)
        )
        models = {"start": start, f"after iteration {iteration}": now}
        if paths.true_model.is_file():
            models["truth"] = pictures.read_section(paths.true_model, parameter)
        title = f"{parameter} after iteration {iteration}"
        target = place / f"model_{parameter}.png"
        drawn.append(pictures.draw_models(target, models, places, title))
        since = {"since the iteration before": own, "since the start": start}
        target = place / f"update_{parameter}.png"
        drawn.append(pictures.draw_updates(target, now, since, places, title))
    return drawn


def _kernels(results: Path, iteration: int, parameter: str, places: pictures.Places) -> list[Path]:
    kernels = {
        title: pictures.read_section(path, parameter)
        for title, name in (("raw", "sum"), ("processed", "preconditioned"))
        if (path := results / f"kernel_{name}.h5").is_file()
    }
    if not kernels:
        return []
    title = f"kernel of {parameter}, iteration {iteration}"
    target = results / "pictures" / f"kernel_{parameter}.png"
    return [pictures.draw_kernels(target, kernels, places, title)]


def _waveforms(inversion: Inversion, iteration: int, place: Path) -> list[Path]:
    """Fits of one event and histograms of all, in the model that was accepted."""
    optimiser, paths = inversion.optimiser(), inversion.paths
    rows = [row for row in optimiser.history if row.iteration == iteration and row.accepted]
    if not rows:
        return []
    row = rows[-1]
    objective = current_objective(inversion, row.objective)
    first, last = paths.evaluation(objective.reference), paths.evaluation(str(row.accepted))
    with FieldReader(optimiser.model_file(number_text(iteration + 1))) as reader:
        simulations = paths.simulations(reader.content)
    event = objective.events[iteration % len(objective.events)]
    fits = pictures.read_fits(
        last.windows(event),
        observed_of(paths, objective, event),
        simulations / event / SYNTHETICS,
        paths.waveform_settings(objective.tag),
    )
    title = f"event {event} after iteration {iteration}"
    measures = {
        f"begin of band {objective.band}": pictures.read_measures(
            [first.windows(name) for name in objective.events]
        ),
        f"after iteration {iteration}": pictures.read_measures(
            [last.windows(name) for name in objective.events]
        ),
    }
    return [
        pictures.draw_fits(place / "fits.png", fits, title),
        pictures.draw_histograms(place / "histograms.png", measures, inversion.settings.title),
    ]
