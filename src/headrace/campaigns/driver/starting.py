"""Starts of members: written down, sent, and their answers written down, each for many at once.

A crash at any moment leaves intents. They are sent again with the same tags, by which the service
gives the runs that are there already.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import CampaignEvent, LegEnded, RunsStarted
from headrace.campaigns.driver.lanes import LaneLoads
from headrace.campaigns.driver.ledger_worker import LedgerWorker, unanswered_starts
from headrace.campaigns.driver.limits import RunNeeds
from headrace.campaigns.driver.outcome import first_step
from headrace.campaigns.driver.retries import LONGEST_BACKOFF
from headrace.campaigns.driver.run_ends import count_end
from headrace.campaigns.driver.run_requests import (
    RefusedStart,
    expected_core_hours,
    make_requests,
)
from headrace.campaigns.driver.run_service import RunAnswer, RunRequest
from headrace.campaigns.driver.start_plan import PlannedRun, plan_starts
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger import (
    AttemptEnd,
    LedgerTables,
    Member,
    NewStart,
    Start,
)

PORTION: Final = 2_000
"""Members of one transaction, and of one request to the service."""

REFUSED: Final = "refused"
"""Category of a start that the service, or the member's own row, refuses."""

_NOT_ITS_OWN: Final = "a member of its pack was refused"


@dataclass(frozen=True)
class StartReport:
    """Report of a pass over a campaign's members.

    Attributes:
        runs: runs that were started.
        again: whether there is more to be started at once.
        wait: seconds after which something may be started without an end before; None: nothing.
    """

    runs: int = 0
    again: bool = False
    wait: float | None = None


class MemberStarter(LedgerWorker):
    """Starts the runs of members; arguments as of its base."""

    def start_ready(self, driven: DrivenCampaign, runs: int | None = None) -> StartReport:
        """Start what may be started of a campaign, some thousands of members at most.

        Args:
            driven: the campaign.
            runs: runs that the service takes now at most; None: any number.

        Raises:
            CampaignLedgerUnusable: nothing may be done any more.
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer; what was sent is asked for again.
        """
        events: list[CampaignEvent] = []
        with driven.undone_on_error(), self._ledger.transaction() as tables:
            planned, wait, again = self._plan(tables, driven, runs, events)
            made = make_requests(tables, driven, planned, may_be_sent=False)
            self._refuse(tables, driven, made.refused, events)
        self._notify(events)
        if made.requests:
            driven.recent_starts.add(self._now().timestamp(), len(made.requests))
            self._send(driven, made.requests)
        return StartReport(len(made.requests), again, wait)

    def resend(self, driven: DrivenCampaign) -> datetime | None:
        """Ask again for the runs of starts of which nobody has an answer.

        Args:
            driven: the campaign.

        Returns:
            when the oldest of them was written down: its run may have ended since; None where
            there is none.

        Raises:
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer.
        """
        oldest: datetime | None = None
        while True:
            events: list[CampaignEvent] = []
            with driven.undone_on_error(), self._ledger.transaction() as tables:
                intents = unanswered_starts(tables, driven.id, "member", PORTION)
                made = make_requests(tables, driven, intents, may_be_sent=True)
                self._refuse(tables, driven, made.refused, events)
            self._notify(events)
            if not intents:
                driven.may_have_intents = False
                return oldest
            oldest = oldest or datetime.fromisoformat(intents[0].created_at)
            answered = self._send(driven, made.requests) + len(made.refused)
            if answered < len(intents):
                return oldest  # the others are asked for later

    # -- before

    def _plan(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        runs: int | None,
        events: list[CampaignEvent],
    ) -> tuple[list[Start], float | None, bool]:
        """Write down the intents of what is to be started."""
        if tables.campaigns.get(driven.name).state != "started":
            return [], None, False  # somebody has just paused it
        now = self._now()
        moment = tables.queue.wake(driven.id, LONGEST_BACKOFF)
        wait = (datetime.fromisoformat(moment) - now).total_seconds() if moment else None
        lanes = driven.loads(tables)
        budget = driven.budget(lanes, tables, now.timestamp())
        if runs is not None:
            budget.runs = runs if budget.runs is None else min(runs, budget.runs)
        if budget.is_used_up or lanes.are_full:
            return [], wait, False
        if budget.runs == 0:
            return [], _sooner(wait, driven.recent_starts.wait(now.timestamp()) or None), False
        members = self._ready(tables, driven, lanes)
        members = self._at_their_steps(tables, driven, members)
        plan = plan_starts(
            members,
            lanes,
            budget,
            pack_of=lambda name: step.pack if (step := driven.step(name)) else 1,
            needs_of=lambda member: _needs(driven, member),
        )
        starts = tables.starts.begin(driven.id, map(_new_start(driven), plan.runs))
        driven.may_have_intents = driven.may_have_intents or bool(starts)
        if driven.campaign.limits.core_hours is not None:
            for start, run in zip(starts, plan.runs, strict=True):
                driven.expected_hours[start.id] = run.core_hours
        if budget.runs == 0:
            wait = _sooner(wait, driven.recent_starts.wait(now.timestamp()) or None)
        return starts, wait, len(members) >= PORTION and bool(starts)

    def _ready(
        self, tables: LedgerTables, driven: DrivenCampaign, lanes: LaneLoads
    ) -> list[Member]:
        """Return members that are ready and that a lane might take, the first ones first."""
        queues = []
        for name in tables.queue.names(driven.id):
            rooms = [
                lane.room
                for lane in lanes
                if not lane.closed_reason
                and lane.room != 0
                and (
                    lane.name == name.wanted_lane
                    if name.wanted_lane
                    else lane.rules.takes_category(name.category)
                )
            ]
            if rooms:
                limit = PORTION
                queues.append(tables.queue.read(driven.id, name, limit))
        merged = heapq.merge(*queues, key=lambda member: (-member.priority, member.id))
        return list(islice(merged, PORTION))

    def _at_their_steps(
        self, tables: LedgerTables, driven: DrivenCampaign, members: Sequence[Member]
    ) -> list[Member]:
        """Return members at steps whose conditions hold; those for which none does are done."""
        if not any(step.when for step in driven.campaign.steps):
            return list(members)
        found = []
        for member in members:
            step = driven.step(member.step)
            has_started = member.attempt or member.attempts or member.accepted_directory
            if step is None or not step.when or has_started or member.leg > 1:
                found.append(member)
                continue
            try:
                name = first_step(driven.campaign, member)
            except CampaignError as error:
                _end_without_run(tables, member, "failed", str(error))
                continue
            if name is None:
                _end_without_run(tables, member, "done", "")
            elif name == member.step:
                found.append(member)
            else:
                tables.database.execute(
                    "UPDATE members SET step = ?, revision = revision + 1, changed_at = ? "
                    "WHERE id = ?",
                    (name, tables.now, member.id),
                )
                found += tables.members.read([member.id])
        return found

    # -- the service

    def _send(self, driven: DrivenCampaign, requests: Sequence[tuple[Start, RunRequest]]) -> int:
        """Ask for runs and write down the answers; return how many were answered."""
        if not requests:
            return 0
        self._ledger.ensure_counted([start for start, _ in requests])
        answers = self._service.start([request for _, request in requests])
        return self._take(driven, [start for start, _ in requests], answers)

    def _take(
        self, driven: DrivenCampaign, starts: Sequence[Start], answers: Sequence[RunAnswer]
    ) -> int:
        events: list[CampaignEvent] = []
        answered = members = runs = 0
        with driven.undone_on_error(), self._ledger.transaction() as tables:
            for start, answer in zip(starts, answers, strict=True):
                if answer.run_id:
                    tables.starts.mark_open(start.id, answer.run_id)
                    runs, members = runs + 1, members + start.size
                elif answer.problem:
                    ids = [each.member for each in tables.starts.attempts(start.id)]
                    causes = dict.fromkeys(ids, answer.problem)
                    self._refuse(tables, driven, [RefusedStart(start, causes)], events)
                answered += bool(answer.run_id or answer.problem)
        self._notify(events)
        if runs:
            self._on_event(RunsStarted(driven.name, runs, members))
        return answered

    def _refuse(
        self,
        tables: LedgerTables,
        driven: DrivenCampaign,
        refused: Iterable[RefusedStart],
        events: list[CampaignEvent],
    ) -> None:
        """Write down starts that there never will be: those fail whose rows are the reason."""
        for each in refused:
            start = each.start
            attempts = [one for one in tables.starts.attempts(start.id) if one.state == "open"]
            ends = [_refused_end(attempt.member, each.causes) for attempt in attempts]
            cause = next(iter(each.causes.values()), REFUSED)
            tables.starts.refuse(start.id, cause, ends, status=REFUSED)
            driven.expected_hours.pop(start.id, None)
            for member in tables.members.read([end.member for end in ends]):
                if member.id in each.causes:
                    events.append(_leg_event(driven, member, start))
                    events += count_end(tables, driven, is_failure=True)


