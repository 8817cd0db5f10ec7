"""Check of an arrival before its run is started: the rendered input, and what a run of it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.diagnostics.doctor import diagnose
from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.triggers import NamedArrival


@dataclass(frozen=True)
class ArrivalCheck:
    """An arrival and the run that would be started on it.

    Attributes:
        named: the arrival.
        input: the flow's input, names not resolved.
        label: the run's label.
        tags: the run's tags, but for the one that marks it.
        missing: what it lacks to be complete; "" if it is complete.
        findings: about the arrival and about what the run needs.
    """

    named: NamedArrival
    input: Mapping[str, Any]
    label: str
    tags: tuple[str, ...]
    missing: str
    findings: tuple[Diagnosis, ...]

    def document(self) -> dict[str, Any]:
        """Return the check as JSON shows it."""
        record = self.named.record
        return {
            "trigger": self.named.trigger.name,
            "flow": self.named.trigger.flow,
            "path": self.named.arrival.path,
            "state": record.state if record else None,
            "run_id": record.run_id if record else None,
            "missing": self.missing,
            "label": self.label,
            "tags": list(self.tags),
            "input": self.input,
            "findings": [finding.document() for finding in self.findings],
        }


def check_arrival(
    project: Project, target: str, services: Services, named: NamedArrival
) -> ArrivalCheck:
    """Render a trigger's input for an arrival, and check everything that its run needs.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        named: the arrival.

    Raises:
        TriggerError: a template or a completeness rule of the trigger is wrong.
        ProjectError: there is no flow of the trigger's name.
    """
    from headrace.triggers import render_input
    from headrace.triggers.project_run_client import run_label, run_tags

    trigger, arrival = named.trigger, named.arrival
    body = render_input(dict(trigger.input), arrival)
    try:
        missing = named.missing_reason()
    except OSError as error:
        missing = f"to be readable: {error}"
    findings = [_about_run(named), _about_completeness(missing)]
    findings += diagnose(project, target, services, trigger.flow, body)
    return ArrivalCheck(
        named,
        body,
        run_label(trigger, arrival),
        run_tags(trigger, arrival),
        missing,
        tuple(findings),
    )


def _about_run(named: NamedArrival) -> Diagnosis:
    record = named.record
    if record is None:
        return Diagnosis("arrival", "good", "no watch has seen it, and it had no run")
    if record.state == "started":
        return Diagnosis("arrival", "warning", f"it had its run: {record.run_id}")
    reason = f": {record.reason}" if record.reason else ""
    return Diagnosis("arrival", "good", f"it had no run; it is {record.state}{reason}")


def _about_completeness(missing: str) -> Diagnosis:
    if missing:
        return Diagnosis("completeness", "warning", f"it is not complete; it lacks {missing}")
    return Diagnosis("completeness", "good", "it is complete")
