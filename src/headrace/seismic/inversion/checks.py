"""Checks before anything expensive: every problem is named, not only the first."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from headrace._internal.files import write_whole
from headrace.seismic.errors import SeismicError, SolverMissing
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.event_checks import TimeCheck, event_problems
from headrace.seismic.inversion.iteration import band_iteration_of
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.resources import BATCH_STAGES
from headrace.seismic.inversion.settings_file import Band
from headrace.seismic.inversion.steering import Request
from headrace.seismic.models import FieldReader, extremes
from headrace.seismic.solvers import open_solver
from headrace.seismic.solvers.base import (
    Solver,
    missing_requirement,
    synthetic_quantity,
    synthetic_times,
)
from headrace.seismic.solvers.limits import Reach

_MAX_PROBLEMS = 10
# What the functions that carry an event's name to a batch job take.
_LONGEST_NAME = 100
_EVENT = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.+-]{{0,{_LONGEST_NAME - 1}}}")


def check_inversion(inversion: Inversion, request: Request) -> None:
    """Look at everything that an iteration needs, where it is computed.

    What was checked before and has not changed since is not read again.

    Args:
        inversion: settings and files.
        request: what the iteration shall do.

    Raises:
        InversionError: all problems, at most ten, in one line.
    """
    paths = inversion.paths
    known, keys = _known(paths), _signatures(inversion, request)
    problems: list[str] = []
    if known != keys:
        same_data = known.get("data") == keys["data"]
        problems = find_problems(inversion, request, look_at_data=not same_data)
    problems += _disk(inversion)
    if problems:
        more = (
            f"; and {len(problems) - _MAX_PROBLEMS} more" if len(problems) > _MAX_PROBLEMS else ""
        )
        raise InversionError("; ".join(problems[:_MAX_PROBLEMS]) + more)
    write_whole(paths.checked, json.dumps(keys) + "\n")


def find_problems(
    inversion: Inversion,
    request: Request,
    *,
    look_at_data: bool = True,
    notes: list[str] | None = None,
) -> list[str]:
    """Look for what would be refused later, in this iteration or in those to come.

    Args:
        inversion: settings and files.
        request: what the iteration shall do.
        look_at_data: read the observed traces, too.
        notes: receives what cannot be looked at because the solver is not on this machine, which
            then is no problem.

    Returns:
        One line per problem: cause, where, way out.
    """
    return [*_problems(inversion, request, look_at_data, notes), *_walltimes(inversion)]


def present_model(inversion: Inversion, iteration: int) -> Path:
    """Return the model that an iteration begins with, as far as it is here."""
    own = inversion.paths.optimiser / "models" / f"{number_text(iteration)}.h5"
    for path in (own, inversion.paths.model(iteration)) if iteration else ():
        if path.is_file():
            return path
    return inversion.paths.model(0)


def _problems(
    inversion: Inversion, request: Request, look_at_data: bool, notes: list[str] | None
) -> Iterator[str]:
    settings, paths = inversion.settings, inversion.paths
    number, known = request.iteration, inversion.all_events
    bands: tuple[Band, ...] = settings.bands
    try:
        band_iteration, _ = band_iteration_of(inversion, request)
        bands = settings.bands[band_iteration.position :]
    except SeismicError as error:
        yield str(error)
    if len(known) != settings.events:
        yield (
            f"{paths.events}: {len(known)} events; events.expected in {paths.settings.name} is "
            f"{settings.events}"
        )
    left_out = {*settings.excluded_events, *settings.event_weights}
    for name in sorted(left_out - set(known)):
        yield f"{paths.settings.name}: event {name}: there is no such event"
    for name in known:
        if not _EVENT.fullmatch(name):
            yield (
                f"{paths.events}: event {name!r}: rename it here and in {paths.observed.name}: "
                f"letters, digits and _ . + - only, at most {_LONGEST_NAME} of them"
            )
    if not inversion.events:
        yield f"{paths.events}: every event is left out"
        return
    model = present_model(inversion, number)
    found = list(model_problems(inversion, model))
    yield from found
    if not found and model == paths.model(0):
        yield from _content_problems(model)
    solver = _opened(inversion)
    times = TimeCheck(None)
    if not isinstance(solver, SeismicError):
        times = TimeCheck(synthetic_times(solver), synthetic_quantity(solver))
    sound = []
    for name in inversion.events:
        wrong = list(event_problems(inversion, bands, name, times)) if look_at_data else []
        yield from wrong
        if not wrong:
            sound.append(paths.event(name))
    yield from times.problems()
    if not found:
        try:
            if isinstance(solver, SeismicError):
                raise solver
            if notes is not None and (missing := missing_requirement(solver)):
                raise SolverMissing(missing)
            yield from solver.check(model, sound, reach_of(inversion, model, number))
        except SolverMissing as error:
            if notes is None:
                yield str(error)
            else:
                notes.append(f"not looked at here, but where it is computed: {error}")
        except SeismicError as error:
            yield str(error)


def _opened(inversion: Inversion) -> Solver | SeismicError:
    """Return the solver, or why there is none."""
    try:
        return open_solver(inversion.settings.solver, inversion.solver_settings)
    except SeismicError as error:
        return error


def model_problems(inversion: Inversion, model: Path) -> Iterator[str]:
    """Look at a model: its fields, that all numbers are finite and within bounds.

    Args:
        inversion: settings.
        model: the file.
    """
    try:
        ranges = extremes(model)
        with FieldReader(model) as reader:
            axes = {axis.name for axis in reader.layout.axes}
    except SeismicError as error:
        yield str(error)
        return
    settings = inversion.settings
    for name in settings.parameters:
        if name not in ranges:
            yield f"{model.name}: parameter {name} is not in it; there are {', '.join(ranges)}"
    for name, (low, high) in ranges.items():
        lower, upper = settings.optimiser.bound(name)
        tolerance = 1e-6 * max(abs(low), abs(high))
        if low < lower - tolerance or high > upper + tolerance:
            yield (
                f"{model.name}: {name} is {low:g} to {high:g}, outside its bounds {lower:g} to "
                f"{upper:g}; change [parameters.{name}] bounds in {inversion.paths.settings.name}"
            )
        if settings.optimiser.parametrisation == "log" and low <= 0.0:
            yield (
                f"{model.name}: {name} goes down to {low:g} and has no logarithm; set "
                'optimiser.parametrisation = "linear"'
            )
    named = {("smoothing", one.axis) for one in settings.smoothing}
    named |= {("tapers", one.axis) for one in settings.tapers}
    for key, axis in sorted(named):
        if axis not in axes:
            yield f"{key}: axis {axis} is not in {model.name}; there are {', '.join(sorted(axes))}"


def _content_problems(model: Path) -> Iterator[str]:
    """Yield a file that was changed in place would be taken for the one that it was."""
    try:
        with FieldReader(model) as reader:
            reader.verify()
    except SeismicError as error:
        yield (
            f"{error}; write it with headrace.seismic.models.write_model, so that its simulations "
            "are its own"
        )


def reach_of(inversion: Inversion, model: Path, iteration: int) -> dict[str, Reach]:
    """Return how far each parameter may go from a model in the iterations to come.

    Between bounds all that the largest change of an iteration allows until the end; without
    bounds what it allows in the next one.

    Args:
        inversion: settings.
        model: the model.
        iteration: number of the iteration that begins with it.
    """
    settings = inversion.settings
    cap = settings.optimiser.max_relative_model_change
    left = max(1, settings.iterations - iteration)
    ranges = extremes(model)
    found = {}
    for name in settings.parameters:
        low, high = settings.optimiser.bound(name)
        bounded = math.isfinite(low) and math.isfinite(high)
        if cap is None and not bounded:
            continue
        count = left if bounded else 1
        if cap is None:
            found[name] = Reach(low, high, math.inf)
        elif settings.optimiser.parametrisation == "log":
            found[name] = Reach(low, high, min((1.0 + cap) ** count, 1e300))
        else:
            largest = max(map(abs, ranges[name])) if name in ranges else 0.0
            found[name] = Reach(low, high, shift=largest * min((1.0 + cap) ** count - 1.0, 1e300))
    return found


def _disk(inversion: Inversion) -> list[str]:
    paths, limits = inversion.paths, inversion.settings.limits
    need = limits.free_disk * 1e9
    free = shutil.disk_usage(paths.root).free
    sizes = [
        sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        for directory in sorted(paths.root.glob("simulations/*/*"))[:1]
    ]
    need += 2.0 * len(inversion.events) * (sizes[0] if sizes else 0.0)
    if free >= need:
        return []
    return [
        f"{paths.root}: {free / 1e9:.1f} GB are free on this disk; {need / 1e9:.1f} GB are needed "
        "(limits.free_disk and two sets of simulations)"
    ]


def _walltimes(inversion: Inversion) -> list[str]:
    found = []
    for stage in BATCH_STAGES:
        asked = inversion.settings.resources[stage]
        if asked.seconds_per_event is None:
            continue
        need = asked.seconds_per_event * asked.events_per_task
        if need > asked.seconds:
            found.append(
                f"resources.{stage}: walltime {asked.walltime} is too short: "
                f"{asked.events_per_task} events of {asked.seconds_per_event:g} s take {need:g} s"
            )
    return found


def _signatures(inversion: Inversion, request: Request) -> dict[str, str]:
    """Hashes of all that is looked at; times of change stand for what is in data files."""
    paths = inversion.paths
    model = present_model(inversion, request.iteration)
    about: list[object] = [
        asdict(request),
        inversion.is_over(request.iteration),
        [model.name, model.stat().st_mtime_ns if model.is_file() else 0],
    ]
    data: list[object] = [
        paths.settings.read_text(encoding="utf-8"),
        paths.steering.read_text(encoding="utf-8") if paths.steering.is_file() else "",
    ]
    for place in (paths.events, paths.observed, paths.solver):
        for path in sorted(place.rglob("*")) if place.is_dir() else []:
            if path.is_file():
                status = path.stat()
                data.append([str(path.relative_to(place)), status.st_size, status.st_mtime_ns])
    return {
        name: hashlib.sha256(json.dumps(values).encode()).hexdigest()
        for name, values in (("data", data), ("model", [*data, *about]))
    }


def _known(paths: Paths) -> dict[str, str]:
    try:
        checked = json.loads(paths.checked.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return checked if isinstance(checked, dict) else {}
