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

from headrace._internal.atomic import directory_replacement
from headrace._internal.files import write_whole
from headrace.seismic.inversion.changes import settings_snapshot
from headrace.seismic.inversion.iteration import band_iteration_of, find_start
from headrace.seismic.inversion.next_iteration import is_band_over, request_after
from headrace.seismic.inversion.next_work import find_next_work
from headrace.seismic.inversion.paths import MARKER, number_text
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import read_records
from headrace.seismic.inversion.steering import (
    PAUSED_BEFORE_START,
    Request,
    read_request,
    request_text,
)
from headrace.seismic.models import content_of, versions_of
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
        inversion.optimiser().keep_model()
    summary = summarise(inversion, request)
    target = paths.outbox / number_text(iteration)
    with directory_replacement(target) as temporary:
        results = temporary / "results"
        results.mkdir(parents=True)
        write_whole(results / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n")
        write_whole(results / "settings.json", settings_snapshot(inversion) + "\n")
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
            next_request = _next_request(inversion, request)
            if next_request is None:
                raise AssertionError("a finished inversion has no next iteration")
            write_whole(temporary / "next" / "iteration.json", request_text(next_request))
        write_whole(temporary / MARKER, f"iteration {following}\n")
    if summary["outcome"] in ("done", "finished"):
        _remove_old_simulations(inversion, iteration)
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
    stages = stage_totals(records)
    band_iteration, steered = band_iteration_of(inversion, request)
    return {
        "iteration": number,
        "band": band_iteration.band,
        "turn": asdict(band_iteration),
        "steered": steered,
        "outcome": outcome,
        "reason": reason,
        "next": following,
        "misfit": row.misfit if row else None,
        "misfit_after": accepted.misfit if accepted else row.misfit if row and kept else None,
        "accepted": accepted.name if accepted else None,
        "kept": kept,
        "step": accepted.step if accepted else None,
        "trials": [_trial_document(trial) for trial in row.trials] if row else [],
        "given_up": [_trial_document(trial) for old in rows[:-1] for trial in old.trials],
        "direction": row.direction if row else None,
        "notes": list(row.notes) if row else [],
        "events": len(inversion.events),
        "stages": stages,
        "core_hours": sum(stage["core_hours"] for stage in stages.values()),
        "started_at": records[0]["started_at"] if records else None,
        "seconds": wall_seconds(records),
        "model": content_of(inversion.optimiser().model_file(number_text(number + 1)))
        if accepted or kept
        else None,
        "versions": dict(versions_of()),
    }


def stage_totals(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
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
    started_at = [datetime.datetime.fromisoformat(record["started_at"]) for record in records]
    ends = [
        moment + datetime.timedelta(seconds=record["seconds"])
        for moment, record in zip(started_at, records, strict=True)
    ]
    return round((max(ends) - min(started_at)).total_seconds(), 3)


def is_kept(state: State | None, iteration: int) -> bool:
    """Return whether an iteration found no better model, so that the next begins with the same."""
    if state is None or state.iteration <= iteration:
        return False
    rows = [row for row in state.history if row.iteration == iteration]
    return bool(rows) and rows[-1].accepted is None


def _trial_document(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON has it: without a misfit where it has none."""
    misfit = trial.misfit if math.isfinite(trial.misfit) else None
    return asdict(trial) | {"misfit": misfit}


def _outcome(inversion: Inversion, request: Request) -> tuple[str, str]:
    number = request.iteration
    if (
        inversion.steering.is_paused(number, starting=True)
        and find_start(inversion.paths, request) is None
    ):
        return "paused", PAUSED_BEFORE_START
    plan = find_next_work(inversion, number)
    if plan.next == "results":
        state = inversion.optimiser().state
        note = ""
        if is_kept(state, number):
            row = [row for row in state.history if row.iteration == number][-1]
            note = row.notes[-1]
        reason = _finish_reason(inversion, request)
        if reason:
            return "finished", f"{note}; {reason}" if note else reason
        return "done", note or plan.message
    if plan.next in ("paused", "stopped"):
        return plan.next, plan.message
    return "unfinished", f"{plan.next} of {plan.evaluation} is still to be done"


def _finish_reason(inversion: Inversion, request: Request) -> str:
    spent = inversion.settings.limits.core_hours
    if spent is not None:
        places = sorted(inversion.paths.iterations.glob("[0-9]*"))
        hours = core_hours_of(read_records(place / "records") for place in places)
        if hours >= spent:
            return f"{hours:.1f} core hours were used; limits.core_hours is {spent:g}"
    return "" if _next_request(inversion, request) else "the last band is done"


def core_hours_of(iterations: Iterable[list[dict[str, Any]]]) -> float:
    """Add up the core hours of several iterations.

    Args:
        iterations: the records of each.
    """
    return math.fsum(
        float(stage["core_hours"])
        for records in iterations
        for stage in stage_totals(records).values()
    )


def _next_request(inversion: Inversion, request: Request) -> Request | None:
    """Return the request of the next iteration; None after the last band."""
    band_iteration, steered = band_iteration_of(inversion, request)
    state = inversion.optimiser().state
    rows = [row for row in state.history if row.iteration == request.iteration]
    accepted = _accepted(rows[-1]) if rows else None
    over = is_band_over(
        inversion.settings,
        band_iteration,
        rows[-1].misfit if rows else None,
        accepted.misfit if accepted else None,
        kept=is_kept(state, request.iteration),
    )
    return request_after(inversion, request.iteration, band_iteration, steered, over=over)


def _accepted(row: Iteration | None) -> Trial | None:
    if row is None or row.accepted is None:
        return None
    return next((trial for trial in row.trials if trial.name == row.accepted), None)


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


def _remove_old_simulations(inversion: Inversion, iteration: int) -> None:
    """Remove simulations that no coming iteration reads; those of this one and the next stay."""
    paths = inversion.paths
    optimiser = inversion.optimiser()
    needed = set()
    for number in (iteration, iteration + 1):
        path = optimiser.model_file(number_text(number))
        if path.is_file():
            needed.add(paths.simulations(content_of(path)).name)
    place = paths.root / "simulations"
    for found in sorted(place.iterdir()) if place.is_dir() else []:
        if found.name not in needed:
            shutil.rmtree(found, ignore_errors=True)
