"""The last thing that is done with an arrival whose run has succeeded: it is moved or marked."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.renaming import rename_without_replacing
from headrace.triggers.arrival import Arrival, identify
from headrace.triggers.arrival_location import arrival_from_record, locate
from headrace.triggers.completeness.marker import marker_path
from headrace.triggers.completeness.snapshot import take_snapshot
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.events import ArrivalFinished, WatchEvent
from headrace.triggers.ledger import Ledger
from headrace.triggers.problem_reporter import ProblemReporter, describe_error
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger


class CannotFinishError(Exception):
    """Nothing is done with an arrival; the message says why."""


class ArrivalFinisher:
    """Moves or marks the arrivals of a trigger whose runs have succeeded, each once.

    Args:
        trigger: the trigger.
        ledger: the ledger.
        on_event: called with what was done.
        clock: monotonic time in s.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self._trigger = trigger
        self._ledger = ledger
        self._on_event = on_event
        self._problems = ProblemReporter(trigger.name, on_event, clock)

    def finish_due(self) -> None:
        """Do what is due; what cannot be done now is tried again at the next call.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        if not self._trigger.afterwards:
            return
        for record in self._ledger.runs.due_afterwards(self._trigger.name):
            arrival = arrival_from_record(self._trigger, record)
            try:
                self._finish(record, arrival)
            except LedgerUnusable:
                raise
            except CannotFinishError as error:
                reason = str(error)
                self._ledger.runs.finish_afterwards(record.id, reason)
                self._problems.report(f"{arrival.location}: {reason}")
            except Exception as error:  # noqa: BLE001 - one arrival must not stop the others
                self._problems.report(
                    f"{arrival.location}: cannot be {self._word} yet: {describe_error(error)}"
                )

    @property
    def _word(self) -> str:
        return "moved" if self._trigger.afterwards.move is not None else "marked"

    def _finish(self, record: Record, arrival: Arrival) -> None:
        afterwards = self._trigger.afterwards
        if afterwards.move is not None:
            done = self._move(record, arrival, afterwards.move)
        else:
            done = self._mark(record, arrival, str(afterwards.mark))
        if done is not None:
            self._ledger.runs.finish_afterwards(record.id)
            self._on_event(ArrivalFinished(arrival, self._word, done))

    def _move(self, record: Record, arrival: Arrival, folder: str) -> Path | None:
        """Move an arrival; return where it is, or None where its disk is away."""
        path = record.moved_to or folder + arrival.name + "/" * arrival.path.endswith("/")
        target = self._trigger.root / path.strip("/")
        if record.moved_to and _is_moved(record, arrival.location, target):
            return target
        if not self._is_there(record, arrival):
            return None
        now = content_of(arrival, record)
        if not now:
            return None  # it changes at this moment
        if now != record.content:
            raise CannotFinishError(
                "not moved: it has changed since its run was started, or was not looked at then; "
                f"look at it, and move it to {target.parent} by hand"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        self._ledger.runs.set_moved_to(record.id, path, arrives=self._trigger.afterwards.arrives)
        try:
            rename_without_replacing(arrival.location, target)
        except FileExistsError as error:
            raise CannotFinishError(
                f"not moved: {target} exists, and nothing is written over"
            ) from error
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise CannotFinishError(
                f"not moved: {target.parent} is on another file system; move it by hand, and "
                "correct afterwards.move"
            ) from error
        return target

    def _mark(self, record: Record, arrival: Arrival, name: str) -> Path | None:
        """Mark an arrival; return the file, or None where its disk is away."""
        if not self._is_there(record, arrival):
            return None
        directory = self._trigger.what == "directory"
        mark = marker_path(arrival.location, name, directory=directory)
        document = {"run_id": record.run_id, "marked_at": datetime.now(UTC).isoformat()}
        temporary = mark.with_name(f".headrace-{record.id}-{os.getpid()}")
        temporary.write_text(json.dumps(document) + "\n")
        try:
            rename_without_replacing(temporary, mark)
        except FileExistsError as error:
            if not _is_mark_of(mark, record):
                raise CannotFinishError(
                    f"not marked: {mark} exists, and nothing is written over"
                ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return mark

    def _is_there(self, record: Record, arrival: Arrival) -> bool:
        where = locate(self._trigger, arrival, record)
        if where == "gone":
            raise CannotFinishError(f"not {self._word}: it has gone")
        if where == "there" and not record.present:
            # What lies there is another arrival, whose run may be reading it.
            raise CannotFinishError(
                f"not {self._word}: it had gone for a while, or another run on it was asked for"
            )
        return where == "there"


def content_of(arrival: Arrival, record: Record) -> str:
    """Return the state of an arrival's content, to be compared before it is moved.

    Args:
        arrival: the arrival.
        record: its record in the ledger.

    Returns:
        "" where it changes at this moment, or cannot be read.
    """
    try:
        snapshot = take_snapshot(arrival.location, stable_inodes=bool(record.identity.inode))
    except OSError:
        return ""
    return snapshot.fingerprint.hex()


def _is_moved(record: Record, source: Path, target: Path) -> bool:
    """Tell whether an arrival was moved before a watch was killed."""
    inodes = bool(record.identity.inode)
    try:
        moved = identify(target, inodes=inodes)
    except FileNotFoundError:
        return False
    if not moved.same(record.identity):
        return False
    if os.path.lexists(source) and identify(source, inodes=inodes).same(record.identity):
        if not inodes or source.is_dir():
            return False
        source.unlink()  # the second name of one file, where renaming takes two steps
    return True


def _is_mark_of(mark: Path, record: Record) -> bool:
    try:
        return bool(json.loads(mark.read_bytes())["run_id"] == record.run_id)
    except (ValueError, KeyError, TypeError):
        return False
