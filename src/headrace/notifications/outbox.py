"""Outbox of notifications: what waits, what was sent by which channel, and when; on disk.

A notification that was added is sent, whatever is killed meanwhile: it is marked as sent after its
channel has taken it, so that the one that was under way at a kill may be sent twice.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import private_directory
from headrace._internal.terminal_text import terminal_text
from headrace.notifications.notification import Action, Notification
from headrace.notifications.repetition import is_repeated

OUTBOX_FILE: Final = "notifications.db"

# What is kept of those that were dealt with.
KEPT_MESSAGES: Final = 5_000
KEPT_SECONDS: Final = 90 * 86_400.0
# What may wait; beyond, the oldest are given up.
MAX_WAITING: Final = 2_000
_MAX_SUBJECT: Final = 200
_PAST_ALL: Final = 2**62
_MAX_MESSAGE: Final = 8_000

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT UNIQUE, state TEXT NOT NULL,
        added REAL NOT NULL, subject TEXT NOT NULL, message TEXT NOT NULL,
        severity TEXT NOT NULL, topic TEXT NOT NULL, details TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS messages_by_subject ON messages(subject, added)",
    "CREATE INDEX IF NOT EXISTS messages_new ON messages(number) WHERE state = 'new'",
    """CREATE TABLE IF NOT EXISTS deliveries (
        message INTEGER NOT NULL, channel TEXT NOT NULL, state TEXT NOT NULL, time REAL NOT NULL,
        error TEXT NOT NULL, PRIMARY KEY (message, channel)) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries(channel, message)"
    " WHERE state = 'waiting'",
)


@dataclass(frozen=True)
class Message:
    """A notification in the outbox.

    Attributes:
        number: its number there.
        added: when it was added, in seconds since the epoch.
        notification: the notification.
        topic: those of one topic may be sent as one, such as failures of one cause; empty: none.
        label: its short name in a digest, such as the run's label.
        more: a command or link by which all of its topic are seen.
    """

    number: int
    added: float
    notification: Notification
    topic: str
    label: str
    more: str


@dataclass(frozen=True)
class Delivery:
    """Delivery of a message by one channel.

    Attributes:
        channel: the channel.
        state: ``waiting``, ``sent`` or ``given up``.
        time: since when.
        error: why it was not sent at the last attempt.
    """

    channel: str
    state: str
    time: float
    error: str


@dataclass(frozen=True)
class Record:
    """A message with all that became of it.

    Attributes:
        message: the message.
        state: ``new``, ``repeated`` (the same was sent shortly before), ``nobody`` (no channel was
            set) or ``planned``.
        deliveries: one for each channel.
    """

    message: Message
    state: str
    deliveries: tuple[Delivery, ...]

    def document(self) -> dict[str, Any]:
        """Return the record as JSON."""
        notification = self.message.notification
        waiting = any(each.state == "waiting" for each in self.deliveries)
        states = {each.state for each in self.deliveries}
        given_up = "given up" in states and not waiting
        planned = "waiting" if waiting else "given up" if given_up else "sent"
        return {
            "number": self.message.number,
            "time": notification.time or self.message.added,
            "severity": notification.severity,
            "subject": notification.subject,
            "message": notification.message,
            "link": notification.link,
            "state": {"planned": planned, "new": "waiting"}.get(self.state, self.state),
            "channels": [asdict(each) for each in self.deliveries],
        }


