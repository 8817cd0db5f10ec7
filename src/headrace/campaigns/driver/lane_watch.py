"""Watch over lanes: their endpoints asked for, lost lanes left, and returned to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from headrace.campaigns.campaign import Lane
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import LaneChanged
from headrace.campaigns.driver.ledger_worker import LedgerWorker
from headrace.campaigns.driver.run_ends import WHO
from headrace.campaigns.ledger import AttemptEnd, LedgerTables
from headrace.campaigns.tables.retries import LOST_LANE
from headrace.config.errors import ProjectError

# Attempts of one transaction that are waited for no longer.
_PORTION: Final = 1000


class LaneWatch(LedgerWorker):
    """Asks for endpoints, has members leave lanes that are lost; arguments as of its base."""

    def ask(self, driven: DrivenCampaign) -> None:
        """Ask for the endpoints of a campaign's lanes.

        Args:
            driven: the campaign.

        Raises:
            Exception: the service did not answer; nothing is known of the lanes then.
        """
        for lane in driven.campaign.lanes:
            health = driven.health[lane.name]
            if not lane.endpoint:
                # Nobody knows of an endpoint: only its runs say something.
                health.record_answer(self._now().timestamp(), "")
                continue
            try:
                problem = self._service.endpoint_problem(lane.endpoint, lane.profile)
            except ProjectError as error:
                problem = str(error)
            health.record_answer(self._now().timestamp(), problem)

    def follow(self, driven: DrivenCampaign) -> bool:
        """Write down which lanes are lost and which are back, and have members leave lost ones.

        The runs that they leave behind are for nothing: `UnwantedRuns` asks for their end.

        Args:
            driven: the campaign.

        Returns:
            whether something has changed.

        Raises:
            CampaignError: the ledger cannot be written now.
        """
        events: list[LaneChanged] = []
        with self._ledger.transaction() as tables:
            states = tables.lanes.all(driven.id)
            for name, health in driven.health.items():
                state = states.get(name)
                was_lost = bool(state and state.lost_since)
                if health.is_lost:
                    left = self._leave(tables, driven, name)
                    if not was_lost or left:
                        tables.lanes.mark_lost(driven.id, name, health.problem)
                        detail = f"{name}: {health.problem}"
                        tables.log.add(driven.id, "lane lost", detail, who=WHO)
                        events.append(LaneChanged(driven.name, name, True, health.problem, left))
                elif was_lost:
                    tables.lanes.mark_back(driven.id, name)
                    tables.log.add(driven.id, "lane back", name, who=WHO)
                    events.append(LaneChanged(driven.name, name, False))
        self._notify(events)
        return bool(events)

    def _leave(self, tables: LedgerTables, driven: DrivenCampaign, lane: str) -> int:
        """Have the members of a lost lane go elsewhere; return how many do.

        Those that no other lane takes stay: their runs may still come to their ends, and would
        begin anew in the same lane.
        """
        retries = driven.campaign.retries
        others = [
            each
            for each in driven.campaign.lanes
            if each.name != lane and not driven.health[each.name].is_lost
        ]
        if not retries.move or not others:
            return 0
        leaving = _leaving(tables, driven.id, lane, others)
        health = driven.health[lane]
        is_free = LOST_LANE in retries.free
        count = 0
        for start, members in leaving.items():
            ends = [
                AttemptEnd(
                    member,
                    False,
                    "ready",
                    cause=f"lane {lane} is lost: {health.problem}",
                    cause_category=LOST_LANE,
                    counted=not is_free,
                    avoided_lane=lane,
                )
                for member in members
            ]
            count += len(tables.starts.supersede(start, ends))
        return count


def _leaving(
    tables: LedgerTables, campaign: int, lane: str, others: Sequence[Lane]
) -> dict[int, list[int]]:
    """Return members under way in a lane that another one takes, by their starts."""
    categories = tables.database.execute(
        "SELECT DISTINCT m.category FROM attempts AS a INDEXED BY open_by_lane "
        "JOIN members AS m ON m.id = a.member "
        "WHERE a.campaign = ? AND a.lane = ? AND a.state = 'open'",
        (campaign, lane),
    ).fetchall()
    taken = [
        category
        for (category,) in categories
        if any(one.takes_category(category) for one in others)
    ]
    rows = tables.database.execute(
        "SELECT a.start, a.member FROM attempts AS a INDEXED BY open_by_lane "
        "JOIN members AS m ON m.id = a.member "
        "WHERE a.campaign = ? AND a.lane = ? AND a.state = 'open' AND m.state <> 'dropped' "
        "AND CASE m.wanted_lane WHEN '' THEN m.category IN (SELECT value FROM json_each(?)) "
        "ELSE m.wanted_lane IN (SELECT value FROM json_each(?)) END ORDER BY a.start LIMIT ?",
        (campaign, lane, json.dumps(taken), json.dumps([one.name for one in others]), _PORTION),
    ).fetchall()
    found: dict[int, list[int]] = {}
    for start, member in rows:
        found.setdefault(start, []).append(member)
    return found
