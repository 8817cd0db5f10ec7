"""Store of the pages: sessions, codes of one use, and the record of all that was done."""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from headrace.web.errors import WebError
from headrace.web.security.session import Role, Session, hashed

CODE_SECONDS: Final = 60
SESSION_DAYS: Final = 7
_RECORD_DAYS: Final = 400

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, role TEXT NOT NULL, label TEXT NOT NULL, expires_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY, secret TEXT NOT NULL UNIQUE, role TEXT NOT NULL, label TEXT NOT NULL,
    created_at TEXT NOT NULL, expires_at TEXT NOT NULL, address TEXT NOT NULL,
    ended_at TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS actions (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, session INTEGER NOT NULL, label TEXT NOT NULL,
    address TEXT NOT NULL, page TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    once TEXT NOT NULL UNIQUE, process TEXT NOT NULL, state TEXT NOT NULL, message TEXT NOT NULL,
    location TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS dismissed_notices (
    notice TEXT PRIMARY KEY, at TEXT NOT NULL, label TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS actions_by_time ON actions (at);
CREATE INDEX IF NOT EXISTS actions_by_page ON actions (page, id);
"""


@dataclass(frozen=True)
class RecordedAction:
    """An action in the record.

    Attributes:
        id: its number.
        at: when it was begun, UTC.
        session: number of the session.
        label: whose session it is.
        address: where the request came from.
        page: address of the page.
        action: name of the action.
        subject: what it was done to.
        state: ``begun``, ``done``, ``failed``, or ``unknown`` where its process was killed before
            it could say, or a service did not answer.
        message: what it came to.
        location: address of the page that is shown then.
    """

    id: int
    at: str
    session: int
    label: str
    address: str
    page: str
    action: str
    subject: str
    state: str
    message: str
    location: str


_ACTION_COLUMNS: Final = (
    "id, at, session, label, address, page, action, subject, state, message, location"
)
_KILLED: Final = "the server ended before it knew whether this was done: see what is shown now"


class WebStore:
    """The store, for all threads of a process; several processes may use it.

    Args:
        path: its file, which is made where it is not there, for its owner alone.
        now: the time, in UTC.

    Raises:
        WebError: it cannot be used.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now
        self._lock = threading.Lock()
        self._process = secrets.token_hex(8)
        with self._explained():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
            self._database = sqlite3.connect(
                path, isolation_level=None, timeout=10.0, check_same_thread=False
            )
            self._database.row_factory = sqlite3.Row
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the store."""
        self._database.close()

    # -- codes and sessions

    def make_code(self, role: Role, label: str) -> str:
        """Return a code that opens one session within a minute.

        Args:
            role: what the session may do.
            label: whose it is.
        """
        code = secrets.token_urlsafe(24)
        expires = self._now() + timedelta(seconds=CODE_SECONDS)
        with self._transaction() as database:
            database.execute("DELETE FROM codes WHERE expires_at < ?", (self._now().isoformat(),))
            database.execute(
                "INSERT INTO codes VALUES (?, ?, ?, ?)",
                (hashed(code), role, label, expires.isoformat()),
            )
        return code

    def open_session(self, code: str, address: str) -> Session | None:
        """Return a new session for a code; None where the code is none, was used, or is too old.

        Args:
            code: the code.
            address: where the request came from.
        """
        now = self._now()
        secret = secrets.token_urlsafe(32)
        with self._transaction() as database:
            row = database.execute(
                "DELETE FROM codes WHERE code = ? RETURNING role, label, expires_at",
                (hashed(code),),
            ).fetchone()
            if row is None or datetime.fromisoformat(row["expires_at"]) < now:
                return None
            expires = now + timedelta(days=SESSION_DAYS)
            (id_,) = database.execute(
                "INSERT INTO sessions (secret, role, label, created_at, expires_at, address) "
                "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                (
                    *(hashed(secret), row["role"], row["label"]),
                    *(now.isoformat(), expires.isoformat(), address),
                ),
            ).fetchone()
        return Session(id_, row["role"], row["label"], secret)

    def find_session(self, secret: str) -> Session | None:
        """Return the session of a cookie; None where there is none, or it has ended.

        Args:
            secret: what the cookie carries.
        """
        with self._transaction(write=False) as database:
            row = database.execute(
                "SELECT id, role, label FROM sessions "
                "WHERE secret = ? AND ended_at IS NULL AND expires_at > ?",
                (hashed(secret), self._now().isoformat()),
            ).fetchone()
        return None if row is None else Session(row["id"], row["role"], row["label"], secret)

    def sessions(self) -> list[dict[str, Any]]:
        """Return the sessions that are open, without their secrets."""
        with self._transaction(write=False) as database:
            rows = database.execute(
                "SELECT id, role, label, created_at, expires_at, address FROM sessions "
                "WHERE ended_at IS NULL AND expires_at > ? ORDER BY id",
                (self._now().isoformat(),),
            ).fetchall()
        return [dict(row) for row in rows]

    def end_session(self, id_: int) -> bool:
        """End a session; return whether it was open.

        Args:
            id_: its number.
        """
        with self._transaction() as database:
            return bool(
                database.execute(
                    "UPDATE sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
                    (self._now().isoformat(), id_),
                ).rowcount
            )

    # -- actions

    def begin_action(
        self,
        session: Session,
        address: str,
        page: str,
        action: str,
        once: str,
        *,
        repeats: bool = False,
    ) -> RecordedAction | None:
        """Write down that an action begins.

        One that has failed may begin again.

        Args:
            session: who does it.
            address: where the request came from.
            page: address of the page.
            action: name of the action.
            once: names it, however often its form is sent.
            repeats: whether one begins again of which nobody knows what it came to.

        Returns:
            the record of the one of this name that was begun or done before; None where it begins.
        """
        with self._transaction() as database:
            row = database.execute(
                f"SELECT {_ACTION_COLUMNS}, process FROM actions WHERE once = ?",  # noqa: S608
                (once,),
            ).fetchone()
            if row is not None:
                earlier = self._recorded(row)
                may_begin = earlier.state == "failed" or (repeats and earlier.state == "unknown")
                if not may_begin:
                    return earlier
            values = (
                *(self._now().isoformat(), session.id, session.label, address, page, action),
                *(once, self._process),
            )
            database.execute(
                "INSERT INTO actions (at, session, label, address, page, action, once, process, "
                "subject, state, message, location) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 'begun', "
                "'', '') ON CONFLICT (once) DO UPDATE SET at = excluded.at, session = "
                "excluded.session, label = excluded.label, address = excluded.address, "
                "process = excluded.process, state = 'begun', message = '', location = ''",
                values,
            )
            oldest = (self._now() - timedelta(days=_RECORD_DAYS)).isoformat()
            database.execute("DELETE FROM actions WHERE at < ?", (oldest,))
        return None

    def end_action(
        self, once: str, state: str, message: str, location: str = "", subject: str = ""
    ) -> None:
        """Write down what an action came to.

        Args:
            once: names it.
            state: ``begun``, ``done``, ``failed`` or ``unknown``.
            message: what it came to, in one line.
            location: address of the page that is shown then.
            subject: what it was done to.
        """
        with self._transaction() as database:
            database.execute(
                "UPDATE actions SET state = ?, message = ?, location = ?, subject = ? "
                "WHERE once = ?",
                (state, message, location, subject, once),
            )

    def find_action(self, once: str) -> RecordedAction | None:
        """Return an action by the name of its form; None where there is none."""
        with self._transaction(write=False) as database:
            row = database.execute(
                f"SELECT {_ACTION_COLUMNS}, process FROM actions WHERE once = ?",  # noqa: S608
                (once,),
            ).fetchone()
        return None if row is None else self._recorded(row)

    def actions_of(self, page: str, limit: int = 5) -> list[RecordedAction]:
        """Return the last actions of a page, the newest first.

        Args:
            page: address of the page.
            limit: how many at most.
        """
        with self._transaction(write=False) as database:
            rows = database.execute(
                f"SELECT {_ACTION_COLUMNS}, process FROM actions WHERE page = ? "  # noqa: S608
                "ORDER BY id DESC LIMIT ?",
                (page, limit),
            ).fetchall()
        return [self._recorded(row) for row in rows]

    def recorded_actions(self, before: int | None = None, limit: int = 50) -> list[RecordedAction]:
        """Return the record of actions, the newest first.

        Args:
            before: only those before the one of this number.
            limit: how many at most.
        """
        with self._transaction(write=False) as database:
            rows = database.execute(
                f"SELECT {_ACTION_COLUMNS}, process FROM actions "  # noqa: S608
                "WHERE ? IS NULL OR id < ? "
                "ORDER BY id DESC LIMIT ?",
                (before, before, limit),
            ).fetchall()
        return [self._recorded(row) for row in rows]

    # -- notices

    def dismiss_notice(self, notice: str, label: str) -> None:
        """Put a notice away.

        Args:
            notice: names it.
            label: who does it.
        """
        with self._transaction() as database:
            oldest = (self._now() - timedelta(days=_RECORD_DAYS)).isoformat()
            database.execute("DELETE FROM dismissed_notices WHERE at < ?", (oldest,))
            database.execute(
                "INSERT OR REPLACE INTO dismissed_notices VALUES (?, ?, ?)",
                (notice, self._now().isoformat(), label),
            )

    def dismissed_notices(self) -> frozenset[str]:
        """Return the names of the notices that were put away."""
        with self._transaction(write=False) as database:
            rows = database.execute("SELECT notice FROM dismissed_notices").fetchall()
        return frozenset(row["notice"] for row in rows)

    def keep_dismissed(self, notices: Collection[str]) -> None:
        """Forget that other notices were put away: what comes again is news.

        Args:
            notices: names of those that are there.
        """
        gone = self.dismissed_notices() - set(notices)
        if gone:
            with self._transaction() as database:
                database.executemany(
                    "DELETE FROM dismissed_notices WHERE notice = ?", [(each,) for each in gone]
                )

    def restore_notices(self) -> int:
        """Have all notices shown again that were put away; return how many were."""
        with self._transaction() as database:
            return database.execute("DELETE FROM dismissed_notices").rowcount

    def _recorded(self, row: sqlite3.Row) -> RecordedAction:
        found = RecordedAction(*(row[name] for name in _ACTION_COLUMNS.split(", ")))
        if found.state == "begun" and row["process"] != self._process:
            return replace(found, state="unknown", message=_KILLED)
        return found

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise WebError(
                f"{self._path}: cannot be used: {error}; check its disk and permissions; without "
                "it, all must log in anew"
            ) from error
