"""Starting the run of an arrival, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from headrace.triggers.arrival import Arrival, identify
from headrace.triggers.errors import TriggerError
from headrace.triggers.events import Removed, Started, StartFailed, Starting, WatchEvent
from headrace.triggers.ledger import Ledger
from headrace.triggers.record import Record
from headrace.triggers.rule import Trigger

# Our clock, and that of the service, may have been wrong by so much when the run was started.
_CLOCK_ERROR = timedelta(days=2)


class Starter(Protocol):
    """Starts runs, at the facility or at the hosted services.

    Any exception is a failed attempt. The run may have been started nevertheless (the answer was
    lost), so that `find` is asked before `start` is called again with the same tag.
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


class Starts:
    """Makes attempts to start runs, and keeps the ledger of them.

    Args:
        ledger: the ledger.
        starter: starts the runs.
        tell: told of each attempt.
        first_wait: seconds after the first failed attempt; doubled after each further one.
        longest_wait: seconds between attempts at most.
    """

    def __init__(
        self,
        ledger: Ledger,
        starter: Starter,
        tell: Callable[[WatchEvent], None],
        *,
        first_wait: float,
        longest_wait: float,
    ) -> None:
        self._ledger = ledger
        self._starter = starter
        self._tell = tell
        self._first_wait = first_wait
        self._longest_wait = longest_wait

    def attempt(self, trigger: Trigger, record: Record, *, inodes: bool) -> float | None:
        """Start the run of a complete arrival, unless an earlier attempt did.

        Args:
            trigger: the trigger.
            record: the arrival's record.
            inodes: whether inode numbers last where it lies.

        Returns:
            seconds to wait before the next attempt; None if none is needed.

        Raises:
            TriggerError: the ledger cannot be written; try again.
        """
        arrival = arrival_of(trigger, record)
        record = self._ledger.begin(record.id)
        tag = record.tag
        self._tell(Starting(arrival, tag, record.attempts))
        found = False
        try:
            run_id = self._find(record)
            found = run_id is not None
            if run_id is None and not _is_there(arrival, record, inodes=inodes):
                self._ledger.removed(record.id)
                self._tell(Removed(arrival))
                return None
            if run_id is None:
                run_id = self._starter.start(trigger, arrival, tag)
        except Exception as error:  # noqa: BLE001 - whatever a starter raises is a failed attempt
            reason = " ".join(str(error).split()) or type(error).__name__
            self._ledger.failed(record.id, reason)
            doublings = min(record.attempts - 1, 30)
            wait = min(self._first_wait * 2.0**doublings, self._longest_wait)
            self._tell(StartFailed(arrival, tag, reason, record.attempts, wait))
            return wait
        self._ledger.started(record.id, run_id)
        self._tell(Started(arrival, tag, run_id, found))
        return None

    def _find(self, record: Record) -> str | None:
        if record.attempts == 1 or record.first_attempt_at is None:
            return None
        return self._starter.find(record.tag, record.first_attempt_at - _CLOCK_ERROR)


def arrival_of(trigger: Trigger, record: Record) -> Arrival:
    """Make an arrival from its record.

    Args:
        trigger: the trigger that saw it.
        record: its record in the ledger.

    Returns:
        the arrival.
    """
    inner = record.path.strip("/")
    return Arrival(
        trigger=trigger.name,
        collection=record.collection,
        name=inner.rpartition("/")[2],
        path=record.path,
        location=trigger.root / inner,
        generation=record.generation,
    )


def _is_there(arrival: Arrival, record: Record, *, inodes: bool) -> bool:
    try:
        identity = identify(arrival.location, inodes=inodes)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise TriggerError(f"{arrival.location}: {error.strerror}") from error
    return identity.same(record.identity)
