"""Status of a campaign: counts, lanes, pace, expected end, and what waits for a person."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.forecast import Forecast, forecast_end
from headrace.campaigns.ledger.campaign_row import CampaignRow
from headrace.campaigns.ledger.member import STATES
from headrace.config.project_config import at_option

_HOUR: Final = timedelta(hours=1)
# The last members that finished, whose pace is that of the forecast.
_LAST: Final = 300
_REMAINING: Final = ("waiting", "ready", "starting", "running")
# Of each lane the members under way alone are looked at, and none of those that are done.
_MEMBERS_UNDER_WAY: Final = """
WITH RECURSIVE lanes (lane) AS (
    SELECT min(lane) FROM members INDEXED BY by_lane WHERE campaign = :campaign AND lane <> ''
    UNION ALL
    SELECT (SELECT min(lane) FROM members INDEXED BY by_lane
            WHERE campaign = :campaign AND lane > lanes.lane AND lane <> '')
    FROM lanes WHERE lane IS NOT NULL)
SELECT lane, (
    SELECT count(*) FROM members INDEXED BY by_lane WHERE campaign = :campaign
    AND lane = lanes.lane AND lane <> '' AND state IN ('starting', 'running', 'asking')) AS number
FROM lanes WHERE lane IS NOT NULL AND number > 0
"""


@dataclass(frozen=True)
class LaneStatus:
    """A lane of a campaign.

    Attributes:
        name: its name.
        open: members that are under way there.
        limit: how many may be; None for any number.
        drained: whether nothing new is started there.
        lost_since: since when it does not answer; "" where it does.
        reason: why it is drained or lost.
        done: attempts that were done there in the last hour.
        failed: attempts that failed there in the last hour.
        hosts: attempts that were done in the last hour, by machine.
        core_hours: of the attempts that ended there in the last hour.
    """

    name: str
    open: int = 0
    limit: int | None = None
    drained: bool = False
    lost_since: str = ""
    reason: str = ""
    done: int = 0
    failed: int = 0
    hosts: Mapping[str, int] = field(default_factory=dict)
    core_hours: float = 0.0


@dataclass(frozen=True)
class CampaignStatus:
    """Status of a campaign.

    Attributes:
        name: its name.
        title: what people see of it.
        state: "draft", "started", "paused" or "ended".
        pause_reason: why it is paused.
        priority: among campaigns; higher first.
        started_at: when it was started first; "" before.
        ended_at: when nothing was left to do; "" before.
        counts: members by state, every state.
        core_hours: spent by all runs that have ended.
        core_hours_limit: of its limits; None for none.
        lanes: its lanes.
        forecast: pace and expected end.
        people: what waits for a person, one line each, with the command.
    """

    name: str
    title: str
    state: str
    pause_reason: str
    priority: float
    started_at: str
    ended_at: str
    counts: Mapping[str, int]
    core_hours: float
    core_hours_limit: float | None
    lanes: tuple[LaneStatus, ...]
    forecast: Forecast
    people: tuple[str, ...]

    @property
    def total(self) -> int:
        """Members, those that were dropped left out."""
        return sum(self.counts.values()) - self.counts["dropped"]

    @property
    def finished(self) -> int:
        """Members of which nothing is left to do, those that were dropped left out."""
        return self.counts["done"] + self.counts["shared"]

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            **vars(self),
            "counts": dict(self.counts),
            "total": self.total,
            "lanes": [{**vars(lane), "hosts": dict(lane.hosts)} for lane in self.lanes],
            "forecast": self.forecast.document(),
            "people": list(self.people),
        }


def read_status(
    database: sqlite3.Connection,
    row: CampaignRow,
    campaign: Campaign,
    now: datetime | None = None,
    *,
    target: str = "local",
) -> CampaignStatus:
    """Read how a campaign stands, from indexes alone: in tenths of a second for 100,000 members.

    Args:
        database: the ledger.
        row: the campaign there.
        campaign: what its file says.
        now: the present time.
        target: where its runs are started, for the commands that go on.
    """
    now = now or datetime.now(UTC)
    counts = member_counts(database, row.id)
    lanes = _lanes(database, row, campaign, now)
    return CampaignStatus(
        row.name,
        campaign.title,
        row.state,
        row.pause_reason,
        row.priority,
        row.started_at,
        row.ended_at,
        counts,
        row.spent_core_hours,
        campaign.limits.core_hours,
        lanes,
        _forecast(database, row, counts, now),
        tuple(_people(database, row, counts, lanes, target)),
    )


def member_counts(database: sqlite3.Connection, campaign: int) -> dict[str, int]:
    """Return the members of a campaign by their state, every state, in the order of `STATES`."""
    # A count of one state takes half the time of one that groups.
    count = "SELECT count(*) FROM members INDEXED BY by_state WHERE campaign = ? AND state = ?"
    return {
        state: int(database.execute(count, (campaign, state)).fetchone()[0]) for state in STATES
    }


def group_counts(database: sqlite3.Connection, campaign: int, by: str) -> dict[str, dict[str, int]]:
    """Return the members of a campaign by their group or lane, and their state.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        by: ``group``, ``lane`` or ``step``.
    """
    column = {"group": "grp", "lane": "lane", "step": "step"}[by]
    rows = database.execute(
        f"SELECT {column}, state, count(*) FROM members WHERE campaign = ? "  # noqa: S608 - our own
        "GROUP BY 1, 2 ORDER BY 1",
        (campaign,),
    )
    found: dict[str, dict[str, int]] = {}
    for name, state, count in rows:
        found.setdefault(str(name), {})[str(state)] = int(count)
    return found


def _lanes(
    database: sqlite3.Connection, row: CampaignRow, campaign: Campaign, now: datetime
) -> tuple[LaneStatus, ...]:
    opened = dict(database.execute(_MEMBERS_UNDER_WAY, {"campaign": row.id}).fetchall())
    ended = _ended_attempts(database, row.id, now - _HOUR)
    states = {
        each["lane"]: each
        for each in database.execute("SELECT * FROM lane_states WHERE campaign = ?", (row.id,))
    }
    names = dict.fromkeys([*(lane.name for lane in campaign.lanes), *opened, *ended])
    limits = {lane.name: lane.open for lane in campaign.lanes}
    found = []
    for name in names:
        state = states.get(name)
        own = state["open_limit"] if state is not None else None
        done, failed, hosts, hours = ended.get(name, (0, 0, {}, 0.0))
        found.append(
            LaneStatus(
                name,
                opened.get(name, 0),
                limits.get(name) if own is None else own,
                bool(state and state["drained"]),
                str(state["lost_since"]) if state else "",
                str(state["reason"]) if state else "",
                done,
                failed,
                hosts,
                hours,
            )
        )
    return tuple(found)


def _ended_attempts(
    database: sqlite3.Connection, campaign: int, since: datetime
) -> dict[str, tuple[int, int, dict[str, int], float]]:
    """Return done, failed, done by machine, and core hours of attempts that ended, by lane.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        since: those that ended in its minute or later are counted.
    """
    rows = database.execute(
        "SELECT lane, host, state, sum(number), sum(core_hours) FROM attempt_counts "
        "WHERE campaign = ? AND minute >= ? AND number > 0 GROUP BY 1, 2, 3",
        (campaign, since.isoformat()[:16]),
    ).fetchall()
    hosts: dict[str, dict[str, int]] = defaultdict(dict)
    totals: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0.0])
    for lane, host, state, count, hours in rows:
        total = totals[lane]
        total[0] += count if state == "done" else 0
        total[1] += count if state == "failed" else 0
        total[2] += hours or 0.0
        if state == "done" and host:
            hosts[lane][host] = hosts[lane].get(host, 0) + count
    return {
        lane: (int(done), int(failed), hosts[lane], hours)
        for lane, (done, failed, hours) in totals.items()
    }


def _forecast(
    database: sqlite3.Connection, row: CampaignRow, counts: Mapping[str, int], now: datetime
) -> Forecast:
    remaining = sum(counts[state] for state in _REMAINING)
    found = forecast_end(_finish_times(database, row.id), remaining, now)
    if row.state == "started" or not remaining:
        return found
    reason = {"draft": "it was not started yet", "paused": "it is paused"}.get(row.state, "")
    return Forecast(found.per_hour, found.counted, reason=reason or found.reason)


def _finish_times(database: sqlite3.Connection, campaign: int) -> Sequence[datetime]:
    """Return when the last members were done: the end of the last leg of their last step."""
    rows = database.execute(
        "SELECT attempts.ended_at FROM attempts INDEXED BY ended_attempts "
        "JOIN members ON members.id = attempts.member AND members.state = 'done' "
        "AND members.step = attempts.step AND members.leg = attempts.leg "
        "WHERE attempts.campaign = ? AND attempts.ended_at <> '' AND attempts.accepted "
        "ORDER BY attempts.ended_at DESC LIMIT ?",
        (campaign, _LAST),
    )
    return [datetime.fromisoformat(text) for (text,) in rows]


def _people(
    database: sqlite3.Connection,
    row: CampaignRow,
    counts: Mapping[str, int],
    lanes: Sequence[LaneStatus],
    target: str,
) -> Iterator[str]:
    """Yield what waits for a person, with the command that goes on."""
    name, at = row.name, at_option(target)
    if row.state == "paused":
        why = f": {row.pause_reason}" if row.pause_reason else ""
        yield f"it is paused{why}; `headrace campaign resume {name}{at}`"
    if counts["asking"]:
        yield (
            f"{_members(counts['asking'])} for an answer or a consent; "
            f"`headrace campaign list {name} --state asking{at}`"
        )
    if counts["failed"]:
        yield f"{counts['failed']:,} failed; `headrace campaign why {name}{at}`"
    if counts["held"]:
        yield f"{counts['held']:,} held; `headrace campaign release {name} --state held{at}`"
    stuck = _stuck(database, row) if counts["waiting"] else 0
    if stuck:
        yield (
            f"{_members(stuck)} for others that failed or were dropped; "
            f"`headrace campaign why {name}{at}`"
        )
    for lane in lanes:
        if lane.lost_since:
            since = lane.lost_since[:16].replace("T", " ")
            yield f"lane {lane.name} has not answered since {since} UTC"
        elif lane.drained:
            yield f"lane {lane.name} is drained; `headrace campaign undrain {name} {lane.name}{at}`"


def _members(count: int) -> str:
    return f"{count:,} member{' waits' if count == 1 else 's wait'}"


def _stuck(database: sqlite3.Connection, row: CampaignRow) -> int:
    """Return how many members wait for one that failed or was dropped."""
    (count,) = database.execute(
        "SELECT count(DISTINCT needs.member) FROM members INDEXED BY by_state "
        "JOIN needs INDEXED BY unmet ON needs.campaign = ? AND needs.key = members.key "
        "AND needs.met = 0 WHERE members.campaign = ? AND members.state IN ('failed', 'dropped')",
        (row.name, row.id),
    ).fetchone()
    return int(count)
