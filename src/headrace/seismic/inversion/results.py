"""The end of an iteration: its numbers, its files for the way home, and the next one's request."""

from __future__ import annotations

import datetime
import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.seismic.inversion.bands import Turn, named_turn, next_turn, present_turn
from headrace.seismic.inversion.changes import settings_text
from headrace.seismic.inversion.iteration import turn_of
from headrace.seismic.inversion.next_work import make_plan
from headrace.seismic.inversion.paths import MARKER, number_text
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import read_records
from headrace.seismic.inversion.settings import InversionSettings
from headrace.seismic.inversion.steering import Request, read_request, request_text
from headrace.seismic.models import FieldReader, versions_of
from headrace.seismic.optimisation import Iteration, State, Trial


def gather_results(root: Path, iteration: int) -> dict[str, Any]:
    """Put what goes back to the home into ``outbox/NNN/``.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration.

    Returns:
        ``outcome`` (``done``, ``finished``, ``paused`` or ``stopped``), ``reason``, ``next`` (its
        number, or None) and ``misfit``.

    Raises:
        InversionError: the iteration is not over.
    """
    inversion = open_inversion(root)
    paths = inversion.paths
    request = read_request(paths, iteration)
    if inversion.is_over(iteration):
        # No better model was found, and none is to be found: this one is the next, too.
        inversion.optimiser().keep()
    summary = summarise(inversion, request)
    target = paths.outbox / number_text(iteration)
    temporary = target.with_name(f".{target.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    results = temporary / "results"
    results.mkdir(parents=True)
    write_whole(results / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
    write_whole(results / "settings.json", settings_text(inversion) + "\n")
    lines = [json.dumps(record) + "\n" for record in read_records(paths.records(iteration))]
    write_whole(results / "records.jsonl", "".join(lines))
    _copy_state(inversion, request, results)
    models = temporary / "models"
    models.mkdir()
    following = summary["next"]
    if summary["outcome"] in ("done", "finished") and summary["misfit_after"] is not None:
        optimiser = inversion.optimiser()
        name = number_text(iteration + 1)
        _copy(optimiser.model_file(name), models / f"{name}.h5")
    (temporary / "next").mkdir()
    if following is not None:
        told = request_text(_next(inversion, request))
        write_whole(temporary / "next" / "iteration.json", told)
    write_whole(temporary / MARKER, f"iteration {following}\n")
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    if summary["outcome"] in ("done", "finished"):
        _prune(inversion, iteration)
    return {name: summary[name] for name in ("outcome", "reason", "next", "misfit", "band")} | {
        "iteration": iteration,
        "misfit_after": summary["misfit_after"],
        "trials": len(summary["trials"]),
        "name": number_text(iteration),
        "next_name": "" if following is None else number_text(following),
    }


def summarise(inversion: Inversion, request: Request) -> dict[str, Any]:
    """Return an iteration in numbers.

    Args:
        inversion: settings and files.
        request: what the iteration was asked to do.

    Returns:
        As in ``summary.json``: outcome, misfits, trials, and per stage times, core hours and
        numbers of computed events.
    """
    paths, number = inversion.paths, request.iteration
    outcome, reason = _outcome(inversion, request)
    state = inversion.optimiser().state if paths.optimiser.is_dir() else None
    rows = [row for row in state.history if row.iteration == number] if state else []
    row = rows[-1] if rows else None
    accepted = _accepted(row)
    kept = is_kept(state, number)
    following = number + 1 if outcome == "done" else None
    records = read_records(paths.records(number))
    stages = stages_of(records)
    turn, steered = turn_of(inversion, request)
    return {
        "iteration": number,
        "band": turn.band,
        "turn": asdict(turn),
        "steered": steered,
        "outcome": outcome,
        "reason": reason,
        "next": following,
        "misfit": row.misfit if row else None,
        "misfit_after": accepted.misfit if accepted else row.misfit if row and kept else None,
        "accepted": accepted.name if accepted else None,
        "kept": kept,
        "step": accepted.step if accepted else None,
        "trials": [_told(trial) for trial in row.trials] if row else [],
        "given_up": [_told(trial) for old in rows[:-1] for trial in old.trials],
        "direction": row.direction if row else None,
        "notes": list(row.notes) if row else [],
        "events": len(inversion.events),
        "stages": stages,
        "core_hours": sum(stage["core_hours"] for stage in stages.values()),
        "began": records[0]["began"] if records else None,
        "seconds": wall_seconds(records),
        "model": _content(inversion, number + 1) if accepted or kept else None,
        "versions": dict(versions_of()),
    }


def stages_of(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Time and core hours by stage.

    Args:
        records: of one iteration or of several.

    Returns:
        Stage -> ``seconds``, ``core_hours``, ``computed`` and ``found`` events, ``calls``.
    """
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        row = found.setdefault(
            record["stage"],
            {"seconds": 0.0, "core_hours": 0.0, "computed": 0, "found": 0, "calls": 0},
        )
        row["seconds"] = round(row["seconds"] + record["seconds"], 3)
        row["core_hours"] += record["seconds"] * record["cores"] / 3600.0
        row["computed"] += len(record["computed"])
        row["found"] += record["found"]
        row["calls"] += 1
    return found


def wall_seconds(records: list[dict[str, Any]]) -> float:
    """Time from the begin of the first record to the end of the last, s."""
    if not records:
        return 0.0
    begun = [datetime.datetime.fromisoformat(record["began"]) for record in records]
    ends = [
        moment + datetime.timedelta(seconds=record["seconds"])
        for moment, record in zip(begun, records, strict=True)
    ]
    return round((max(ends) - min(begun)).total_seconds(), 3)


def is_kept(state: State | None, iteration: int) -> bool:
    """Return whether an iteration found no better model, so that the next begins with the same."""
    if state is None or state.iteration <= iteration:
        return False
    rows = [row for row in state.history if row.iteration == iteration]
    return bool(rows) and rows[-1].accepted is None


def _told(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON has it: without a misfit where it has none."""
    misfit = trial.misfit if math.isfinite(trial.misfit) else None
    return asdict(trial) | {"misfit": misfit}


def _outcome(inversion: Inversion, request: Request) -> tuple[str, str]:
    number = request.iteration
    if (
        inversion.steering.is_paused(number, begins=True)
        and not inversion.paths.start(number).is_dir()
    ):
        return "paused", "paused before the iteration"
    plan = make_plan(inversion, number)
    if plan.next == "results":
        state = inversion.optimiser().state
        note = ""
        if is_kept(state, number):
            row = [row for row in state.history if row.iteration == number][-1]
            note = row.notes[-1]
        reason = _why_finished(inversion, request)
        if reason:
            return "finished", f"{note}; {reason}" if note else reason
        return "done", note or plan.message
    if plan.next in ("paused", "stopped"):
        return plan.next, plan.message
    return "unfinished", f"{plan.next} of {plan.evaluation} is still to be done"


def _why_finished(inversion: Inversion, request: Request) -> str:
    spent = inversion.settings.limits.core_hours
    if spent is not None:
        places = sorted(inversion.paths.iterations.glob("[0-9]*"))
        hours = core_hours_of(read_records(place / "records") for place in places)
        if hours >= spent:
            return f"{hours:.1f} core hours were used; limits.core_hours is {spent:g}"
    return "" if _following(inversion, request) else "the last band is done"


def core_hours_of(iterations: Iterable[list[dict[str, Any]]]) -> float:
    """Add up the core hours of several iterations.

    Args:
        iterations: the records of each.
    """
    return math.fsum(
        float(stage["core_hours"])
        for records in iterations
        for stage in stages_of(records).values()
    )


def _next(inversion: Inversion, request: Request) -> Request:
    following = _following(inversion, request)
    if following is None:
        raise AssertionError("a finished inversion has no next iteration")
    _, steered = turn_of(inversion, request)
    return Request.of(request.iteration + 1, following, steered)


def _following(inversion: Inversion, request: Request) -> Turn | None:
    """Return the turn of the next iteration; None after the last band."""
    turn, steered = turn_of(inversion, request)
    if inversion.steering.gives_band(request.iteration + 1, steered):
        return named_turn(inversion.settings, inversion.steering.band)
    state = inversion.optimiser().state
    rows = [row for row in state.history if row.iteration == request.iteration]
    accepted = _accepted(rows[-1]) if rows else None
    over = is_kept(state, request.iteration)
    if rows and accepted:
        over = is_slow(inversion.settings, turn, rows[-1].misfit, accepted.misfit)
    return next_turn(inversion.settings, turn, over=over)


def is_slow(settings: InversionSettings, turn: Turn, before: float, after: float) -> bool:
    """Return whether an iteration has lowered the misfit by less than its band asks for."""
    found = present_turn(settings, turn)
    least = settings.bands[found.position].stop_below if found else None
    return least is not None and before - after < least * before


def _accepted(row: Iteration | None) -> Trial | None:
    if row is None or row.accepted is None:
        return None
    return next((trial for trial in row.trials if trial.name == row.accepted), None)


def _content(inversion: Inversion, number: int) -> str:
    with FieldReader(inversion.optimiser().model_file(number_text(number))) as reader:
        return reader.content


def _copy_state(inversion: Inversion, request: Request, results: Path) -> None:
    """Misfits per event of every evaluation, and the kernels."""
    paths = inversion.paths
    own = number_text(request.iteration)
    misfits: dict[str, Mapping[str, Any]] = {}
    for place in sorted(paths.evaluations.glob(f"{own}*")):
        files = paths.evaluation(place.name)
        if files.misfit.is_file():
            misfits[place.name] = json.loads(files.misfit.read_text(encoding="utf-8"))
        for step in ("sum", "preconditioned"):
            if files.kernel(step).is_file():
                _copy(files.kernel(step), results / f"kernel_{step}.h5")
    write_whole(results / "misfits.json", json.dumps(misfits, indent=1) + "\n")


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _prune(inversion: Inversion, iteration: int) -> None:
    """Remove simulations that no coming iteration reads; those of this one and the next stay."""
    paths = inversion.paths
    optimiser = inversion.optimiser()
    needed = set()
    for number in (iteration, iteration + 1):
        path = optimiser.model_file(number_text(number))
        if path.is_file():
            with FieldReader(path) as reader:
                needed.add(paths.simulations(reader.content).name)
    place = paths.root / "simulations"
    for found in sorted(place.iterdir()) if place.is_dir() else []:
        if found.name not in needed:
            shutil.rmtree(found, ignore_errors=True)
