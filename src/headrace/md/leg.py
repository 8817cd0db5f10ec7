"""One leg of a simulation: received, gone on with, and told how far it came.

A leg has a directory of its own::

    input/       what the simulation is prepared from; for the first leg
    previous/    the state that the leg before left; absent in the first leg
    state/       all that the next leg needs: run input, checkpoints
    parts/       this leg's piece of trajectory and energies, a part for each start; energies.csv
    parts.json   sizes of the parts that no start writes any more
    plan.json    the step that the leg begins at, and the one it is to end at
    leg.json     how far it came

Run again after a kill, it goes on from its last good checkpoint; run again after its end, it tells
the same again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import directory_replacement, flush_file, write_atomic
from headrace.md.engine import Engine, LegDirectory, Position, Stretch
from headrace.md.errors import EngineKilled, MdError
from headrace.md.stop_signals import StopSignals
from headrace.md.xtc import read_frames

ENERGIES: Final = "energies.csv"
"""Name of the table of a leg's energies, in its directory ``parts``."""


@dataclass(frozen=True)
class LegLimits:
    """Limits of a leg: it is over when it meets one.

    Attributes:
        number: number of the leg within its directory; a further leg of the same run is 2.
        steps: steps of the leg; 0: no limit.
        seconds: time after which it stops by itself; None: no limit.
        target_step: last step of the simulation; 0: as its input says.
    """

    number: int = 1
    steps: int = 0
    seconds: float | None = None
    target_step: int = 0


@dataclass(frozen=True)
class LegOutcome:
    """Outcome of a leg: how far it came.

    Attributes:
        engine: its name.
        version: the engine's version.
        previous: name of the leg that it goes on from; "" for a first leg.
        first_step: the checkpoint that the leg begins at.
        step: its last checkpoint.
        target_step: the last step of the simulation.
        time_ps: time of the last checkpoint, in ps.
        step_ps: length of a step, in ps.
        done: whether the target is reached.
        complete: whether the leg came to its end; false where it was stopped before.
        frames: frames of the leg's parts.
        ns_per_day: speed of the last start, in ns a day; None where it made no step.
        temperature_k: mean temperature of the leg, in K; None where it is not known.
        potential_kj_mol: mean potential energy, in kJ/mol.
        total_kj_mol: mean total energy, in kJ/mol.
        pressure_bar: mean pressure, in bar.
        files: trajectory files in the order of time, relative to the leg's directory.
    """

    engine: str
    version: str
    previous: str
    first_step: int
    step: int
    target_step: int
    time_ps: float
    step_ps: float
    done: bool
    complete: bool
    frames: int
    ns_per_day: float | None
    temperature_k: float | None
    potential_kj_mol: float | None
    total_kj_mol: float | None
    pressure_bar: float | None
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {**asdict(self), "files": list(self.files)}


@dataclass(frozen=True)
class _Plan:
    number: int
    first_step: int
    end_step: int


def run_leg(
    engine: Engine,
    name: str,
    directory: Path,
    limits: LegLimits,
    *,
    previous: str = "",
    assess_only: bool = False,
) -> LegOutcome:
    """Run a leg, or what is left of it, and write how far it came.

    Args:
        engine: the engine.
        name: the engine's name.
        directory: the leg's directory, absolute.
        limits: when the leg is over.
        previous: name of the leg that it goes on from, for the record.
        assess_only: run nothing; tell how far it came.

    Returns:
        How far it came.

    Raises:
        MdError: it cannot be prepared, the engine failed, or made no step where it should have.
        EngineKilled: a signal ended the engine; run again, the leg goes on.
    """
    leg = LegDirectory(directory)
    _receive(leg)
    seconds = 0.0
    # From here on an earlier start that still runs somewhere ends.
    with StopSignals(leg.path) as stop:
        stop.take_over(leg.parts)
        engine.prepare(leg)
        position = _settle(engine, leg)
        target = limits.target_step or position.target
        if target is None:
            raise MdError(
                f"{leg.state}: the run input has no last step; give the simulation's target_step"
            )
        plan = _plan(leg, position, target, limits)
        begin = position.step
        if begin < plan.end_step and not assess_only:
            started = time.monotonic()
            position = _advance(engine, leg, plan, position, limits.seconds, stop)
            seconds = time.monotonic() - started
    speed: float | None
    if seconds > 0:
        speed = round((position.step - begin) * position.step_ps * 86.4 / seconds, 3)
    else:
        speed = _known_speed(leg, position)
    if position.step > target:
        raise MdError(
            f"{leg.state}: its checkpoint is at step {position.step}, behind the target {target}"
        )
    limited = limits.seconds is not None and not stop.requested and not assess_only
    complete = position.step >= plan.end_step or limited
    outcome = _outcome(engine, name, leg, plan, position, target, previous, complete, speed)
    write_atomic(leg.record, json.dumps(outcome.to_dict(), indent=2) + "\n")
    return outcome


