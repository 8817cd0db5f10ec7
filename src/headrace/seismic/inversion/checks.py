"""What is looked at before anything expensive: every problem is named, not only the first."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from headrace.files import write_whole
from headrace.seismic.errors import SeismicError, StationProblem
from headrace.seismic.event_origin import EventOrigin, find_origin
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.objectives import Objective
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.resources import HEAVY
from headrace.seismic.models import FieldReader, extremes
from headrace.seismic.solvers import open_solver, read_event
from headrace.seismic.waveforms import find_stations, read_seismogram

_MOST = 10
_SAMPLES_PER_PERIOD = 5.0


def check_inversion(inversion: Inversion, objective: Objective, model: Path) -> None:
    """Looks at everything that an iteration needs.

    What was checked before and has not changed since is not read again.

    Args:
        inversion: settings and files.
        objective: band, events and stations.
        model: the model that comes first.

    Raises:
        InversionError: all problems, at most ten, in one line.
    """
    key = _signature(inversion, objective)
    problems: list[str] = []
    if _known(inversion.paths) != key:
        problems = list(_problems(inversion, objective, model))
    problems += _disk(inversion, objective) + _walltimes(inversion)
    if problems:
        more = f"; and {len(problems) - _MOST} more" if len(problems) > _MOST else ""
        raise InversionError("; ".join(problems[:_MOST]) + more)
    write_whole(inversion.paths.checked, json.dumps({"checked": key}) + "\n")


def _problems(inversion: Inversion, objective: Objective, model: Path) -> Iterator[str]:
    settings, paths = inversion.settings, inversion.paths
    known = inversion.all_events
    if len(known) != settings.events:
        yield (
            f"{paths.events}: {len(known)} events; events.expected in {paths.settings.name} is "
            f"{settings.events}"
        )
    left_out = {*settings.excluded_events, *inversion.steering.events, *settings.event_weights}
    for name in sorted(left_out - set(known)):
        yield f"{paths.settings.name}: event {name}: there is no such event"
    if not objective.events:
        yield f"{paths.events}: every event is left out"
        return
    yield from _model_problems(inversion, model)
    sound = []
    for name in objective.events:
        found = list(_event_problems(inversion, objective, name))
        yield from found
        if not found:
            sound.append(paths.event(name))
    try:
        solver = open_solver(settings.solver, inversion.solver_settings)
        yield from solver.check(model, sound)
    except SeismicError as error:
        yield str(error)


def _model_problems(inversion: Inversion, model: Path) -> Iterator[str]:
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
        least, most = settings.optimiser.bound(name)
        if low < least or high > most:
            yield f"{model.name}: {name} is {low:g} to {high:g}, outside its bounds"
    named = {("smoothing", one.axis) for one in settings.smoothing}
    named |= {("tapers", one.axis) for one in settings.tapers}
    for key, axis in sorted(named):
        if axis not in axes:
            yield f"{key}: axis {axis} is not in {model.name}; there are {', '.join(sorted(axes))}"


def _event_problems(inversion: Inversion, objective: Objective, name: str) -> Iterator[str]:
    paths = inversion.paths
    try:
        event = read_event(paths.event(name))
        origin = find_origin(
            paths.observed_event(name), paths.observed_event(name), paths.event(name)
        )
        stations, _ = find_stations(
            paths.observed_event(name), paths.observed_event(name), inversion.settings.components
        )
    except SeismicError as error:
        yield f"event {name}: {error}"
        return
    recorded = {station.code: station for station in stations}
    for receiver in event.receivers:
        if receiver.code in objective.excluded_stations:
            continue
        if receiver.code not in recorded:
            yield f"event {name}: no observed seismogram of {receiver.code}"
            continue
        for pair in recorded[receiver.code].pairs:
            yield from _trace_problems(inversion, objective, name, receiver.code, pair, origin)


def _trace_problems(
    inversion: Inversion,
    objective: Objective,
    name: str,
    code: str,
    pair: object,
    origin: EventOrigin | None,
) -> Iterator[str]:
    trace = getattr(pair, "observed", None)
    where = f"event {name}: {code} {getattr(pair, 'component', '')}"
    if trace is None:
        yield f"{where}: no observed seismogram"
        return
    last_resort = inversion.settings.waveforms.get("origin_time")
    try:
        seismogram = read_seismogram(trace, last_resort, origin)
    except StationProblem as problem:
        yield f"{where}: {problem}"
        return
    shortest, _ = objective.periods
    if seismogram.dt * _SAMPLES_PER_PERIOD > shortest:
        yield (
            f"{where}: a sample every {seismogram.dt:g} s is too few for periods of {shortest:g} s"
        )
    if seismogram.dt * len(seismogram.data) < shortest:
        yield f"{where}: shorter than one period of {shortest:g} s"


def _disk(inversion: Inversion, objective: Objective) -> list[str]:
    paths, limits = inversion.paths, inversion.settings.limits
    need = limits.free_disk * 1e9
    free = shutil.disk_usage(paths.root).free
    sizes = [
        sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        for directory in sorted(paths.root.glob("simulations/*/*"))[:1]
    ]
    need += 2.0 * len(objective.events) * (sizes[0] if sizes else 0.0)
    if free >= need:
        return []
    return [
        f"{paths.root}: {free / 1e9:.1f} GB are free on this disk; {need / 1e9:.1f} GB are needed "
        "(limits.free_disk and two sets of simulations)"
    ]


def _walltimes(inversion: Inversion) -> list[str]:
    found = []
    for stage in HEAVY:
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


def _signature(inversion: Inversion, objective: Objective) -> str:
    """Hash of all that was looked at; times of change stand for what is in data files."""
    paths = inversion.paths
    told: list[object] = [
        paths.settings.read_text(encoding="utf-8"),
        objective.periods,
        objective.events,
        objective.excluded_stations,
    ]
    for place in (paths.events, paths.observed, paths.solver):
        for path in sorted(place.rglob("*")) if place.is_dir() else []:
            if path.is_file():
                about = path.stat()
                told.append([str(path.relative_to(place)), about.st_size, about.st_mtime_ns])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _known(paths: Paths) -> str:
    try:
        return str(json.loads(paths.checked.read_text(encoding="utf-8"))["checked"])
    except (OSError, ValueError, KeyError):
        return ""
