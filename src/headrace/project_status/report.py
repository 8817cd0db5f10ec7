"""The status of a project, as command line and pages show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headrace.project_status.verdict import Finding, Word, in_order, overall_word

if TYPE_CHECKING:
    from headrace._internal.heartbeat_files import HeartbeatRecord
    from headrace.background_services import InstalledState
    from headrace.project_status.campaign_status import CampaignState
    from headrace.project_status.disks import FileSystem
    from headrace.project_status.failures import Failures, WaitingRun
    from headrace.project_status.run_figures import RunFigures
    from headrace.project_status.trigger_status import TriggerState


@dataclass(frozen=True)
class ProjectStatus:
    """Status of a project at one moment; a part that is None could not be asked.

    Attributes:
        project: the project's name.
        target: ``local`` or ``globus``.
        moment: the time, in seconds since 1970.
        findings: what somebody should know of, the gravest first.
        runs: figures of the runs.
        waiting: runs that wait for a person.
        failures: failures of the last day that nobody mended.
        endpoints: what is known of each endpoint.
        triggers: the state of each trigger.
        services: services that are installed.
        heartbeats: what long-running processes last said of themselves.
        disks: file systems that the project writes to.
        unknown: what could not be asked, by its part, with the reason.
        campaigns: the state of each campaign under way, or that ended in the last day.
    """

    project: str
    target: str
    moment: float
    findings: Sequence[Finding]
    runs: RunFigures | None
    waiting: Sequence[WaitingRun] | None
    failures: Failures | None
    endpoints: Sequence[Mapping[str, Any]] | None
    triggers: Sequence[TriggerState] | None
    services: Sequence[InstalledState] | None
    heartbeats: Sequence[HeartbeatRecord]
    disks: Sequence[FileSystem]
    unknown: Mapping[str, str]
    campaigns: Sequence[CampaignState] | None = ()

    @property
    def word(self) -> Word:
        """``well``, ``look`` or ``act``."""
        return overall_word(self.findings)

    @property
    def reason(self) -> str:
        """The findings that the word comes from, in plain words."""
        first = [each.text for each in in_order(self.findings) if each.word == self.word]
        return "; ".join(first) if first else "nothing waits for you"

    def document(self) -> dict[str, Any]:
        """Return the status as JSON shows it."""
        return {
            "word": self.word,
            "reason": self.reason,
            "project": self.project,
            "target": self.target,
            "findings": [each.document() for each in in_order(self.findings)],
            "runs": self.runs and self.runs.document(),
            "waiting": _documents(self.waiting),
            "failures": self.failures and asdict(self.failures),
            "endpoints": _documents(self.endpoints),
            "core_hours": self.runs and self.runs.core_hours,
            "triggers": _documents(self.triggers),
            "campaigns": _documents(self.campaigns),
            "services": _documents(self.services),
            "heartbeats": [each.document(self.moment) for each in self.heartbeats],
            "disks": _documents(self.disks),
            "unknown": dict(self.unknown),
        }


def _documents(items: Sequence[Any] | None) -> list[dict[str, Any]] | None:
    if items is None:
        return None
    return [dict(each) if isinstance(each, Mapping) else _document(each) for each in items]


def _document(item: Any) -> dict[str, Any]:
    make = getattr(item, "document", None)
    return asdict(item) if make is None else make()
