"""Following of the runs of campaigns to their ends, by few requests to the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from headrace._internal.backoff import backoff_seconds
from headrace.campaigns.driver.driven_campaign import DrivenCampaign
from headrace.campaigns.driver.events import CampaignFault, EventListener
from headrace.campaigns.driver.ledger_worker import LedgerWorker
from headrace.campaigns.driver.run_ends import EndsWritten, earlier_runs, write_end
from headrace.campaigns.driver.run_service import EndedRun, RunService
from headrace.campaigns.errors import CampaignLedgerUnusable
from headrace.campaigns.ledger import CampaignLedger, LedgerTables, Start
from headrace.campaigns.ledger.start import START_COLUMNS, start_from_row

# One that ended may be visible so much later than another that ended after it.
_OVERLAP: Final = timedelta(seconds=2)
# The service's clock may be behind this one by so much.
_CLOCK_ERROR: Final = timedelta(minutes=10)
# All open runs are compared with the service's so often (s), and so many of them are asked for.
COMPARE_INTERVAL: Final = 60.0
_COMPARED: Final = 200
_COMPARED_SECONDS: Final = 0.05
# Runs that are young may not be in the service's list yet.
_YOUNG: Final = timedelta(seconds=30)

Driven = Mapping[int, DrivenCampaign]


class RunFollower(LedgerWorker):
    """Reads which runs have ended, and writes down what follows.

    Ended runs are read in the order in which they ended, from somewhat before the last one that was
    seen; now and then those that are open in the ledger are compared with those that are open at
    the service, so that one that was deleted, or that was missed by whatever reason, is found out.

    Args:
        ledger: as of its base, like the next three.
        service: has the runs.
        on_event: called with what was done, after it is in the ledger.
        now: the time, in UTC.
        shortest: seconds between two questions while runs end.
        longest: seconds between two questions while none does.
        clock_error: how far the service's clock may be behind.
    """

    def __init__(
        self,
        ledger: CampaignLedger,
        service: RunService,
        on_event: EventListener,
        now: Callable[[], datetime],
        *,
        shortest: float,
        longest: float,
        clock_error: timedelta = _CLOCK_ERROR,
    ) -> None:
        super().__init__(ledger, service, on_event, now)
        self._shortest = shortest
        self._longest = longest
        self._clock_error = clock_error
        self._since: datetime | None = None
        self._quiet = 0
        self._compare_at = self._asked_at = datetime.min.replace(tzinfo=UTC)

    @property
    def interval(self) -> float:
        """Seconds until the next question: the longer, the longer nothing has ended."""
        return backoff_seconds(self._quiet, self._shortest, self._longest)

    def wake(self) -> None:
        """Ask soon: runs have been started."""
        self._quiet = 0

    def rewind(self, moment: datetime) -> None:
        """Read again what has ended since a time: runs have been found that were started then."""
        moment = moment - self._clock_error
        self._since = moment if self._since is None else min(self._since, moment)
        self.wake()

    def poll(self, driven: Driven) -> int:
        """Ask which runs have ended, and write down what follows.

        Args:
            driven: the campaigns, by their numbers.

        Returns:
            how many had ended.

        Raises:
            CampaignLedgerUnusable: nothing may be done any more.
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer; nothing is known then.
        """
        with self._ledger.transaction() as tables:
            flows = tuple(
                dict.fromkeys(flow for each in driven.values() for flow in each.flows(tables))
            )
            oldest = _oldest_open(tables) if self._since is None else None
            are_open = has_open_starts(tables)
        if not are_open or not flows:
            self._quiet += 1
            return 0
        now = self._now()
        if now < self._asked_at:
            # The clock was set back: what ends now ends before what has ended.
            self.rewind(now)
            self._compare_at = now
        self._asked_at = now
        if self._since is None:
            self._since = (oldest or now) - self._clock_error
        count = 0
        until = self._since
        for page in self._service.ended(flows, self._since, self._ours):
            count += self._write(page.runs, driven)
            if page.until is not None:
                until = max(until, page.until)
                self._since = max(self._since, page.until - _OVERLAP)
        if not count:
            # What was to become visible late is so now: the same ones are not read for ever.
            self._since = until
        if now >= self._compare_at:
            known, found = self._compare(flows, driven)
            count += found
            # The more are open, the longer it takes to list them all.
            wait = max(COMPARE_INTERVAL, known * _COMPARED_SECONDS)
            self._compare_at = now + timedelta(seconds=wait)
        self._quiet = 0 if count else self._quiet + 1
        return count

    def mark_questions(self, driven: Driven) -> None:
        """Write down which runs wait for a person, and which do so no longer.

        Raises:
            CampaignError: the ledger cannot be written now.
            Exception: the service did not answer.
        """
        with self._ledger.transaction() as tables:
            flows = tuple(
                dict.fromkeys(flow for each in driven.values() for flow in each.flows(tables))
            )
            if not has_open_starts(tables):
                return
        waiting = self._service.waiting(flows)
        with self._ledger.transaction() as tables:
            rows = tables.database.execute(
                "SELECT DISTINCT start, run_id FROM members WHERE state = 'asking' "
                "UNION SELECT id, run_id FROM starts WHERE state = 'open' "
                "AND run_id IN (SELECT value FROM json_each(?))",
                (json.dumps([*waiting]),),
            ).fetchall()
            for start, run_id in rows:
                tables.starts.mark_asking(start, waiting.get(run_id, ""))

    def _compare(self, flows: Sequence[str], driven: Driven) -> tuple[int, int]:
        """Ask for the runs that are open here, and not at the service; count both."""
        before = self._now() - _YOUNG
        with self._ledger.transaction() as tables:
            rows = tables.database.execute(
                "SELECT run_id FROM starts WHERE state = 'open' AND started_at < ?",
                (before.isoformat(),),
            )
            known = {str(row[0]) for row in rows}
        if not known:
            return 0, 0
        missing = sorted(known - self._service.open_runs(flows))[:_COMPARED]
        found = self._write(self._service.read(missing), driven) if missing else 0
        return len(known), found

    def _ours(self, run_ids: Sequence[str]) -> Collection[str]:
        with self._ledger.transaction() as tables:
            rows = tables.database.execute(
                "SELECT run_id FROM starts WHERE state = 'open' AND run_id <> '' "
                "AND run_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(run_ids)),),
            )
            return {str(row[0]) for row in rows}

    def _write(self, runs: Sequence[EndedRun], driven: Driven) -> int:
        """Write down the ends of runs in one transaction, and tell of them."""
        if not runs:
            return 0
        outputs = self._earlier_outputs(runs, driven)
        try:
            return self._write_together(runs, driven, outputs)
        except CampaignLedgerUnusable:
            raise
        except Exception:
            if len(runs) == 1:
                raise
        # One of them is at fault: the others do not wait for it.
        count = 0
        for run in runs:
            try:
                count += self._write_together([run], driven, outputs)
            except CampaignLedgerUnusable:
                raise
            except Exception as error:  # noqa: BLE001 - it is told, and looked at again later
                words = " ".join(str(error).split()) or type(error).__name__
                problem = f"the end of run {run.run_id} cannot be taken: {words}"
                self._on_event(CampaignFault("", problem))
        return count

    def _write_together(
        self, runs: Sequence[EndedRun], driven: Driven, outputs: Mapping[str, Any]
    ) -> int:
        written = EndsWritten()
        count = 0
        with ExitStack() as stack:
            for each in driven.values():
                stack.enter_context(each.undone_on_error())
            tables = stack.enter_context(self._ledger.transaction())
            starts = _starts_of(tables, [run.run_id for run in runs])
            for run in runs:
                start = starts.get(run.run_id)
                campaign = driven.get(start.campaign) if start else None
                if start is None or campaign is None or start.state != "open":
                    continue
                write_end(tables, campaign, start, run, self._now(), outputs.get, written)
                count += 1
        self._notify(written.events)
        return count

    def _earlier_outputs(self, runs: Sequence[EndedRun], driven: Driven) -> dict[str, Any]:
        """Return outputs of earlier runs that conditions of steps ask for."""
        if not any(each.earlier_steps for each in driven.values()):
            return {}
        wanted: set[str] = set()
        with self._ledger.transaction() as tables:
            for start in _starts_of(tables, [run.run_id for run in runs]).values():
                if (campaign := driven.get(start.campaign)) is not None:
                    wanted |= earlier_runs(tables, campaign, [start])
        return {each.run_id: each.output for each in self._service.read(sorted(wanted))}


def has_open_starts(tables: LedgerTables) -> bool:
    """Return whether runs are under way, or may be.

    Args:
        tables: the ledger, in a transaction.
    """
    row = tables.database.execute(
        "SELECT 1 FROM starts INDEXED BY open_starts WHERE state IN ('intent', 'open') LIMIT 1"
    ).fetchone()
    return row is not None


def _oldest_open(tables: LedgerTables) -> datetime | None:
    """Return when the oldest start under way was written down; None where there is none."""
    (moment,) = tables.database.execute(
        "SELECT created_at FROM starts WHERE id = (SELECT min(id) FROM starts "
        "INDEXED BY open_starts WHERE state IN ('intent', 'open'))"
    ).fetchone() or (None,)
    return datetime.fromisoformat(moment) if moment else None


def _starts_of(tables: LedgerTables, run_ids: Sequence[str]) -> dict[str, Start]:
    rows = tables.database.execute(
        f"SELECT {START_COLUMNS} FROM starts "  # noqa: S608 - our own text
        "WHERE run_id <> '' AND run_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(run_ids)),),
    )
    return {start.run_id: start for start in map(start_from_row, rows)}
