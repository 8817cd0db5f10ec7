"""State of a project's campaigns: members by state, what is stopped, who drives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headrace.project.project import Project
from headrace.project_status.verdict import Finding

_UNDER_WAY: Final = ("starting", "running", "asking")
# One that ended is told of for so long.
_SHOWN_FOR: Final = timedelta(days=1)


@dataclass(frozen=True)
class CampaignState:
    """State of a campaign.

    Attributes:
        name: the campaign.
        state: ``started``, ``paused`` or ``ended``.
        reason: why it is paused; empty where a person gave no reason.
        members: numbers of its members by their state.
        lost_lanes: lanes whose endpoints are away, with what is known of them.
        driven: whether a process drives it.
    """

    name: str
    state: str
    reason: str = ""
    members: dict[str, int] = field(default_factory=dict)
    lost_lanes: dict[str, str] = field(default_factory=dict)
    driven: bool = True

    @property
    def total(self) -> int:
        """Number of its members, without those that were dropped."""
        return sum(self.members.values()) - self.members.get("dropped", 0)

    @property
    def done(self) -> int:
        """Number of its members that are done, or share the work of one that is."""
        return self.members.get("done", 0) + self.members.get("shared", 0)

    @property
    def under_way(self) -> int:
        """Number of its members that are under way."""
        return sum(self.members.get(state, 0) for state in _UNDER_WAY)

    def document(self) -> dict[str, Any]:
        """Return the state as JSON shows it."""
        return {**asdict(self), "total": self.total}

    def __str__(self) -> str:
        """Return it in one line."""
        failed = self.members.get("failed", 0)
        parts = [f"{self.done:,} of {self.total:,} done"]
        parts += [f"{self.under_way:,} under way"] if self.under_way else []
        parts += [f"{failed:,} failed"] if failed else []
        return f"{self.name}: {self.state}, {', '.join(parts)}"


def read_campaigns(project: Project, target: str) -> list[CampaignState]:
    """Return the state of each campaign that is under way, or ended in the last day.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        CampaignError: the ledger cannot be read.
    """
    from headrace.campaigns.campaign_access import ledger_path, read_campaign_ledger
    from headrace.campaigns.driver.project_driver import is_driven
    from headrace.campaigns.ledger.campaign_table import CampaignTable
    from headrace.campaigns.ledger.lane_table import LaneTable
    from headrace.campaigns.ledger.member_table import MemberTable

    if not ledger_path(project, target).exists():
        return []
    now = datetime.now(UTC)
    driven = is_driven(project, target)
    found = []
    with read_campaign_ledger(project, target) as database:
        for row in CampaignTable(database, "").all():
            ended = datetime.fromisoformat(row.ended_at) if row.ended_at else None
            if row.state == "draft" or (ended is not None and now - ended > _SHOWN_FOR):
                continue
            lanes = LaneTable(database, "").all(row.id).values()
            found.append(
                CampaignState(
                    row.name,
                    row.state,
                    row.pause_reason,
                    dict(MemberTable(database, "").counts(row.id)),
                    {lane.lane: lane.reason for lane in lanes if lane.lost_since},
                    driven,
                )
            )
    return found


def campaign_findings(campaigns: Sequence[CampaignState]) -> Iterator[Finding]:
    """Yield what is the matter with campaigns."""
    for each in campaigns:
        name = each.name
        if each.state == "paused":
            why = f": {each.reason}" if each.reason else ""
            text = f"the campaign {name} is paused{why}"
            yield Finding("act", "campaigns", text, f"headrace campaign resume {name}")
        if each.state == "started" and not each.driven:
            text = f"the campaign {name} is started, and no process drives it"
            yield Finding("act", "campaigns", text, "headrace service install campaigns")
        if asking := each.members.get("asking", 0):
            text = f"{_members(asking)} for a person in the campaign {name}"
            command = f"headrace campaign list {name} --state asking"
            yield Finding("act", "campaigns", text, command)
        for lane, reason in each.lost_lanes.items():
            text = f"the campaign {name} has lost its lane {lane}"
            yield Finding("look", "campaigns", f"{text}: {reason}" if reason else text)
        if failed := each.members.get("failed", 0):
            text = f"{failed:,} of {each.total:,} members of the campaign {name} have failed"
            yield Finding("look", "campaigns", text, f"headrace campaign why {name}")


def _members(count: int) -> str:
    return f"{count:,} member{' waits' if count == 1 else 's wait'}"
