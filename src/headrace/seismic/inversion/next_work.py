"""What an iteration needs next, found from the files alone: asked again, the answer is the same."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.evaluations import Work
from headrace.seismic.inversion.objectives import current_objective
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.resources import HEAVY
from headrace.seismic.optimisation import Optimiser, Task


@dataclass(frozen=True)
class Plan:
    """What is to be done next.

    Attributes:
        next: ``forward``, ``windows``, ``decide``, ``adjoint``, ``update``; or ``results`` when
            the iteration is over, ``paused``, or ``stopped``.
        iteration: number of the iteration.
        evaluation: what the work belongs to.
        parts: the events still to do, as many together as one task takes.
        message: for people.
        resources: settings of the batch job of a heavy stage.
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


def works_of(inversion: Inversion, optimiser: Optimiser) -> tuple[Task, Work, Work]:
    """Return what the optimiser asks for.

    Returns:
        The task, the evaluation that it asks for, and the one whose adjoint sources are used: that
        of the accepted trial, else the same.
    """
    task = optimiser.ask()
    objective = current_objective(inversion, optimiser.state.objectives[-1])
    work = Work(inversion, task.name, task.model, objective)
    source = work
    if task.forward is not None and task.forward != task.name:
        source = Work(inversion, task.forward, task.model, objective)
    return task, work, source


def make_plan(inversion: Inversion, iteration: int) -> Plan:
    """Find out what an iteration needs next.

    Args:
        inversion: settings and files.
        iteration: its number; it must have been begun.

    Returns:
        What is next.

    Raises:
        InversionError: the optimiser is at another iteration.
    """
    optimiser = inversion.optimiser()
    task, work, source = works_of(inversion, optimiser)
    if task.iteration > iteration:
        return Plan("results", iteration, message=f"model {task.iteration:03d} is accepted")
    if task.iteration < iteration:
        raise InversionError(
            f"{inversion.paths.optimiser}: the optimiser is at iteration {task.iteration}, not "
            f"{iteration}: finish that one first"
        )
    if task.kind in ("finished", "stopped"):
        return Plan(
            "results" if task.kind == "finished" else "stopped", iteration, message=task.reason
        )
    found = _next(inversion, task, work, source)
    if found.next in HEAVY and inversion.steering.is_paused(iteration, begins=False):
        return Plan("paused", iteration, found.evaluation, message=f"paused before {found.next}")
    return found


def _next(inversion: Inversion, task: Task, work: Work, source: Work) -> Plan:
    number = task.iteration
    source.begin()
    if task.kind != "gradient" and (work.refusal() or work.known_misfit() is not None):
        return Plan("decide", number, task.name)
    missing = source.missing_forwards()
    if missing:
        return _heavy(inversion, "forward", number, source.name, missing)
    missing = source.missing_windows()
    if missing:
        return _heavy(inversion, "windows", number, source.name, missing)
    if task.kind != "gradient":
        return Plan("decide", number, task.name)
    work.begin()
    missing = work.missing_adjoints(source)
    if missing:
        return _heavy(inversion, "adjoint", number, task.name, missing)
    return Plan("update", number, task.name)


def _heavy(
    inversion: Inversion, stage: str, iteration: int, evaluation: str, events: Sequence[str]
) -> Plan:
    # The windows follow the simulations without another look at the files.
    followers = inversion.events if stage == "forward" else events
    resources = inversion.settings.resources
    return Plan(
        stage,
        iteration,
        evaluation,
        parts(inversion, stage, events),
        resources=resources[stage].job_settings(),
        windows_parts=parts(inversion, "windows", followers) if stage != "adjoint" else (),
        windows_resources=resources["windows"].job_settings(),
    )


def parts(inversion: Inversion, stage: str, events: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Events in as few parts as a task may take, of about one size.

    Args:
        inversion: what each stage asks for.
        stage: the stage.
        events: the events to do.
    """
    most = inversion.settings.resources[stage].events_per_task
    count = -(-len(events) // most)
    edges = [round(number * len(events) / count) for number in range(count + 1)]
    return tuple(tuple(events[first:end]) for first, end in itertools.pairwise(edges))