def _refused_end(member: int, causes: dict[int, str]) -> AttemptEnd:
    if member in causes:
        return AttemptEnd(
            member, False, "failed", cause=causes[member], cause_category=REFUSED, counted=True
        )
    return AttemptEnd(
        member, False, "ready", cause=_NOT_ITS_OWN, cause_category=REFUSED, has_run=False
    )


def _leg_event(driven: DrivenCampaign, member: Member, start: Start) -> LegEnded:
    return LegEnded(
        driven.name,
        member.key,
        start.step,
        member.leg,
        start.lane,
        "",
        done=False,
        then=member.state,
        cause=member.cause,
    )


def _needs(driven: DrivenCampaign, member: Member) -> RunNeeds:
    step = driven.step(member.step)
    if step is None:
        return RunNeeds()
    hours = 0.0
    if driven.campaign.limits.core_hours is not None:
        hours = expected_core_hours(driven, step, member, "")
    return RunNeeds(hours, step.licences)


def _new_start(driven: DrivenCampaign) -> Callable[[PlannedRun[Member]], NewStart]:
    def make(run: PlannedRun[Member]) -> NewStart:
        step = driven.step(run.step)
        members = tuple(member.id for member in run.members)
        return NewStart(step.flow if step else "", members, run.lane, run.step)

    return make


def _end_without_run(tables: LedgerTables, member: Member, state: str, cause: str) -> None:
    """Write down the end of a member that no step is for, or whose conditions are wrong."""
    from headrace.campaigns.ledger.completion import follow_members

    tables.database.execute(
        "UPDATE members SET state = ?, cause = ?, cause_category = ?, changed_at = ?, "
        "revision = revision + 1 WHERE id = ? AND state = 'ready'",
        (state, cause, REFUSED if cause else "", tables.now, member.id),
    )
    if state == "done":
        follow_members(tables.database, tables.now, [member.id])


def _sooner(one: float | None, other: float | None) -> float | None:
    given = [each for each in (one, other) if each is not None]
    return min(given) if given else None
