"""State of a project's triggers: arrivals that wait for their run, and triggers that are paused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace.project.project import Project
from headrace.project_status.verdict import Finding


@dataclass(frozen=True)
class TriggerState:
    """State of a trigger.

    Attributes:
        name: the trigger.
        arrivals: numbers of its arrivals by their state in the ledger.
        paused: whether it starts no runs for now.
        reason: why it is paused; empty where a person has paused it.
        waits: what complete arrivals wait for, such as an endpoint, with their numbers.
    """

    name: str
    arrivals: dict[str, int] = field(default_factory=dict)
    paused: bool = False
    reason: str = ""
    waits: dict[str, int] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Number of arrivals that will get a run."""
        return sum(self.arrivals.get(state, 0) for state in ("seen", "starting", "failed"))

    @property
    def refused(self) -> int:
        """Number of arrivals that get none unless a person does something."""
        return self.arrivals.get("refused", 0)

    def document(self) -> dict[str, Any]:
        """Return the state as JSON shows it."""
        return {**asdict(self), "waiting": self.waiting, "refused": self.refused}


def read_triggers(project: Project, target: str) -> list[TriggerState]:
    """Return the state of each trigger of a project, by name.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        TriggerError: the ledger cannot be read.
    """
    from headrace.triggers.state_files import ledger_file

    path = ledger_file(project, target)
    counts: dict[str, dict[str, int]] = {}
    paused: dict[str, str] = {}
    waits: dict[str, dict[str, int]] = {}
    if path.exists():
        from headrace.triggers.ledger_access import (
            count_arrivals,
            count_waits,
            read_pause_reasons,
        )

        counts, paused, waits = count_arrivals(path), read_pause_reasons(path), count_waits(path)
    names = {each.stem for each in project.triggers_dir.glob("*.toml")}
    return [
        TriggerState(
            name, counts.get(name, {}), name in paused, paused.get(name, ""), waits.get(name, {})
        )
        for name in sorted(names | paused.keys() | counts.keys())
    ]


def trigger_findings(triggers: Sequence[TriggerState]) -> Iterator[Finding]:
    """Yield what is the matter with triggers."""
    for each in triggers:
        if each.paused:
            waits = f", {each.waiting:,} arrivals wait" if each.waiting else ""
            yield Finding(
                "act",
                "triggers",
                f"the trigger {each.name} {_paused(each)}{waits}",
                f"headrace trigger resume {each.name}",
            )
        if each.refused:
            arrivals = "arrival" if each.refused == 1 else "arrivals"
            yield Finding(
                "act",
                "triggers",
                f"{each.refused:,} {arrivals} of the trigger {each.name} get no run",
                "headrace trigger arrivals --state refused",
            )
        if failed := each.arrivals.get("failed", 0):
            yield Finding(
                "look",
                "triggers",
                f"{failed:,} runs of the trigger {each.name} could not be started yet",
                "headrace trigger arrivals --state failed",
            )


def _paused(trigger: TriggerState) -> str:
    return f"is held: {trigger.reason}" if trigger.reason else "is paused"