class Outbox:
    """Notifications of a project, on disk; any thread, and several processes, may use it.

    Args:
        path: its file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        private_directory(path.parent)
        self.path = path
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            for statement in _SCHEMA:
                self._db.execute(statement)

    @classmethod
    def of_project(cls, root: Path) -> Outbox:
        """Open the outbox of the project at ``root``."""
        return cls(cls.file_of(root))

    @staticmethod
    def file_of(root: Path) -> Path:
        """Return the file of the outbox of the project at ``root``."""
        from headrace.facility import state_directory

        return state_directory(root) / OUTBOX_FILE

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._db.close()

    def add(
        self,
        notification: Notification,
        now: float,
        *,
        source: str | None = None,
        topic: str = "",
        label: str = "",
        more: str = "",
    ) -> bool:
        """Add a notification, which is on disk afterwards.

        Args:
            notification: what people are told; control characters in it are written out.
            now: the present, in seconds since the epoch.
            source: name of what caused it; a second one of the same source is not added.
            topic: those of one topic may be sent as one; empty: it is sent alone.
            label: its short name in such a digest.
            more: a command or link by which all of the topic are seen.

        Returns:
            Whether it was added.
        """
        details = {
            "link": terminal_text(notification.link),
            "picture": str(notification.picture) if notification.picture else "",
            "key": notification.key,
            "actions": [asdict(action) for action in notification.actions],
            "time": notification.time or now,
            "label": terminal_text(label)[:_MAX_SUBJECT],
            "more": terminal_text(more),
        }
        row = (
            source,
            "new",
            now,
            terminal_text(notification.subject)[:_MAX_SUBJECT],
            terminal_text(notification.message, multiline=True)[:_MAX_MESSAGE],
            notification.severity,
            terminal_text(topic)[:_MAX_SUBJECT],
            json.dumps(details),
        )
        with self.transaction() as db:
            done = db.execute(
                "INSERT OR IGNORE INTO messages"
                " (source, state, added, subject, message, severity, topic, details)"
                " VALUES (?,?,?,?,?,?,?,?)",
                row,
            )
            return done.rowcount == 1

    def plan(self, channels: Collection[str], now: float, repeat_seconds: float) -> int:
        """Have new messages sent by channels, but those that were added shortly before already.

        Args:
            channels: the channels.
            now: the present.
            repeat_seconds: how long the same subject and message are not sent again.

        Returns:
            How many were new.
        """
        with self.transaction() as db:
            new = db.execute("SELECT * FROM messages WHERE state = 'new' ORDER BY number")
            rows = new.fetchall()
            for row in rows:
                repeated = is_repeated(db, row, now, repeat_seconds)
                if repeated is None:
                    continue
                state = "repeated" if repeated else "planned" if channels else "nobody"
                db.execute("UPDATE messages SET state = ? WHERE number = ?", (state, row["number"]))
                if state == "planned":
                    db.executemany(
                        "INSERT OR IGNORE INTO deliveries VALUES (?,?,'waiting',?,'')",
                        [(row["number"], channel, now) for channel in channels],
                    )
            self._close_others(db, channels, now)
        return len(rows)

    @staticmethod
    def _close_others(db: sqlite3.Connection, channels: Collection[str], now: float) -> None:
        waiting = db.execute("SELECT DISTINCT channel FROM deliveries WHERE state = 'waiting'")
        for (channel,) in waiting.fetchall():
            if channel not in channels:
                db.execute(
                    "UPDATE deliveries SET state = 'given up', time = ?, error = ?"
                    " WHERE channel = ? AND state = 'waiting'",
                    (now, "the channel is not set any more", channel),
                )

    def waiting(self, channel: str) -> list[Message]:
        """Return the messages that wait for a channel, the oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT m.* FROM deliveries d JOIN messages m ON m.number = d.message"
                " WHERE d.channel = ? AND d.state = 'waiting' ORDER BY d.message",
                (channel,),
            ).fetchall()
        return [_message(row) for row in rows]

    def mark(
        self, channel: str, numbers: Sequence[int], state: str, now: float, error: str = ""
    ) -> None:
        """Record what became of messages at a channel: ``sent``, ``waiting`` or ``given up``."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE deliveries SET state = ?, time = ?, error = ?"
                " WHERE message = ? AND channel = ?",
                [(state, now, error, number, channel) for number in numbers],
            )

    def sent_times(self, channel: str, since: float) -> list[float]:
        """Return when a channel took something after a moment; several sent as one count once."""
        with self._lock:
            rows = self._db.execute(
                "SELECT DISTINCT time FROM deliveries WHERE channel = ? AND state = 'sent'"
                " AND time > ? ORDER BY time",
                (channel, since),
            ).fetchall()
        return [float(row[0]) for row in rows]

    def records(
        self, limit: int, *, waiting: bool = False, before: int | None = None
    ) -> list[Record]:
        """Return the latest messages and what became of them, the newest first.

        Args:
            limit: how many at most.
            waiting: whether only those are returned that a channel has not taken yet.
            before: only those before the one of this number.
        """
        chosen = (
            "AND (state = 'new' OR number IN"
            " (SELECT message FROM deliveries WHERE state = 'waiting'))"
        )
        with self._lock:
            rows = self._db.execute(
                "SELECT * FROM messages WHERE number < ?"  # noqa: S608 - constants
                f" {chosen if waiting else ''} ORDER BY number DESC LIMIT ?",
                (_PAST_ALL if before is None else before, limit),
            ).fetchall()
            found = []
            for row in rows:
                deliveries = self._db.execute(
                    "SELECT channel, state, time, error FROM deliveries WHERE message = ?"
                    " ORDER BY channel",
                    (row["number"],),
                ).fetchall()
                each = tuple(Delivery(*delivery) for delivery in deliveries)
                found.append(Record(_message(row), row["state"], each))
        return found

    def has_new(self) -> bool:
        """Return whether there are messages that were not planned yet."""
        with self._lock:
            row = self._db.execute("SELECT 1 FROM messages WHERE state = 'new' LIMIT 1").fetchone()
        return row is not None

    def count_waiting(self) -> int:
        """Return how many messages wait for a channel, or to be planned."""
        with self._lock:
            row = self._db.execute(
                "SELECT (SELECT count(*) FROM messages WHERE state = 'new')"
                " + (SELECT count(DISTINCT message) FROM deliveries WHERE state = 'waiting')"
            ).fetchone()
        return int(row[0])

    def remove_old(self, now: float) -> None:
        """Remove records that are old or too many, and give up what has waited behind too many."""
        with self.transaction() as db:
            db.execute(
                "UPDATE deliveries SET state = 'given up', time = ?, error = ?"
                " WHERE state = 'waiting' AND message <= coalesce((SELECT message FROM"
                " (SELECT DISTINCT message FROM deliveries WHERE state = 'waiting')"
                " ORDER BY message DESC LIMIT 1 OFFSET ?), -1)",
                (now, f"more than {MAX_WAITING:,} were waiting", MAX_WAITING),
            )
            last = db.execute("SELECT max(number) FROM messages").fetchone()[0] or 0
            gone = (
                "SELECT number FROM messages WHERE (number <= ? OR added < ?) AND state <> 'new'"
                " AND number NOT IN (SELECT message FROM deliveries WHERE state = 'waiting')"
            )
            values = (last - KEPT_MESSAGES, now - KEPT_SECONDS)
            db.execute(f"DELETE FROM deliveries WHERE message IN ({gone})", values)  # noqa: S608 - a constant
            db.execute(f"DELETE FROM messages WHERE number IN ({gone})", values)  # noqa: S608 - a constant

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write what is added and marked within it at once; it may be within another one."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _message(row: sqlite3.Row) -> Message:
    details = json.loads(row["details"])
    notification = Notification(
        row["subject"],
        row["message"],
        row["severity"],
        details["link"],
        Path(details["picture"]) if details["picture"] else None,
        details["key"],
        tuple(Action(**action) for action in details["actions"]),
        details["time"],
    )
    return Message(
        row["number"],
        row["added"],
        notification,
        row["topic"],
        details["label"],
        details["more"],
    )
