"""The light stages of an iteration: check, decide, update. Each may be done again at any time."""

from __future__ import annotations

import json
import math
from pathlib import Path

from headrace._internal.files import write_whole
from headrace.seismic.inversion.checks import check_inversion
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.evaluations import MisfitEvaluation
from headrace.seismic.inversion.gradient import make_gradient
from headrace.seismic.inversion.iteration import begin_iteration
from headrace.seismic.inversion.next_work import NextWork, find_next_work, requested_evaluations
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import record_stage
from headrace.seismic.inversion.steering import PAUSED_BEFORE_START, read_request
from headrace.seismic.measurement.results import MISFIT_TABLE
from headrace.seismic.measurement.station_fits import fit_documents, read_fit_sums, total_fit_sums


def check(root: Path, iteration: int) -> NextWork:
    """Begin an iteration: all that is needed is there, and it is its turn.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration.

    Returns:
        What is next; ``paused`` if a person wants to look first.

    Raises:
        SeismicError: something is missing or wrong; the message names all of it.
    """
    inversion = open_inversion(root)
    request = read_request(inversion.paths, iteration)
    if inversion.steering.is_paused(iteration, starting=True):
        return NextWork("paused", iteration, message=PAUSED_BEFORE_START)
    with record_stage(_records(inversion, iteration, "check"), "check"):
        check_inversion(inversion, request)
        begin_iteration(inversion, request)
    return find_next_work(inversion, iteration)


def decide(root: Path, iteration: int) -> NextWork:
    """Add up the misfit and report it to the optimiser.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration.

    Returns:
        What is next: another trial, the gradient, or the end of the iteration.

    Raises:
        InversionError: traces could not be used.
    """
    inversion = open_inversion(root)
    optimiser = inversion.optimiser()
    task, work, _ = requested_evaluations(inversion, optimiser)
    if task.kind in ("misfit", "misfit_and_gradient"):
        plan = find_next_work(inversion, iteration)
        if plan.next != "decide":
            return plan
        with record_stage(_records(inversion, iteration, "decide"), "decide", task.name) as record:
            misfit = work.known_misfit()
            if misfit is None and not work.refusal():
                misfit = _total_misfit(work, trial=task.kind == "misfit")
            record.about["misfit"] = misfit
            optimiser.tell(
                task.name,
                misfit=math.inf if misfit is None else misfit,
                problem=work.refusal(),
            )
    return find_next_work(inversion, iteration)


def update(root: Path, iteration: int) -> NextWork:
    """Make the gradient of the events' kernels and the first trial model of it.

    Args:
        root: the inversion's directory.
        iteration: number of the iteration.

    Returns:
        What is next: the first trial, or the end.

    Raises:
        SeismicError: a kernel is missing or cannot be used.
    """
    inversion = open_inversion(root)
    optimiser = inversion.optimiser()
    task, work, source = requested_evaluations(inversion, optimiser)
    if task.kind == "gradient":
        plan = find_next_work(inversion, iteration)
        if plan.next != "update":
            return plan
        with record_stage(_records(inversion, iteration, "update"), "update", task.name):
            gradient, preconditioned = make_gradient(work, source)
            optimiser.tell(task.name, gradient=gradient, preconditioned=preconditioned)
    return find_next_work(inversion, iteration)


def _total_misfit(work: MisfitEvaluation, *, trial: bool) -> float | None:
    """Return the misfit; None where a trial has none, which is kept with the reason."""
    limits = work.inversion.settings.limits
    parts, problems, windows = {}, [], 0
    for event in work.objective.events:
        summary = work.summary(event)
        parts[event] = float(summary["misfit"])
        windows += int(summary["windows"])
        problems += [
            f"event {event}: {one['station']} {one['component']}: {one['problem']}"
            for one in summary["problems"]
            if one["station"] not in work.objective.excluded_stations
        ]
    if len(problems) > limits.problem_traces:
        unusable = f"{len(problems)} traces cannot be used (limits.problem_traces is "
        unusable += f"{limits.problem_traces}): {'; '.join(problems[:5])}"
        events = [event for event in parts if work.summary(event)["problems"]]
        if work.is_caused_by_model("misfit" if trial else "", events):
            work.record_refusal(unusable)
            return None
        raise InversionError(f"{work.name}: {unusable}")
    if not windows:
        raise InversionError(
            f"{work.name}: no window passed at any station of {len(parts)} events: look at the "
            "periods of the band and the settings of the windows"
        )
    weights = work.objective.weights
    misfit = sum(weights[event] * parts[event] for event in sorted(parts))
    if math.isfinite(misfit):
        misfit = math.fsum(weights[event] * parts[event] for event in sorted(parts))
    elif trial:
        work.record_refusal(f"its misfit is {misfit}")
        return None
    else:
        raise InversionError(f"{work.name}: its misfit is {misfit}: look at its simulations")
    tables = (work.files.windows(event) / MISFIT_TABLE for event in parts)
    document = {
        "misfit": misfit,
        "windows": windows,
        "problems": problems,
        "events": parts,
        "stations": fit_documents(total_fit_sums(map(read_fit_sums, tables))),
    }
    write_whole(work.files.misfit, json.dumps(document, indent=1) + "\n")
    return misfit


def _records(inversion: Inversion, iteration: int, stage: str) -> Path:
    return inversion.paths.records(iteration) / f"{stage}.jsonl"
