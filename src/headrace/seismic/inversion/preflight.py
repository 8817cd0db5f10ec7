"""Preflight check before anything is sent: all that would be refused later, at once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError
from headrace.seismic.errors import SeismicError
from headrace.seismic.inversion.bands import first_band_iteration, start_of_band
from headrace.seismic.inversion.changes import Change, changes_since
from headrace.seismic.inversion.checks import find_problems, model_problems
from headrace.seismic.inversion.continuation import next_request
from headrace.seismic.inversion.errors import SettingsError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.published import is_started, published_iterations, read_summary
from headrace.seismic.inversion.steering import PAUSED_BEFORE_START, Request, read_request
from headrace.seismic.models import FieldReader


@dataclass(frozen=True)
class Preflight:
    """Findings of a preflight check.

    Attributes:
        problems: what would be refused, one line each: cause, where, way out.
        notes: what could not be looked at here.
        changes: what was changed since the last iteration that came home.
        iteration: the iteration that comes next, or runs; None if it is not known, or none
            is left.
        band: its band.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    iteration: int | None = None
    band: str | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "problems": list(self.problems),
            "notes": list(self.notes),
            "changes": [dataclasses.asdict(change) for change in self.changes],
            "iteration": self.iteration,
            "band": self.band,
        }


def check_before(root: Path) -> Preflight:
    """Look at everything that the next iteration of an inversion needs, where people steer it.

    Args:
        root: the inversion's directory.

    Returns:
        All that is wrong.
    """
    paths = Paths(root)
    try:
        inversion = open_inversion(root)
    except SettingsError as error:
        return Preflight(error.problems)
    except SeismicError as error:
        return Preflight((str(error),))
    problems: list[str] = []
    request, notes = _request(inversion, problems), list[str]()
    if request is not None:
        problems += find_problems(inversion, request, notes=notes)
    problems += _file_problems(inversion)
    over = request is not None and _is_over(inversion, request)
    if over:
        notes.append(
            f"{root}: no iteration is left: add a band to {paths.settings.name} or raise the "
            "iterations of its last one, or ask for one with `headrace inversion set-band`"
        )
    ended = [
        number for number in published_iterations(paths) if paths.settings_of(number).is_file()
    ]
    changes = changes_since(paths, ended[-1]) if ended else []
    return Preflight(
        tuple(dict.fromkeys(problems)),
        tuple(notes),
        tuple(changes),
        request.iteration if request and not over else None,
        request.band if request and not over else None,
    )


def _request(inversion: Inversion, problems: list[str]) -> Request | None:
    """Return the iteration that comes next, or runs."""
    paths = inversion.paths
    try:
        if not is_started(paths):
            first = Request.for_iteration(0, first_band_iteration(inversion.settings))
            return _with_band_asked_for(inversion, first)
        last = published_iterations(paths)[-1]
        summary = read_summary(paths, last)
        if summary.get("outcome") == "finished":
            found = next_request(inversion, last)
            if found is not None:
                return found
        request = read_request(paths, last)
        waits = summary.get("reason") == PAUSED_BEFORE_START
        return _with_band_asked_for(inversion, request) if waits else request
    except SeismicError as error:
        problems.append(str(error))
        return None


def _with_band_asked_for(inversion: Inversion, request: Request) -> Request:
    """Return the request of an iteration that has not started, in the band that it will have."""
    steering = inversion.steering
    if not steering.changes_band(request.iteration, request.steered):
        return request
    asked_for = start_of_band(inversion.settings, steering.band)
    return dataclasses.replace(
        request,
        band=asked_for.band,
        band_iterations=asked_for.before,
        periods=asked_for.periods,
        position=asked_for.position,
        steered=steering.band_id,
    )


def _is_over(inversion: Inversion, request: Request) -> bool:
    """Return whether an iteration came to the end of the last band."""
    paths = inversion.paths
    if request.iteration not in published_iterations(paths):
        return False
    summary = read_summary(paths, request.iteration)
    return (
        summary.get("outcome") == "finished" and next_request(inversion, request.iteration) is None
    )


def _file_problems(inversion: Inversion) -> Iterator[str]:
    """Yield what `headrace inversion status` reads.

    The true model and the iterations' summaries.
    """
    paths = inversion.paths
    if paths.true_model.is_file():
        yield from _caught(lambda: _true_problem(inversion))
    for number in published_iterations(paths):
        yield from _caught(functools.partial(_summary_problem, paths, number))


def _true_problem(inversion: Inversion) -> str:
    first, true = inversion.paths.model(0), inversion.paths.true_model
    unbounded = dataclasses.replace(
        inversion.settings,
        smoothing=(),
        tapers=(),
        optimiser=dataclasses.replace(
            inversion.settings.optimiser, bounds={}, parametrisation="linear"
        ),
    )
    found = list(model_problems(dataclasses.replace(inversion, settings=unbounded), true))
    if found or not first.is_file():
        return "; ".join(found)
    with FieldReader(first) as one, FieldReader(true) as other:
        if one.layout.shape != other.layout.shape:
            return (
                f"{true}: its grid has {other.layout.shape} points, that of {first.name} "
                f"{one.layout.shape}; give it the same grid, or remove it"
            )
    return ""


def _summary_problem(paths: Paths, number: int) -> str:
    read_summary(paths, number)
    return ""


def _caught(look: Callable[[], str]) -> Iterator[str]:
    try:
        found = look()
    except HeadraceError as error:
        found = str(error)
    if found:
        yield found
