"""Record of the commands that a phone gave: each is written down before it is carried out."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from headrace._internal.files import PRIVATE, private_directory
from headrace.notifications.phone.errors import PhoneError
from headrace.notifications.phone.signed_commands import Command, SignedCommand

State = Literal["started", "done", "failed", "unsure", "refused"]

# A command that was set aside is refused by its expiry alone for ever after; the clock may go back.
_KEPT_SECONDS: Final = 60 * 86_400
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS commands (
    nonce TEXT PRIMARY KEY, message_id TEXT NOT NULL, command TEXT NOT NULL,
    issued INTEGER NOT NULL, expires INTEGER NOT NULL, state TEXT NOT NULL,
    outcome TEXT NOT NULL, notified INTEGER NOT NULL,
    started_at REAL NOT NULL, repeats INTEGER NOT NULL, sent INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS questions (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS positions (topic TEXT PRIMARY KEY, message_id TEXT NOT NULL);
"""
_PLACES: Final = ", ".join("?" * 11)
_COLUMNS: Final = (
    "nonce, message_id, command, issued, expires, state, outcome, started_at, repeats, sent"
)


@dataclass(frozen=True)
class RecordedCommand:
    """A command that was given.

    Attributes:
        signed: the command, with its nonce.
        message_id: the message that gave it.
        state: ``started`` until it is known what has become of it.
        outcome: what was done, or why not, in one line.
        started_at: when it was given, in seconds since the epoch.
        repeats: how often it was given again.
        sent: whether the request that carries it out may have been sent.
    """

    signed: SignedCommand
    message_id: str
    state: State
    outcome: str
    started_at: float
    repeats: int
    sent: bool


class CommandRecord:
    """Commands that a project's phone gave, and the messages that were read; a file of SQLite.

    What is written survives a power cut. One thread at a time may use it.

    Args:
        path: the file; it is made where it is missing, readable by its owner only.

    Raises:
        PhoneError: it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            private_directory(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
            self._database = sqlite3.connect(
                path, isolation_level=None, timeout=30, check_same_thread=False
            )
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise PhoneError(f"{path}: the record of commands cannot be used: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def position(self, topic: str) -> str:
        """Return the id of the last message of a topic that was read; empty where none was."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT message_id FROM positions WHERE topic = ?", (topic,)
            ).fetchone()
        return str(row[0]) if row else ""

    def set_position(self, topic: str, message_id: str) -> None:
        """Store the id of the last message that was read."""
        with self._transaction() as database:
            _set_position(database, topic, message_id)

    def find(self, nonce: str) -> RecordedCommand | None:
        """Return the command of a nonce; None where it was not given yet."""
        with self._transaction() as database:
            row = database.execute(
                f"SELECT {_COLUMNS} FROM commands WHERE nonce = ?",  # noqa: S608 - a constant
                (nonce,),
            ).fetchone()
        return _recorded(row) if row else None

    def begin(
        self,
        signed: SignedCommand,
        message_id: str,
        topic: str,
        now: float,
        *,
        state: State = "started",
        outcome: str = "",
    ) -> bool:
        """Spend a command's nonce, and store that its message was read, in one transaction.

        Args:
            signed: the command.
            message_id: the message that gives it.
            topic: the message's topic.
            now: the present time, in seconds since the epoch.
            state: ``refused`` for one that is not carried out.
            outcome: why it is not.

        Returns:
            Whether the nonce was spent now; it is not where it had been before.
        """
        values = (
            signed.nonce,
            message_id,
            json.dumps(asdict(signed.command)),
            *(signed.issued, signed.expires, state, outcome, 0, now, 0, 0),
        )
        with self._transaction() as database:
            spent = database.execute(
                f"INSERT OR IGNORE INTO commands VALUES ({_PLACES})",  # noqa: S608 - a constant
                values,
            ).rowcount
            _set_position(database, topic, message_id)
            database.execute("DELETE FROM commands WHERE expires < ?", (now - _KEPT_SECONDS,))
        return spent == 1

    def repeat(self, nonce: str, message_id: str, topic: str) -> int:
        """Note that a spent command was given again, and return how often it was."""
        with self._transaction() as database:
            database.execute("UPDATE commands SET repeats = repeats + 1 WHERE nonce = ?", (nonce,))
            _set_position(database, topic, message_id)
            row = database.execute(
                "SELECT repeats FROM commands WHERE nonce = ?", (nonce,)
            ).fetchone()
        return int(row[0])

    def set_sent(self, nonce: str) -> None:
        """Store that the request which carries a command out is sent now."""
        with self._transaction() as database:
            database.execute("UPDATE commands SET sent = 1 WHERE nonce = ?", (nonce,))

    def end(self, nonce: str, state: State, outcome: str) -> None:
        """Store what has become of a command; it is to be told then."""
        with self._transaction() as database:
            database.execute(
                "UPDATE commands SET state = ?, outcome = ?, notified = 0 WHERE nonce = ?",
                (state, outcome, nonce),
            )

    def unfinished(self) -> list[RecordedCommand]:
        """Return the commands of which it is not known what has become, the oldest first."""
        return self._select("state = 'started'")

    def unreported(self) -> list[RecordedCommand]:
        """Return the commands whose outcome was not told yet, the oldest first."""
        return self._select("state != 'started' AND notified = 0")

    def set_notified(self, nonce: str) -> None:
        """Store that a command's outcome was told."""
        with self._transaction() as database:
            database.execute("UPDATE commands SET notified = 1 WHERE nonce = ?", (nonce,))

    def is_question_known(self, web_input_id: str) -> bool:
        """Say whether the phone was told of a web input."""
        with self._transaction() as database:
            found = database.execute("SELECT 1 FROM questions WHERE id = ?", (web_input_id,))
            return found.fetchone() is not None

    def add_question(self, web_input_id: str) -> None:
        """Store that the phone was told of a web input."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO questions VALUES (?)", (web_input_id,))

    def keep_questions(self, open_ids: Iterable[str]) -> None:
        """Forget all web inputs but those that are open."""
        with self._transaction() as database:
            known = {str(row[0]) for row in database.execute("SELECT id FROM questions")}
            closed = known - set(open_ids)
            database.executemany("DELETE FROM questions WHERE id = ?", [(each,) for each in closed])

    def _select(self, condition: str) -> list[RecordedCommand]:
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM commands WHERE {condition} "  # noqa: S608 - constants
                "ORDER BY started_at, nonce"
            ).fetchall()
        return [_recorded(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise PhoneError(
                f"{self._path}: the record of commands cannot be used: {error}"
            ) from error


def _set_position(database: sqlite3.Connection, topic: str, message_id: str) -> None:
    database.execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (topic, message_id))


def _recorded(row: tuple[Any, ...]) -> RecordedCommand:
    nonce, message_id, text, issued, expires, state, outcome, started_at, repeats, sent = row
    found: Mapping[str, str] = json.loads(text)
    return RecordedCommand(
        SignedCommand(Command(**found), issued, expires, nonce),
        *(message_id, state, outcome, started_at, repeats, bool(sent)),
    )
