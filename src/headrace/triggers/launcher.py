"""Starting the run of an arrival, exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from headrace._internal.backoff import backoff_seconds
from headrace._internal.terminal_text import terminal_text
from headrace.triggers.arrival import Arrival
from headrace.triggers.arrival_finisher import content_of
from headrace.triggers.arrival_location import arrival_from_record, locate
from headrace.triggers.errors import ArrivalChanged, LedgerUnusable, StartRefused, TriggerError
from headrace.triggers.events import (
    Refused,
    Removed,
    Started,
    StartFailed,
    Starting,
    Waiting,
    WatchEvent,
)
from headrace.triggers.ledger import Ledger
from headrace.triggers.record import Record
from headrace.triggers.run_service import Preflight, RunService
from headrace.triggers.start_gate import Held, StartGate, utc_now
from headrace.triggers.trigger import Trigger

# Our clock, and that of the service, may have been wrong by so much when the run was started.
_CLOCK_ERROR = timedelta(days=2)
# Endpoints and collections are asked for again after so long (s) at first.
_HELD_BACK_DELAY = 2.0
# States of what has no run yet, and may get one.
_WITHOUT_RUN = ("seen", "starting", "failed")


class RunClient(Protocol):
    """Starts runs, at the facility or at the hosted services; called from several threads.

    `StartRefused` says that trying again is of no use; any other exception is a failed attempt.
    The run may have been started nevertheless (the answer was lost), so that `find` is asked
    before `start` is called again with the same tag.
    """

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        """Start the run of an arrival.

        Args:
            trigger: its flow, and the templates of input, label and tags.
            arrival: what they are filled in with.
            tag: a tag to give the run besides those of the trigger.

        Returns:
            the id of the run.
        """
        ...

    def find(self, tag: str, since: datetime) -> str | None:
        """Find the run that has a tag.

        Args:
            tag: the tag.
            since: a time in UTC before which it cannot have been started.

        Returns:
            the id of the run; None if it is certain that there is none.
        """
        ...


class RunLauncher:
    """Makes attempts to start runs, and keeps the ledger of them; any thread may call it.

    Args:
        ledger: the ledger.
        client: starts the runs.
        on_event: called with each attempt.
        initial_delay: seconds after the first failed attempt; doubled after each further one.
        maximum_delay: seconds between attempts at most.
        now: returns the time in UTC; for tests.
        service: has failed runs taken up.
        preflight: checks what a run needs before it is started; None: nothing does.
    """

    def __init__(
        self,
        ledger: Ledger,
        client: RunClient,
        on_event: Callable[[WatchEvent], None],
        *,
        initial_delay: float,
        maximum_delay: float,
        now: Callable[[], datetime] = utc_now,
        service: RunService | None = None,
        preflight: Preflight | None = None,
    ) -> None:
        self._preflight = preflight
        self._held_back: dict[int, int] = {}
        self._service = service
        self.now = now
        self._gate = StartGate(ledger, now)
        self._ledger = ledger
        self._client = client
        self._on_event = on_event
        self._initial_delay = initial_delay
        self._maximum_delay = maximum_delay

    def launch(
        self,
        trigger: Trigger,
        id_: int,
        is_unchanged: Callable[[], bool] | None = None,
        *,
        by_hand: bool = False,
    ) -> float | Held | None:
        """Start the run of a complete arrival, unless an earlier attempt did.

        Args:
            trigger: the trigger.
            id_: number of the arrival's record.
            is_unchanged: returns whether it is as it was when it was found complete; asked before
                the first attempt only, which may have waited for others.
            by_hand: whether a person starts it, whatever the trigger's conditions.

        Returns:
            seconds to wait before the next attempt; why the trigger starts nothing for now; or
            None if no attempt is needed any more.

        Raises:
            ArrivalChanged: it has to be complete anew; nothing was sent.
            TriggerError: the ledger cannot be written; try again.
        """
        record = self._ledger.get(id_)
        if record.state not in _WITHOUT_RUN:
            self._held_back.pop(id_, None)
            return None
        if not by_hand and (held := self._gate.hold(trigger, record)):
            return held
        if not by_hand and (wait := self._hold_back(trigger, record)):
            return wait
        arrival = arrival_from_record(trigger, record)
        unsent = record.present and record.attempts == 0 and record.retry_of is None
        if unsent and locate(trigger, arrival, record) == "away":
            # Its directory may come back, and nothing was sent: nothing has happened.
            return self._maximum_delay
        if unsent and is_unchanged and not is_unchanged():
            raise ArrivalChanged(f"{arrival.location}: changed after it was complete")
        if unsent and trigger.afterwards.move is not None:
            self._ledger.runs.set_content(id_, content_of(arrival, record))
        try:
            record = self._ledger.mark_starting(id_)
        except TriggerError:
            if self._ledger.get(id_).state in _WITHOUT_RUN:
                raise
            return None  # it was seen to be gone at this moment
        self._on_event(Starting(arrival, record.tag, record.attempts))
        found = False
        try:
            run_id = self._find(record)
            found = run_id is not None
            if run_id is None and record.retry_of is not None:
                run_id = self._retry(record.retry_of, record.tag)
            if run_id is None:
                # Looked at as late as can be: the search may have taken long.
                where = locate(trigger, arrival, record)
                if where == "gone" or not self._ledger.get(id_).present:
                    self._ledger.mark_removed(id_)
                    self._on_event(Removed(arrival))
                    return None
                if where == "away":
                    raise TriggerError(f"{arrival.location.parent} is not there now, or is another")
                _refuse_endless(trigger, record)
                run_id = self._client.start(trigger, arrival, record.tag)
        except LedgerUnusable:
            raise
        except StartRefused as error:
            reason = _one_line(error)
            self._ledger.mark_refused(id_, reason)
            self._on_event(Refused(arrival, record.tag, reason))
            return None
        except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed attempt
            reason = _one_line(error)
            self._ledger.mark_failed(id_, reason)
            wait = backoff_seconds(record.attempts - 1, self._initial_delay, self._maximum_delay)
            self._on_event(StartFailed(arrival, record.tag, reason, record.attempts, wait))
            return wait
        self._ledger.mark_started(id_, run_id, followed=trigger.follows_runs)
        followed = trigger.follows_runs and self._service is not None
        self._on_event(Started(arrival, record.tag, run_id, found, followed))
        return None

    def prepare(self, trigger: Trigger, arrival: Arrival) -> None:
        """Find out ahead whether the run of an arrival could be started."""
        if self._preflight is not None and trigger.preflight:
            self._preflight.ask_ahead(trigger, arrival)

    def _hold_back(self, trigger: Trigger, record: Record) -> float | None:
        """Return when to ask again where the run of an arrival would fail; None where it may not.

        Where another attempt may have started it already, that is found out all the same.
        """
        if self._preflight is None or not trigger.preflight or record.attempts:
            return None
        problem = self._preflight.problem(trigger, arrival_from_record(trigger, record))
        if not problem:
            self._held_back.pop(record.id, None)
            return None
        if record.waits_for != problem:
            self.record_waiting(trigger, [record], problem)
        times = self._held_back[record.id] = self._held_back.get(record.id, 0) + 1
        return backoff_seconds(times - 1, _HELD_BACK_DELAY, self._maximum_delay)

    def record_waiting(self, trigger: Trigger, records: Iterable[Record], reason: str) -> None:
        """Write down why the runs of complete arrivals are not started for now.

        Args:
            trigger: the trigger.
            records: their records.
            reason: in one line.

        Raises:
            TriggerError: the ledger cannot be written.
        """
        waiting = list(records)
        self._ledger.runs.mark_waiting([record.id for record in waiting], reason)
        for record in waiting:
            self._on_event(Waiting(arrival_from_record(trigger, record), reason))

    def _find(self, record: Record) -> str | None:
        if record.retry_of is not None:
            # Somebody may have taken the run up by hand meanwhile.
            return self._service.find_retry(record.retry_of) if self._service else None
        if record.attempts == 1 or record.first_attempt_at is None:
            return None
        return self._client.find(record.tag, record.first_attempt_at - _CLOCK_ERROR)

    def _retry(self, run_id: str, tag: str) -> str:
        if self._service is None:
            raise StartRefused(f"run {run_id} is to be taken up: `headrace run retry {run_id}`")
        return self._service.retry(run_id, tag)


def _refuse_endless(trigger: Trigger, record: Record) -> None:
    """Refuse the run of an arrival before which too many were started by the ends of others."""
    if trigger.after is None or record.chain_depth <= trigger.after.depth_limit:
        return
    raise StartRefused(
        f"{trigger.after.depth_limit} runs in a row were each started by the end of the one before "
        f"(after.max_depth of trigger {trigger.name}); does it go round without end?"
    )


def _one_line(error: Exception) -> str:
    return terminal_text(" ".join(str(error).split())) or type(error).__name__
