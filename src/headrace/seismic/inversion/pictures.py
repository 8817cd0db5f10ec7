"""Pictures of an iteration: model, update, kernels, waveform fits, histograms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.seismic import pictures
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.objectives import current_objective, observed_of
from headrace.seismic.inversion.paths import number_text
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import recorded
from headrace.seismic.models import FieldReader
from headrace.seismic.solvers import SYNTHETICS


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
    results = paths.outbox / number_text(iteration) / "results"
    if not results.is_dir():
        raise InversionError(f"{results}: no results of iteration {iteration} to draw")
    place = results / "pictures"
    place.mkdir(exist_ok=True)
    with recorded(paths.records(iteration) / "pictures.jsonl", "pictures"):
        places = pictures.read_places([paths.event(name) for name in inversion.events])
        drawn: list[Path] = []
        for parameter in inversion.settings.parameters:
            drawn += _maps(inversion.optimiser().model_file, results, iteration, parameter, places)
        drawn += _waveforms(inversion, iteration, place)
    return {"pictures": [path.name for path in drawn]}


def _maps(
    model_file: Callable[[str], Path],
    results: Path,
    iteration: int,
    parameter: str,
    places: pictures.Places,
) -> list[Path]:
    def section(path: Path) -> pictures.Section:
        return pictures.read_section(path, parameter)

    place, drawn = results / "pictures", []
    own, after = model_file(number_text(iteration)), model_file(number_text(iteration + 1))
    if after.is_file():
        start, now = section(model_file("000")), section(after)
        title = f"{parameter} after iteration {iteration}"
        models = {"start": start, "now": now}
        drawn.append(pictures.draw_models(place / f"model_{parameter}.png", models, places, title))
        since = {"since the iteration before": section(own), "since the start": start}
        drawn.append(
            pictures.draw_updates(place / f"update_{parameter}.png", now, since, places, title)
        )
    kernels = {
        title: section(path)
        for title, name in (("raw", "sum"), ("processed", "preconditioned"))
        if (path := results / f"kernel_{name}.h5").is_file()
    }
    if kernels:
        title = f"kernel of {parameter}, iteration {iteration}"
        target = place / f"kernel_{parameter}.png"
        drawn.append(pictures.draw_kernels(target, kernels, places, title))
    return drawn


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