def read_outcome(directory: Path) -> LegOutcome:
    """Read how far a leg came.

    Args:
        directory: the leg's directory.

    Raises:
        MdError: it has no record, or a damaged one.
    """
    path = LegDirectory(directory).record
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return LegOutcome(**{**document, "files": tuple(document["files"])})
    except OSError as error:
        raise MdError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise MdError(f"{path}: no record of a leg: {error}") from None


def _advance(
    engine: Engine,
    leg: LegDirectory,
    plan: _Plan,
    position: Position,
    seconds: float | None,
    stop: StopSignals,
) -> Position:
    """Have the engine go on, and return where it came; the checkpoint says it, nothing else."""
    failure: MdError | None = None
    stop.check_owner()
    try:
        engine.advance(leg, Stretch(position.step, plan.end_step, seconds, stop))
    except MdError as error:
        failure = error
    stop.check_owner()
    reached = _settle(engine, leg)
    # mdrun ends with code 1 when a signal asked it to stop, though all is well.
    if reached.step >= plan.end_step or (stop.requested and reached.step > position.step):
        return reached
    if stop.requested:
        raise EngineKilled(engine.version(), signal.SIGTERM)
    if failure is not None:
        raise failure
    if reached.step > position.step:
        return reached
    raise MdError(
        f"{leg.path}: {engine.version()} ended without a checkpoint behind step {position.step}; "
        "is the time of a leg shorter than its start-up?"
    )


def _settle(engine: Engine, leg: LegDirectory) -> Position:
    """Find the last good checkpoint, and make all parts end there, those of earlier starts, too.

    A start that was given up may have written on after its parts were cut.
    """
    record = leg.path / "parts.json"
    known: dict[str, int] = json.loads(record.read_text()) if record.exists() else {}
    for name, size in known.items():
        path = leg.parts / name
        if path.exists() and path.stat().st_size > size:
            os.truncate(path, size)
    position = engine.settle(leg)
    sizes = {
        path.name: path.stat().st_size for path in sorted(leg.parts.iterdir()) if path.is_file()
    }
    sizes.pop(ENERGIES, None)  # written anew at the end of each start
    write_atomic(record, json.dumps(sizes) + "\n")
    return position


def _receive(leg: LegDirectory) -> None:
    """Take the state that the leg before left, unless this one has a state of its own."""
    leg.parts.mkdir(parents=True, exist_ok=True)
    if leg.state.is_dir():
        return
    if not leg.previous.is_dir():
        if not leg.input.is_dir():
            raise MdError(f"{leg.path}: neither input/ nor previous/ is there")
        leg.state.mkdir()
        return
    with directory_replacement(leg.state) as partial:
        for path in sorted(leg.previous.iterdir()):
            if path.is_file():
                shutil.copyfile(path, partial / path.name)
                flush_file(partial / path.name)


def _plan(leg: LegDirectory, position: Position, target: int, limits: LegLimits) -> _Plan:
    """Return what the leg is to do, which stays the same however often it is run."""
    path = leg.path / "plan.json"
    try:
        plan = _Plan(**json.loads(path.read_text(encoding="utf-8")))
        if plan.number == limits.number:
            return plan
    except FileNotFoundError:
        pass
    except (ValueError, TypeError) as error:
        raise MdError(f"{path}: no plan of a leg: {error}") from None
    end = min(target, position.step + limits.steps) if limits.steps else target
    plan = _Plan(limits.number, position.step, end)
    write_atomic(path, json.dumps(asdict(plan)) + "\n")
    return plan


def _known_speed(leg: LegDirectory, position: Position) -> float | None:
    """Return the speed that the record has of a leg that was at its end before."""
    if not leg.record.exists():
        return None
    known = read_outcome(leg.path)
    return known.ns_per_day if known.step == position.step else None


def _outcome(
    engine: Engine,
    name: str,
    leg: LegDirectory,
    plan: _Plan,
    position: Position,
    target: int,
    previous: str,
    complete: bool,
    speed: float | None,
) -> LegOutcome:
    energies = engine.energies(leg)
    energies.write(leg.parts / ENERGIES)
    files = engine.files(leg)
    means = {
        key: None if (value := energies.mean(key)) is None else round(value, 3)
        for key in ("temperature", "potential", "total", "pressure")
    }
    return LegOutcome(
        engine=name,
        version=engine.version(),
        previous=previous,
        first_step=plan.first_step,
        step=position.step,
        target_step=target,
        time_ps=round(position.time_ps, 6),
        step_ps=position.step_ps,
        done=position.step >= target,
        complete=complete,
        frames=sum(len(read_frames(path)) for path in files),
        ns_per_day=speed,
        temperature_k=means["temperature"],
        potential_kj_mol=means["potential"],
        total_kj_mol=means["total"],
        pressure_bar=means["pressure"],
        files=tuple(str(path.relative_to(leg.path)) for path in files),
    )
