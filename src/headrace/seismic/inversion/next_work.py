"""Next work of an iteration, found from the files alone: asked again, the answer is the same."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.evaluations import MisfitEvaluation
from headrace.seismic.inversion.objectives import current_objective
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.resources import BATCH_STAGES
from headrace.seismic.optimisation import Optimiser, Task


@dataclass(frozen=True)
class NextWork:
    """Work that is to be done next.

    Attributes:
        next: ``forward``, ``windows``, ``decide``, ``adjoint``, ``update``; or ``results`` when
            the iteration is over, ``paused``, or ``stopped``.
        iteration: number of the iteration.
        evaluation: what the work belongs to.
        parts: the events still to do, as many together as one task takes.
        message: for people.
        resources: settings of the batch job of a batch stage.
        windows_parts: the events whose windows are made after that.
        windows_resources: settings of that batch job.
    """

    next: str
    iteration: int
    evaluation: str = ""
    parts: tuple[tuple[str, ...], ...] = ()
    message: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    windows_parts: tuple[tuple[str, ...], ...] = ()
    windows_resources: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def requested_evaluations(
    inversion: Inversion, optimiser: Optimiser
) -> tuple[Task, MisfitEvaluation, MisfitEvaluation]:
    """Return what the optimiser asks for.

    Returns:
        The task, the evaluation that it asks for, and the one whose adjoint sources are used: that
        of the accepted trial, else the same.
    """
    task = optimiser.ask()
    objective = current_objective(inversion, optimiser.state.objectives[-1])
    work = MisfitEvaluation(inversion, task.name, task.model, objective)
    source = work
    if task.forward is not None and task.forward != task.name:
        source = MisfitEvaluation(inversion, task.forward, task.model, objective)
    return task, work, source


def find_next_work(inversion: Inversion, iteration: int) -> NextWork:
    """Find out what an iteration needs next.

    Args:
        inversion: settings and files.
        iteration: its number; it must have been started.

    Returns:
        What is next.

    Raises:
        InversionError: the optimiser is at another iteration.
    """
    optimiser = inversion.optimiser()
    task, work, source = requested_evaluations(inversion, optimiser)
    if task.iteration > iteration:
        return NextWork("results", iteration, message=f"model {task.iteration:03d} is accepted")
    if task.iteration < iteration:
        raise InversionError(
            f"{inversion.paths.optimiser}: the optimiser is at iteration {task.iteration}, not "
            f"{iteration}: finish that one first"
        )
    if task.kind in ("finished", "stopped"):
        return NextWork(
            "results" if task.kind == "finished" else "stopped", iteration, message=task.reason
        )
    found = _next(inversion, task, work, source)
    if found.next in BATCH_STAGES and inversion.steering.is_paused(iteration, starting=False):
        return NextWork(
            "paused", iteration, found.evaluation, message=f"paused before {found.next}"
        )
    return found


def _next(
    inversion: Inversion, task: Task, work: MisfitEvaluation, source: MisfitEvaluation
) -> NextWork:
    number = task.iteration
    source.prepare_directory()
    if task.kind != "gradient" and (work.refusal() or work.known_misfit() is not None):
        return NextWork("decide", number, task.name)
    missing = source.unfinished_forward_events()
    if missing:
        return _batch_work(inversion, "forward", number, source.name, missing)
    missing = source.unfinished_window_events()
    if missing:
        return _batch_work(inversion, "windows", number, source.name, missing)
    if task.kind != "gradient":
        return NextWork("decide", number, task.name)
    work.prepare_directory()
    missing = work.unfinished_adjoint_events(source)
    if missing:
        return _batch_work(inversion, "adjoint", number, task.name, missing)
    return NextWork("update", number, task.name)


def _batch_work(
    inversion: Inversion, stage: str, iteration: int, evaluation: str, events: Sequence[str]
) -> NextWork:
    # The windows follow the simulations without another look at the files.
    followers = inversion.events if stage == "forward" else events
    resources = inversion.settings.resources
    return NextWork(
        stage,
        iteration,
        evaluation,
        split_events(inversion, stage, events),
        resources=resources[stage].job_settings(),
        windows_parts=split_events(inversion, "windows", followers) if stage != "adjoint" else (),
        windows_resources=resources["windows"].job_settings(),
    )


def split_events(
    inversion: Inversion, stage: str, events: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Events in as few parts as a task may take, of about one size.

    Args:
        inversion: what each stage asks for.
        stage: the stage.
        events: the events to do.
    """
    limit = inversion.settings.resources[stage].events_per_task
    count = -(-len(events) // limit)
    edges = [round(number * len(events) / count) for number in range(count + 1)]
    return tuple(tuple(events[first:end]) for first, end in itertools.pairwise(edges))
