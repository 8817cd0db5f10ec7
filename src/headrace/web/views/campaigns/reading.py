"""The campaign that an address names, and who drives the campaigns of a project."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from headrace._internal.heartbeat_files import CAMPAIGNS, heartbeat_path, read_heartbeat
from headrace.campaigns.campaign_access import (
    OpenCampaign,
    all_campaign_names,
    campaign_of_row,
    ledger_path,
    read_campaign_ledger,
)
from headrace.campaigns.campaign_loading import campaign_names
from headrace.campaigns.driver.project_driver import is_driven
from headrace.campaigns.errors import CampaignError, CampaignLedgerUnusable
from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.runs.describe import format_duration
from headrace.web.errors import PageMissing

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.web.view import View

T = TypeVar("T")

FEW: Final = 5_000
"""Members up to which each figure of a campaign is computed for each request."""

KINDS: Final = {
    "waiting": "idle",
    "ready": "idle",
    "starting": "busy",
    "running": "busy",
    "done": "good",
    "failed": "bad",
    "held": "wait",
    "asking": "wait",
    "dropped": "none",
    "shared": "good",
}
"""The mark of each state of members."""

CAMPAIGN_KINDS: Final = {"draft": "idle", "started": "busy", "paused": "wait", "ended": "good"}
"""The mark of each state of campaigns."""


class NotStarted(CampaignError):
    """A campaign has a file, and is not in the ledger."""


@dataclass(frozen=True)
class Driver:
    """The process that drives the campaigns of a project.

    Attributes:
        kind: the mark of its state.
        word: its state in one word.
        text: what that means, in one line.
    """

    kind: str
    word: str
    text: str

    @property
    def is_well(self) -> bool:
        """True where a process drives them, and has said so lately."""
        return self.kind == "good"


@dataclass(frozen=True)
class Figure(Generic[T]):
    """A figure of a campaign.

    Attributes:
        value: the figure; None while it is being computed for the first time.
        at: of when it is; None where it is of this moment.
    """

    value: T | None
    at: datetime | None = None


@contextmanager
def opened(view: View, name: str) -> Iterator[OpenCampaign]:
    """Open the campaign that an address names, to read it.

    Args:
        view: the request.
        name: the campaign.

    Raises:
        PageMissing: there is none of this name.
        NotStarted: it has a file alone.
        CampaignError: the ledger cannot be read.
    """
    project, target = view.project, view.target
    if not ledger_exists(project, target):
        raise _missing(project, name)
    with read_campaign_ledger(project, target) as database:
        row = CampaignTable(database, "").find(name)
        if row is None:
            raise _missing(project, name)
        yield OpenCampaign(row, campaign_of_row(project, row), database)


def ledger_exists(project: Project, target: str) -> bool:
    """Return whether there is a ledger of campaigns.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        CampaignLedgerUnusable: there was one, and it is gone.
    """
    path = ledger_path(project, target)
    if path.exists():
        return True
    if path.with_suffix(".known").exists():
        raise CampaignLedgerUnusable(
            f"{path}: the ledger of campaigns is missing, though there was one: put a copy of it "
            "back; nothing is started without it"
        )
    return False


def figure(
    view: View, campaign: OpenCampaign, kind: str, read: Callable[[OpenCampaign], T]
) -> Figure[T]:
    """Return a figure of a campaign; of one of many members as it was computed last.

    Args:
        view: the request.
        campaign: the campaign, open.
        kind: names the figure.
        read: computes it.
    """
    if not has_many_members(campaign):
        return Figure(read(campaign))
    project, target, name = view.project, view.target, campaign.row.name

    def compute() -> T:
        with read_campaign_ledger(project, target) as database:
            row = CampaignTable(database, "").get(name)
            return read(OpenCampaign(row, campaign_of_row(project, row), database))

    kept = view.site.kept.get(("campaign", target, name, kind), compute)
    return Figure(None) if kept is None else Figure(kept.value, kept.at)


def has_many_members(campaign: OpenCampaign) -> bool:
    """Return whether a campaign has more members than are looked at for each request."""
    (count,) = campaign.database.execute(
        "SELECT count(*) FROM (SELECT 1 FROM members INDEXED BY by_state WHERE campaign = ? "
        "LIMIT ?)",
        (campaign.id, FEW + 1),
    ).fetchone()
    return int(count) > FEW


def find_driver(project: Project, target: str) -> Driver:
    """Return who drives the campaigns of a project.

    Args:
        project: the project.
        target: where their runs are started.
    """
    path = heartbeat_path(ledger_path(project, target).parent, CAMPAIGNS, target)
    heartbeat, now = read_heartbeat(path), time.time()
    age = "" if heartbeat is None else format_duration(heartbeat.age(now))
    if is_driven(project, target):
        if heartbeat is not None and heartbeat.state(now) in ("late", "dead"):
            text = f"its last sign of life was {age} ago: see its log, and start it again"
            return Driver("bad", "late", text)
        if heartbeat is not None and heartbeat.problem:
            return Driver("bad", "in trouble", heartbeat.problem)
        where = "" if heartbeat is None else f"process {heartbeat.pid} on {heartbeat.host}"
        return Driver("good", "drives", where)
    means = "nothing more is started, and ends of runs are not written down"
    if heartbeat is not None and not heartbeat.stopped:
        why = f": {heartbeat.problem}" if heartbeat.problem else ""
        text = f"it has died; its last sign of life was {age} ago{why}; {means}"
        return Driver("bad", "dead", text)
    return Driver("bad", "none", f"no process drives the campaigns: {means}")


def names_without_ledger(project: Project, names: set[str]) -> list[str]:
    """Return the campaigns that have a file and are not among those of the ledger."""
    return [name for name in campaign_names(project.root) if name not in names]


def _missing(project: Project, name: str) -> CampaignError | PageMissing:
    names = all_campaign_names(project)
    if name in names:
        return NotStarted(f"campaign {name} was not started yet")
    return PageMissing(f"no campaign {name!r}; the page Campaigns has those that there are")
