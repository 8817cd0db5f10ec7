"""The runs of arrivals in the ledger: which are open, how each ended, and what follows from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from headrace._internal.backoff import backoff_seconds
from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers.arrival_table import read_record
from headrace.triggers.ledger_schema import NOT_FOLLOWED
from headrace.triggers.record import Record, record_from_row

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]
Consequence = Literal["", "retry", "hold", "afterwards"]
# Seconds before a retry at most.
LONGEST_BACKOFF = 3600.0


@dataclass(frozen=True)
class OutcomeRules:
    """Rules of what follows from the end of a run.

    Attributes:
        runs: runs of one arrival at most; 1: none is retried.
        backoff: seconds before the first retry, doubled before each further one.
        maximum_backoff: seconds before a retry at most.
        hold: whether the trigger starts nothing more where none of them succeeded.
        afterwards: whether something is to be done with an arrival whose run succeeded.
        retry_code_errors: whether a run that failed by an error of the code is retried, too.
    """

    runs: int = 1
    backoff: float = 60.0
    maximum_backoff: float = LONGEST_BACKOFF
    hold: bool = False
    afterwards: bool = False
    retry_code_errors: bool = False


@dataclass(frozen=True)
class RecordedOutcome:
    """An outcome as it was written down.

    Attributes:
        record: the arrival, as it is now.
        consequence: what follows.
        runs: runs that the arrival has had.
        retry_in: seconds until another run takes it up.
    """

    record: Record
    consequence: Consequence
    runs: int
    retry_in: float = 0.0


class ArrivalRuns:
    """Runs of the arrivals of a ledger; each method is one durable transaction.

    Attributes:
        requests: number of runs that were asked for by the outcomes of others.

    Args:
        transaction: begins a transaction of the ledger.
        now: returns the time in UTC.
    """

    def __init__(self, transaction: Transaction, now: Callable[[], datetime]) -> None:
        self.requests = 0
        self._transaction = transaction
        self._now = now

    def open_runs(self, trigger: str) -> list[str]:
        """Read the ids of a trigger's runs that are not known to have ended, oldest first."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT run_id FROM runs WHERE trigger = ? AND status = '' ORDER BY started_at",
                (trigger,),
            )
            return [row[0] for row in rows]

    def count_open(self, trigger: str, collection: str, besides: int) -> int:
        """Count the runs of a trigger that may be open.

        An attempt whose outcome nobody knows may have started one.

        Args:
            trigger: name of the trigger.
            collection: the one that it watches; an attempt in another one, which it has watched
                before, is not found out about any more.
            besides: number of the record whose run is not counted.
        """
        with self._transaction() as database:
            (started,) = database.execute(
                "SELECT count(*) FROM runs WHERE trigger = ? AND status = '' AND arrival <> ?",
                (trigger, besides),
            ).fetchone()
            return int(started) + _count_attempted(database, (trigger, collection), besides)

    def started_since(
        self, trigger: str, collection: str, since: datetime, besides: int
    ) -> list[datetime]:
        """Read when runs of a trigger were started, or may have been, oldest first.

        What lies further ahead than `since` lies back was written when the clock was wrong.

        Args:
            trigger: name of the trigger.
            collection: as of `count_open`.
            since: a time in UTC, before which they do not count.
            besides: number of a record whose unfinished attempt is not counted.
        """
        now = self._now()
        until = now + (now - since)
        with self._transaction() as database:
            rows = database.execute(
                "SELECT started_at FROM runs WHERE trigger = ? AND started_at >= ? "
                "AND started_at <= ? ORDER BY started_at",
                (trigger, since.isoformat(), until.isoformat()),
            ).fetchall()
            times = [datetime.fromisoformat(row[0]) for row in rows]
            attempted = _count_attempted(database, (trigger, collection), besides, since)
            return times + [now] * attempted

    def pause_reason(self, trigger: str) -> str | None:
        """Return why a trigger starts no runs for now; "" where a person paused it, None if not."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT reason FROM pauses WHERE trigger = ?", (trigger,)
            ).fetchone()
            return None if row is None else str(row[0])

    def mark_waiting(self, ids: Iterable[int], reason: str) -> None:
        """Write down why the runs of complete arrivals are not started.

        Args:
            ids: numbers of their records.
            reason: in one line; "" where nothing holds them any more.
        """
        with self._transaction() as database:
            database.executemany(
                "UPDATE arrivals SET waits_for = ? WHERE id = ? AND state IN ('seen', 'failed')",
                [(reason, id_) for id_ in ids],
            )

    def record_outcome(
        self, run_id: str, outcome: RunOutcome, rules: OutcomeRules
    ) -> RecordedOutcome | None:
        """Write down how a run ended, with all that follows from it.

        Nothing follows where nothing depended on its end when it was started: a trigger that is
        told to take up what fails takes up what it starts from then on.

        Args:
            run_id: the run.
            outcome: how it ended.
            rules: what follows.

        Returns:
            what was written; None where its end was written down before.
        """
        with self._transaction() as database:
            row = database.execute(
                "SELECT arrival, cause FROM runs WHERE run_id = ? AND status = ''", (run_id,)
            ).fetchone()
            if row is None:
                return None
            now = self._now()
            database.execute(
                "UPDATE runs SET status = ?, cause = ?, ended_at = ? WHERE run_id = ?",
                (outcome.status, outcome.cause, now.isoformat(), run_id),
            )
            record = read_record(database, row[0])
            (runs,) = database.execute(
                "SELECT count(*) FROM runs WHERE arrival = ?", (record.id,)
            ).fetchone()
            consequence: Consequence = ""
            retry_in = 0.0
            followed = row[1] != NOT_FOLLOWED
            if followed and record.state == "started" and record.run_id == run_id:
                consequence = _consequence(outcome, rules, runs)
            if consequence == "retry":
                retry_in = self._request_retry(database, record, outcome, rules, runs, now)
            elif consequence == "hold":
                database.execute(
                    "INSERT OR IGNORE INTO pauses (trigger, paused_at, reason) VALUES (?, ?, ?)",
                    (record.trigger, now.isoformat(), f"run {run_id} failed: {outcome.cause}"),
                )
            elif consequence == "afterwards":
                database.execute(
                    "UPDATE arrivals SET afterwards = 'due' WHERE id = ?", (record.id,)
                )
            return RecordedOutcome(read_record(database, record.id), consequence, runs, retry_in)

    def _request_retry(
        self,
        database: sqlite3.Connection,
        record: Record,
        outcome: RunOutcome,
        rules: OutcomeRules,
        runs: int,
        now: datetime,
    ) -> float:
        seconds = backoff_seconds(runs - 1, rules.backoff, rules.maximum_backoff)
        database.execute(
            "UPDATE arrivals SET state = 'failed', attempts = 0, first_attempt_at = NULL, "
            "retry_of = ?, not_before = ?, reason = ?, changed_at = ? WHERE id = ?",
            (
                record.run_id,
                (now + timedelta(seconds=seconds)).isoformat(),
                f"run {record.run_id} failed: {outcome.cause}; run {runs + 1} of {rules.runs} "
                "takes it up",
                now.isoformat(),
                record.id,
            ),
        )
        self.requests += 1
        return seconds

    # -- what is done with an arrival after its run

    def due_afterwards(self, trigger: str) -> list[Record]:
        """Read the arrivals of a trigger with which something is to be done, oldest first."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT * FROM arrivals WHERE trigger = ? AND afterwards = 'due' ORDER BY id",
                (trigger,),
            )
            return [record_from_row(row) for row in rows]

    def set_content(self, id_: int, content: str) -> None:
        """Write down the state of an arrival's content when its run is started."""
        with self._transaction() as database:
            database.execute("UPDATE arrivals SET content = ? WHERE id = ?", (content, id_))

    def set_moved_to(self, id_: int, path: str, *, arrives: bool) -> None:
        """Write down where an arrival is about to be moved; only then may it be.

        Args:
            id_: number of its record.
            path: its path in the collection from then on.
            arrives: whether it is an arrival for those that watch it there.
        """
        details = json.dumps({"arrives": True}) if arrives else ""
        with self._transaction() as database:
            database.execute(
                "UPDATE arrivals SET moved_to = ?, details = ? WHERE id = ?", (path, details, id_)
            )

    def finish_afterwards(self, id_: int, problem: str = "") -> None:
        """Write down that nothing more is to be done with an arrival.

        Args:
            id_: number of its record.
            problem: why it could not be done.
        """
        with self._transaction() as database:
            database.execute(
                "UPDATE arrivals SET afterwards = ?, afterwards_reason = ? WHERE id = ?",
                ("failed" if problem else "done", problem, id_),
            )


