"""A campaign that is driven: its definition, and what the driver keeps of it in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from headrace.campaigns.campaign import Campaign, Lane, Step
from headrace.campaigns.campaign_loading import campaign_of_definition
from headrace.campaigns.driver.lane_health import LaneHealth
from headrace.campaigns.driver.lanes import LaneLoad, LaneLoads
from headrace.campaigns.driver.limits import RecentStarts, StartBudget, free_licences
from headrace.campaigns.driver.stop_rules import RecentEnds, ends_needed
from headrace.campaigns.ledger import CampaignRow, LedgerTables, Start

_EARLIER_STEP: Final = re.compile(r"\bsteps\.([A-Za-z][A-Za-z0-9_]*)")

HealthMaker = Callable[[float | None, Lane], LaneHealth]
"""Makes the health of a lane, from when it was lost."""


def lane_health(lost_since: float | None, lane: Lane) -> LaneHealth:
    """Return the health of a lane, from when it was lost (s since 1970; None: it is not)."""
    return LaneHealth(lost_since, lost_after=lane.lost_after_seconds)


class DrivenCampaign:
    """A campaign as the driver has it.

    Attributes:
        row: the campaign in the ledger.
        campaign: its definition.
        health: the health of each lane, by name.
        recent_starts: the latest starts, for its rate.
        recent_ends: the latest ends, for the rules that stop it.
        expected_hours: core hours that starts under way are expected to cost, by start.
        may_have_intents: whether starts may be written down that nobody has an answer for.
        may_have_graft_intents: likewise of grafts.
        earlier_steps: steps whose outputs the conditions of others name.

    Args:
        row: the campaign in the ledger, with its definition.
        tables: the ledger, in a transaction.
        file: its campaign file.
        make_health: makes the health of a lane.
    """

    def __init__(
        self,
        row: CampaignRow,
        tables: LedgerTables,
        file: Path,
        make_health: HealthMaker = lane_health,
    ) -> None:
        self.row = row
        self.campaign: Campaign = campaign_of_definition(row.definition, file)
        self._steps = {step.name: step for step in self.campaign.steps}
        states = tables.lanes.all(row.id)
        self.health: dict[str, LaneHealth] = {}
        for lane in self.campaign.lanes:
            state = states.get(lane.name)
            lost = state.lost_since if state else ""
            self.health[lane.name] = make_health(_seconds(lost) if lost else None, lane)
        self.recent_starts = RecentStarts(
            self.campaign.limits.start_rate, _start_times(tables, row, self.campaign)
        )
        rules = self.campaign.limits.stop_rules
        self.recent_ends = RecentEnds(rules, _ends(tables, row.id, ends_needed(rules)))
        self.expected_hours: dict[int, float] = {}
        self.may_have_intents = True
        self.may_have_graft_intents = True
        self.earlier_steps = frozenset(
            name for step in self.campaign.steps for name in _EARLIER_STEP.findall(step.when)
        )
        # A file that was changed meanwhile may not name the flows of runs under way any more.
        self._flows_under_way = tables.starts.flows_under_way(row.id)
        for graft in self.campaign.grafts:
            definition = {
                "flow": graft.flow,
                "input": dict(graft.input),
                "label": graft.label,
                "tags": list(graft.tags),
                "when": graft.when,
            }
            tables.grafts.add(row.id, graft.after, definition)  # type: ignore[arg-type]

    @property
    def id(self) -> int:
        """Its number in the ledger."""
        return self.row.id

    @property
    def name(self) -> str:
        """Its name."""
        return self.row.name

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Have what is kept in memory be as before where a transaction within is undone."""
        ends, hours = self.recent_ends.copy(), dict(self.expected_hours)
        health = {name: copy(each) for name, each in self.health.items()}
        try:
            yield
        except BaseException:
            self.recent_ends, self.expected_hours, self.health = ends, hours, health
            raise

    def step(self, name: str) -> Step | None:
        """Return a step; None where its file has it no more."""
        return self._steps.get(name)

    def flows(self, tables: LedgerTables) -> tuple[str, ...]:
        """Return the names of all flows whose runs are its own, those of added grafts too."""
        grafts = (graft.flow for graft in tables.grafts.all(self.id))
        names = [*self.campaign.flows, *grafts, *self._flows_under_way]
        return tuple(dict.fromkeys(names))

    def loads(self, tables: LedgerTables) -> LaneLoads:
        """Return the lanes, with what is under way in each."""
        states = tables.lanes.all(self.id)
        open_members = tables.starts.open_by_lane(self.id)
        licences = self._licences_by_lane(tables)
        loads = []
        for lane in self.campaign.lanes:
            state = states.get(lane.name)
            problem = self.health[lane.name].problem
            loads.append(
                LaneLoad(
                    lane,
                    open_members.get(lane.name, 0),
                    state.open_limit if state else None,
                    bool(state and state.drained),
                    problem or (state.reason if state and state.lost_since else ""),
                    licences.get(lane.name, {}),
                )
            )
        return LaneLoads(loads)

    def budget(self, lanes: LaneLoads, tables: LedgerTables, now: float) -> StartBudget:
        """Return what may be started now.

        Args:
            lanes: the lanes, with what is under way in each.
            tables: the ledger, in a transaction.
            now: the time, in seconds since 1970.
        """
        limits = self.campaign.limits
        members = None
        if limits.open is not None:
            # Also of lanes that the file has no more.
            under_way = sum(tables.starts.open_by_lane(self.id).values())
            members = max(0, limits.open - under_way)
        hours = None
        if limits.core_hours is not None:
            spent = tables.campaigns.get(self.name).spent_core_hours
            hours = limits.core_hours - spent - sum(self.expected_hours.values())
        used: dict[str, int] = {}
        for lane in lanes:
            for name, count in lane.licences_used.items():
                used[name] = used.get(name, 0) + count
        licences = free_licences(limits.licences, used)
        return StartBudget(members, self.recent_starts.room(now), hours, licences)

    def under_way(self, tables: LedgerTables) -> list[Start]:
        """Return the starts of members that have not ended."""
        return [start for start in tables.starts.under_way(self.id) if start.kind == "member"]

    def _licences_by_lane(self, tables: LedgerTables) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        if not any(step.licences for step in self.campaign.steps):
            return found
        for start in self.under_way(tables):
            step = self.step(start.step)
            used = found.setdefault(start.lane, {})
            for name, count in (step.licences if step else {}).items():
                used[name] = used.get(name, 0) + count
        return found


