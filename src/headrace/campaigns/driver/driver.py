"""The driver: one loop over the started campaigns of a project at a target.

It is woken by what others write into the ledger, by ends of runs, and by times. Whatever goes wrong
with one campaign is told and tried again later; the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from headrace._internal.backoff import backoff_seconds
from headrace.campaigns.driver.completion import end_if_finished, reopen_if_ready
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.driver_parts import DriverParts
from headrace.campaigns.driver.events import (
    CampaignEvent,
    CampaignFault,
    CampaignPaused,
    EventListener,
)
from headrace.campaigns.driver.following import RunFollower
from headrace.campaigns.driver.grafts import GraftStarter
from headrace.campaigns.driver.lane_watch import LaneWatch
from headrace.campaigns.driver.limits import RecentStarts
from headrace.campaigns.driver.run_requests import restore_expected_hours
from headrace.campaigns.driver.run_service import RunService
from headrace.campaigns.driver.starting import MemberStarter
from headrace.campaigns.driver.unwanted_runs import UnwantedRuns
from headrace.campaigns.errors import CampaignLedgerUnusable
from headrace.campaigns.ledger import CampaignLedger, CampaignRow, LedgerTables
from headrace.errors import HeadraceError

T = TypeVar("T")

# A fault is tried again after so long at first, and at most (s).
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
# A campaign in which nothing has changed is looked at again after so long (s).
_LONGEST_REST: Final = 60.0
# Passes over one campaign before ends of runs are looked for again.
_PASSES: Final = 4


@dataclass
class _Pause:
    """Pause after faults of one kind.

    Attributes:
        failures: faults in a row.
        until: when it is tried again, by the monotonic clock.
        problem: the latest fault, in one line.
    """

    failures: int = 0
    until: float = 0.0
    problem: str = ""


class CampaignDriver:
    """Drives the started campaigns of a ledger.

    Args:
        ledger: the ledger.
        service: runs the flows.
        parts: what the project gives it.
        on_event: called with what was done, after it is in the ledger; what it raises is told.
    """

    def __init__(
        self,
        ledger: CampaignLedger,
        service: RunService,
        parts: DriverParts,
        on_event: EventListener,
    ) -> None:
        self._ledger = ledger
        self._service = service
        self._parts = parts
        self._listener = on_event
        self._driven: dict[int, DrivenCampaign] = {}
        self._version = -1
        self._is_dirty = True
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._reloading = threading.Event()
        self._pauses: dict[str, _Pause] = {}
        self._follow_at = self._lanes_at = self._questions_at = 0.0
        self._due: dict[int, float] = {}
        pace = parts.pace
        self._rate = RecentStarts(pace.rate)
        self._starter = MemberStarter(ledger, service, self._tell, parts.now)
        self._grafts = GraftStarter(ledger, service, self._tell, parts.now, parts.members_file)
        self._lanes = LaneWatch(ledger, service, self._tell, parts.now)
        self._unwanted = UnwantedRuns(ledger, service)
        self._follower = RunFollower(
            ledger,
            service,
            self._tell,
            parts.now,
            shortest=pace.follow[0],
            longest=pace.follow[1],
            clock_error=pace.clock_error,
        )

    @property
    def campaigns(self) -> list[DrivenCampaign]:
        """The campaigns that are driven, those of the highest priority first."""
        return sorted(self._driven.values(), key=lambda each: (-each.row.priority, each.id))

    @property
    def problems(self) -> list[str]:
        """The faults that there are now, one line each."""
        return [pause.problem for pause in self._pauses.values() if pause.problem]

    def stop(self) -> None:
        """Have the loop end after what it is at; called from a signal handler, too."""
        self._stopping.set()
        self._wake.set()

    def request_reload(self) -> None:
        """Have campaign files read again; called from a signal handler, too."""
        self._reloading.set()
        self._wake.set()

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Drive until stopped, or until something holds.

        Args:
            until: asked after each pass.

        Raises:
            CampaignLedgerUnusable: the ledger was deleted, replaced or damaged.
        """
        while not self._stopping.is_set():
            wait = self.run_once()
            if until():
                return
            self._wake.wait(wait)
            self._wake.clear()

    def run_once(self) -> float:
        """Do what there is to do now.

        Returns:
            seconds until there may be more.

        Raises:
            CampaignLedgerUnusable: the ledger was deleted, replaced or damaged.
        """
        self._beat()
        if self._reloading.is_set():
            self._reloading.clear()
            self._attempt("reload", "", self._parts.reload)
            self._is_dirty = True
            # Names may mean other endpoints now: they are asked for before anything starts there.
            self._lanes_at = 0.0
        changed = self._attempt("ledger", "", self._synchronise)
        now = self._parts.clock()
        ended = 0
        if now >= self._follow_at and self._is_free("follow"):
            ended = self._attempt("follow", "", lambda: self._follower.poll(self._driven)) or 0
            self._follow_at = self._parts.clock() + self._follower.interval
        if now >= self._questions_at and self._is_free("questions"):
            self._attempt("questions", "", lambda: self._follower.mark_questions(self._driven))
            self._questions_at = self._parts.clock() + self._parts.pace.questions
        asks_lanes = now >= self._lanes_at
        if asks_lanes:
            self._lanes_at = now + self._parts.pace.lanes
        if changed or ended or asks_lanes:
            self._due.clear()
        again = False
        for driven in self.campaigns:
            if self._stopping.is_set():
                break
            if asks_lanes:
                self._attempt(
                    f"lanes of {driven.name}", driven.name, partial(self._lanes.ask, driven)
                )
            arrivals = f"arrivals of {driven.name}"
            is_fed = driven.campaign.members.trigger is not None and driven.row.state == "started"
            if is_fed and self._is_free(arrivals):
                self._attempt(arrivals, driven.name, partial(self._take_arrivals, driven))
            if self._parts.clock() < self._due.get(driven.id, 0.0):
                continue  # nothing has changed since it was looked at
            if not self._is_free(driven.name):
                continue
            done = self._attempt(driven.name, driven.name, partial(self._advance, driven))
            if done is None:
                continue
            again = again or done[0]
            if not done[0]:
                wait = _LONGEST_REST if done[1] is None else min(done[1], _LONGEST_REST)
                self._due[driven.id] = self._parts.clock() + wait
        if self._is_free("unwanted"):
            self._attempt("unwanted", "", self._unwanted.cancel)
        if again or ended:
            return 0.0
        return self._wait()

    # -- one campaign

    def _advance(self, driven: DrivenCampaign) -> tuple[bool, float | None]:
        """Start what may be started of a campaign.

        Returns:
            whether there is more to do at once, and the seconds after which there is something.
        """
        again = self._lanes.follow(driven)
        if again:
            self._unwanted.look_again()
        for unanswered, resend in (
            (driven.may_have_intents, self._starter.resend),
            (driven.may_have_graft_intents, self._grafts.resend),
        ):
            oldest = resend(driven) if unanswered else None
            if oldest is not None:
                self._follower.rewind(oldest)
        if driven.row.state != "started":
            return again, None
        wait = None
        for _ in range(_PASSES):
            room = self._rate.room(self._parts.now().timestamp())
            if room == 0:
                wait = self._rate.wait(self._parts.now().timestamp())
                break
            report = self._starter.start_ready(driven, room)
            self._rate.add(self._parts.now().timestamp(), report.runs)
            wait = report.wait
            if report.runs:
                self._follower.wake()
            if not report.again:
                again = again or report.runs > 0
                break
        else:
            again = True
        room = self._rate.room(self._parts.now().timestamp())
        started = 0 if room == 0 else self._grafts.start_due(driven, room)
        self._rate.add(self._parts.now().timestamp(), started)
        with self._ledger.transaction() as tables:
            is_started = tables.campaigns.get(driven.name).state == "started"
            event = end_if_finished(tables, driven) if is_started else None
        if event is not None:
            self._is_dirty = True
            self._tell(event)
        return again or started > 0, wait

    def _take_arrivals(self, driven: DrivenCampaign) -> None:
        """Make members of what has arrived for a campaign that a trigger feeds."""
        events = self._parts.take_arrivals(driven)
        if events:
            self._due.pop(driven.id, None)
        for event in events:
            self._tell(event)

    def _synchronise(self) -> bool:
        """Read which campaigns are to be driven; return whether somebody has changed something."""
        self._ledger.verify()
        version = self._ledger.data_version
        if version == self._version and not self._is_dirty:
            return False
        if version != self._version:
            self._unwanted.look_again()
        with self._ledger.transaction() as tables:
            for row in tables.campaigns.all():
                if row.state == "ended":
                    reopen_if_ready(tables, row)
            rows = tables.campaigns.all()
            for row in rows:
                self._take(tables, row)
            known = {row.id for row in rows if row.state in ("started", "paused")}
            for id_ in [*self._driven]:
                if id_ not in known:
                    del self._driven[id_]
        self._version, self._is_dirty = version, False
        return True

    def _take(self, tables: LedgerTables, row: CampaignRow) -> None:
        if row.state not in ("started", "paused"):
            return
        known = self._driven.get(row.id)
        if known is not None and known.row.definition_sha == row.definition_sha:
            if row.state == "started" and known.row.state == "paused":
                known.recent_ends.clear()
            known.row = row
            return
        try:
            driven = DrivenCampaign(
                row, tables, self._parts.file_of(row.name), self._parts.make_health
            )
            restore_expected_hours(tables, driven)
        except CampaignLedgerUnusable:
            raise
        except HeadraceError as error:
            # The others are driven nevertheless; and this one, once it is mended.
            self._driven.pop(row.id, None)
            self._record_fault(row.name, row.name, str(error))
            return
        self._driven[row.id] = driven

    # -- faults

    def _attempt(self, kind: str, campaign: str, work: Callable[[], T]) -> T | None:
        """Do something; a fault is told once, and tried again after a growing pause."""
        try:
            done = work()
        except CampaignLedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - no fault of one stops the others
            self._record_fault(kind, campaign, " ".join(str(error).split()) or type(error).__name__)
            return None
        pause = self._pauses.pop(kind, None)
        if pause is not None and pause.problem:
            self._tell(CampaignFault(campaign, ""))
        return done

    def _record_fault(self, kind: str, campaign: str, problem: str) -> None:
        pause = self._pauses.setdefault(kind, _Pause())
        wait = backoff_seconds(pause.failures, _FIRST_PAUSE, _LONGEST_PAUSE)
        pause.failures += 1
        pause.until = self._parts.clock() + wait
        if pause.problem != problem:
            pause.problem = problem
            self._tell(CampaignFault(campaign, problem))

    def _is_free(self, kind: str) -> bool:
        pause = self._pauses.get(kind)
        return pause is None or self._parts.clock() >= pause.until

    def _wait(self) -> float:
        now = self._parts.clock()
        times = [self._follow_at - now, self._lanes_at - now, self._questions_at - now]
        times += [due - now for due in self._due.values()]
        times += [pause.until - now for pause in self._pauses.values()]
        return max(0.0, min(self._parts.pace.look, *times))

    def _beat(self) -> None:
        started = sum(each.row.state == "started" for each in self._driven.values())
        names = f"{started} campaign{'s' if started != 1 else ''}"
        self._parts.on_beat(f"drives {names}", "; ".join(self.problems))

    def _tell(self, event: CampaignEvent) -> None:
        if isinstance(event, CampaignPaused):
            self._is_dirty = True
        try:
            self._listener(event)
        except Exception as error:  # noqa: BLE001 - what is done is done, whoever cannot hear of it
            self._record_fault("listener", "", f"{type(error).__name__}: {error}")
