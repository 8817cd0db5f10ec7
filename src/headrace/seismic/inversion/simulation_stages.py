"""The heavy stages of an iteration: simulations and windows of some of the events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from headrace.seismic.errors import ModelRefused, SeismicError
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.evaluations import MisfitEvaluation
from headrace.seismic.inversion.next_work import requested_evaluations
from headrace.seismic.inversion.objectives import observed_of
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.records import EventCounts, record_stage
from headrace.seismic.measurement.event import EventRequest, process_events
from headrace.seismic.measurement.problem_summary import NotMeasured
from headrace.seismic.optimisation import Task
from headrace.seismic.parallel import Ranks
from headrace.seismic.solvers import AdjointRun, ForwardRun, open_solver, run_all


def simulate(root: Path, kind: str, evaluation: str, events: Sequence[str]) -> dict[str, Any]:
    """Do the forward or adjoint runs of some events; those that are finished are left alone.

    Args:
        root: the inversion's directory.
        kind: ``forward`` or ``adjoint``.
        evaluation: what they belong to.
        events: which events.

    Returns:
        ``computed`` and ``found``: numbers of events. A trial whose model the solver refuses is no
        error: it is kept as a trial without a misfit, and ``refused`` says why.

    Raises:
        SeismicError: a run went wrong; those before it are kept.
    """
    inversion = open_inversion(root)
    task, work, source = _requested(inversion, evaluation)
    iteration = task.iteration
    settings = inversion.settings
    runs: list[ForwardRun | AdjointRun]
    if kind == "forward":
        work = source
        runs = [work.forward_run(event) for event in events]
    else:
        runs = [work.adjoint_run(event, source) for event in events]
    path = inversion.paths.records(iteration) / f"{kind}.{evaluation}.{events[0]}.jsonl"
    with record_stage(path, kind, evaluation, settings.resources[kind].cores) as record:
        solver = open_solver(settings.solver, inversion.solver_settings)
        seconds = []
        started_at = time.monotonic()
        done = iter(run_all(solver, runs, inversion.solver_settings))
        for event in events:
            try:
                outcome = next(done)
            except ModelRefused as error:
                if task.kind != "misfit":
                    raise InversionError(f"event {event}: {error}") from error
                work.record_refusal(f"event {event}: {error}")
                record.about["refused"] = str(error)
                break
            except (SeismicError, OSError) as error:
                raise InversionError(f"event {event}: {error}") from error
            (record.computed if outcome.computed else record.found).append(event)
            seconds.append(round(time.monotonic() - started_at, 3))
            started_at = time.monotonic()
        record.about["seconds_of_events"] = seconds
    refused = {"refused": work.refusal()} if record.about.get("refused") else {}
    return {"computed": len(record.computed), "found": len(record.found), **refused}


def process_windows(
    root: Path, evaluation: str, events: Sequence[str], ranks: Ranks
) -> dict[str, Any]:
    """Make windows, misfits and adjoint sources of some events; every rank calls it.

    Args:
        root: the inversion's directory.
        evaluation: what they belong to.
        events: which events.
        ranks: who takes part.

    Returns:
        ``computed`` and ``found``: numbers of events.

    Raises:
        SeismicError: an event could not be processed at all.
    """
    inversion = open_inversion(root)
    task, _, work = _requested(inversion, evaluation)
    iteration = task.iteration
    asked = inversion.settings.resources["windows"]
    path = inversion.paths.records(iteration) / f"windows.{evaluation}.{events[0]}.jsonl"
    if ranks.broadcast(None if ranks.rank else work.refusal()):
        return {"computed": 0, "found": 0}
    with _recorded(path, evaluation, asked.cores, ranks) as record:
        found = [event for event in events if ranks.broadcast(_prepare_windows(work, event, ranks))]
        record.found.extend(found)
        missing = [event for event in events if event not in found]
        requests = [_event_request(work, event) for event in missing]
        outcomes = process_events(requests, ranks, _ignore_report) if requests else []
        wrong = [outcome for outcome in outcomes if isinstance(outcome, SeismicError)]
        record.computed.extend(
            event
            for event, outcome in zip(missing, outcomes, strict=True)
            if not isinstance(outcome, SeismicError)
        )
        if wrong:
            message = "; ".join(str(problem) for problem in wrong[:5])
            names = [
                event
                for event, outcome in zip(missing, outcomes, strict=True)
                if isinstance(outcome, SeismicError)
            ]
            # A disk that is full, or files that are away, say nothing of the model.
            of_model = all(isinstance(problem, NotMeasured) for problem in wrong)
            alone = None if ranks.rank else of_model and work.is_caused_by_model(task.kind, names)
            if not ranks.broadcast(alone):
                raise InversionError(message)
            if not ranks.rank:
                work.record_refusal(message)
                record.about["refused"] = message
    return {"computed": len(record.computed), "found": len(record.found)}


def _recorded(
    path: Path, evaluation: str, cores: int, ranks: Ranks
) -> AbstractContextManager[EventCounts]:
    """Return a record of all ranks together, which rank 0 writes."""
    return (
        nullcontext(EventCounts())
        if ranks.rank
        else record_stage(path, "windows", evaluation, cores)
    )


def _prepare_windows(work: MisfitEvaluation, event: str, ranks: Ranks) -> bool:
    return False if ranks.rank else work.prepare_windows(event)


def _event_request(work: MisfitEvaluation, event: str) -> EventRequest:
    paths = work.inversion.paths
    return EventRequest(
        observed=observed_of(paths, work.objective, event),
        synthetic=work.synthetics(event),
        output=work.files.windows(event),
        config=paths.waveform_settings(work.objective.tag),
        event=event,
        figures="none",
        event_directory=paths.event(event),
        windows_from=work.reference_windows(event),
        settings=f"[misfit] of {paths.settings.name}",
    )


def _ignore_report(fact: dict[str, Any]) -> None:
    del fact


def _requested(
    inversion: Inversion, evaluation: str
) -> tuple[Task, MisfitEvaluation, MisfitEvaluation]:
    """Return the evaluation that is asked for; work for another one would be for nothing."""
    task, work, source = requested_evaluations(inversion, inversion.optimiser())
    if evaluation not in (work.name, source.name):
        raise InversionError(
            f"{evaluation}: not what the optimiser asks for; {task.kind} of {task.name} is"
        )
    return task, work, source