def _start_times(tables: LedgerTables, row: CampaignRow, campaign: Campaign) -> list[float]:
    """Return when runs were started that the rate may still count."""
    rate = campaign.limits.start_rate
    if rate is None:
        return []
    since = datetime.fromisoformat(tables.now) - timedelta(seconds=rate.seconds)
    found = tables.database.execute(
        "SELECT created_at FROM starts WHERE campaign = ? AND created_at >= ? "
        "ORDER BY created_at DESC LIMIT ?",
        (row.id, since.isoformat(), rate.count),
    )
    return [_seconds(moment) for (moment,) in found]


def _ends(tables: LedgerTables, campaign: int, count: int) -> list[bool]:
    """Return how the latest members and legs ended, the oldest first: True for a failure."""
    if not count:
        return []
    resumed = tables.database.execute(
        "SELECT coalesce(max(at), '') FROM changes "
        "WHERE campaign = ? AND verb = 'resume' AND NOT undone",
        (campaign,),
    ).fetchone()[0]
    rows = tables.database.execute(
        "SELECT a.accepted FROM attempts AS a JOIN members AS m ON m.id = a.member "
        "WHERE a.campaign = ? AND a.ended_at > ? AND (a.accepted OR (a.state = 'failed' "
        "AND m.state = 'failed' AND m.start = a.start)) "
        "ORDER BY a.ended_at DESC, a.id DESC LIMIT ?",
        (campaign, resumed, count),
    )
    return [not accepted for (accepted,) in rows][::-1]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