def _consequence(outcome: RunOutcome, rules: OutcomeRules, runs: int) -> Consequence:
    if outcome.status == "SUCCEEDED":
        return "afterwards" if rules.afterwards else ""
    if outcome.status != "FAILED":
        return ""  # a person ended or deleted it
    if runs < rules.runs and (rules.retry_code_errors or not outcome.is_code_error):
        return "retry"
    return "hold" if rules.hold else ""


def _count_attempted(
    database: sqlite3.Connection,
    watched: tuple[str, str],
    besides: int,
    since: datetime | None = None,
) -> int:
    """Count the arrivals that may have a run which nobody knows of."""
    (attempted,) = database.execute(
        "SELECT count(*) FROM arrivals WHERE trigger = ? AND collection = ? "
        "AND state IN ('seen', 'starting', 'failed') AND state <> 'seen' AND attempts > 0 "
        "AND id <> ? AND changed_at >= ?",
        (*watched, besides, since.isoformat() if since else ""),
    ).fetchone()
    return int(attempted)


def insert_run(
    database: sqlite3.Connection, record: Record, run_id: str, now: str, *, followed: bool
) -> None:
    """Write down that an arrival has a run, in the given transaction."""
    database.execute(
        "INSERT OR IGNORE INTO runs (run_id, arrival, trigger, started_at, cause) "
        "VALUES (?, ?, ?, ?, ?)",
        (run_id, record.id, record.trigger, now, "" if followed else NOT_FOLLOWED),
    )


def read_run_outcomes(database: sqlite3.Connection) -> dict[str, RunOutcome]:
    """Read how runs ended, by their ids."""
    tables = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'")
    if tables.fetchone() is None:
        return {}  # an earlier version's, which no watcher has opened since
    rows = database.execute("SELECT run_id, status, cause FROM runs WHERE status <> ''")
    return {row[0]: RunOutcome(row[1], row[2]) for row in rows}
