"""Watch over lanes: their endpoints asked for, lost lanes left, and returned to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import EventListener, LaneChanged
from headrace.campaigns.driver.run_ends import WHO
from headrace.campaigns.driver.run_service import RunService
from headrace.campaigns.ledger import AttemptEnd, CampaignLedger, LedgerTables
from headrace.campaigns.tables.retries import LOST_LANE
from headrace.config.errors import ProjectError

# Attempts of one transaction that are waited for no longer.
_PORTION: Final = 1000


class LaneWatch:
    """Asks for the endpoints of lanes, and has members leave those that are lost.

    Args:
        ledger: the ledger.
        service: knows the endpoints, and cancels runs.
        on_event: called with what was done, after it is in the ledger.
        now: the time, in UTC.
    """

    def __init__(
        self,
        ledger: CampaignLedger,
        service: RunService,
        on_event: EventListener,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._service = service
        self._on_event = on_event
        self._now = now

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

        Args:
            driven: the campaign.

        Returns:
            whether something has changed.

        Raises:
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer where runs were to be cancelled.
        """
        events: list[LaneChanged] = []
        runs: list[str] = []
        with self._ledger.transaction() as tables:
            states = tables.lanes.all(driven.id)
            for name, health in driven.health.items():
                state = states.get(name)
                was_lost = bool(state and state.lost_since)
                if health.is_lost:
                    left = self._leave(tables, driven, name, runs)
                    if not was_lost or left:
                        tables.lanes.mark_lost(driven.id, name, health.problem)
                        detail = f"{name}: {health.problem}"
                        tables.log.add(driven.id, "lane lost", detail, who=WHO)
                        events.append(LaneChanged(driven.name, name, True, health.problem, left))
                elif was_lost:
                    tables.lanes.mark_back(driven.id, name)
                    tables.log.add(driven.id, "lane back", name, who=WHO)
                    events.append(LaneChanged(driven.name, name, False))
        for event in events:
            self._on_event(event)
        if runs:
            # They write into directories of their own, and their results are not taken: that they
            # go on does no harm but to the place where they run.
            self._service.cancel(runs)
        return bool(events)

    def _leave(
        self, tables: LedgerTables, driven: DrivenCampaign, lane: str, runs: list[str]
    ) -> int:
        """Have the members of a lost lane go elsewhere; return how many do."""
        retries = driven.campaign.retries
        if not retries.move:
            return 0
        rows = tables.database.execute(
            "SELECT id, run_id FROM starts INDEXED BY open_starts "
            "WHERE campaign = ? AND lane = ? AND state IN ('intent', 'open') "
            "AND kind = 'member' AND EXISTS (SELECT 1 FROM attempts WHERE start = starts.id "
            "AND state = 'open') ORDER BY id LIMIT ?",
            (driven.id, lane, _PORTION),
        ).fetchall()
        health = driven.health[lane]
        is_free = LOST_LANE in retries.free
        count = 0
        for start, run_id in rows:
            ends = [
                AttemptEnd(
                    attempt.member,
                    False,
                    "ready",
                    cause=f"lane {lane} is lost: {health.problem}",
                    cause_category=LOST_LANE,
                    counted=not is_free,
                    avoided_lane=lane,
                )
                for attempt in tables.starts.attempts(start)
                if attempt.state == "open"
            ]
            count += len(tables.starts.supersede(start, ends))
            if run_id:
                runs.append(run_id)
        return count
