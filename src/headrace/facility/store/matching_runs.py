"""Runs that conditions choose, all at once: how many they are, and their ids, without documents.

Conditions that no index has are decided here, run by run: patterns of tags, labels and causes.
Why a run failed stands in its last event; of runs that have ended it is kept in memory.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from headrace._internal.text_pattern import matches_any
from headrace.facility.store.known_causes import KnownCauses, Texts, is_short
from headrace.facility.store.row_keys import run_keys
from headrace.facility.store.run_plan import UNLISTED
from headrace.facility.store.run_query import MENTIONS_RETRY, RunQuery
from headrace.facility.store.run_record import HELD_AT, Run, read_metadata, readable
from headrace.facility.store.runs import RunTable
from headrace.flowlang.failure_text import cause_texts
from headrace.flowlang.json_values import without_private

# Runs that are read at once; of a list that no pattern thins out, as many as are wanted.
_PART: Final = 5_000
_COLUMNS: Final = "number, id, flow_title, label, start_time, completion_time, status"

_RETRIED: Final = (
    "SELECT CASE WHEN json_valid(metadata) THEN json_extract(metadata, '$.retry_of.run_id') END"
    " FROM runs"
)


@dataclass(frozen=True)
class RunPatterns:
    """Conditions on runs beside those of a list; one pattern of each kind must match.

    Attributes:
        plain_tags: tags.
        tags: patterns of a tag; one of either kind is enough.
        labels: patterns of the label.
        causes: patterns of why a run failed, or of what it waits for.
        is_held: only runs that are held.
        is_unmended: only runs that no run has taken up.
    """

    plain_tags: frozenset[str] = frozenset()
    tags: Sequence[re.Pattern[str]] = ()
    labels: Sequence[re.Pattern[str]] = ()
    causes: Sequence[re.Pattern[str]] = ()
    is_held: bool = False
    is_unmended: bool = False

    @property
    def needs_metadata(self) -> bool:
        """True where what is written beside a run decides."""
        return bool(self.plain_tags or self.tags or self.is_held)

    @property
    def is_empty(self) -> bool:
        """True where every run fulfils them."""
        return self == RunPatterns()


class _Choice:
    """Decides run by run; texts that many runs have are compared once.

    Args:
        patterns: the conditions.
        taken_up: ids of runs that another one takes up.
    """

    def __init__(self, patterns: RunPatterns, taken_up: frozenset[str]) -> None:
        self._patterns = patterns
        self._taken_up = taken_up
        self._is_empty = patterns.is_empty
        self._known: dict[Texts, bool] = {}

    def fulfils(self, row: sqlite3.Row) -> bool:
        """Return whether a run fulfils all conditions but that on its cause."""
        patterns = self._patterns
        if self._is_empty:
            return True
        if row["id"] in self._taken_up:
            return False
        if patterns.labels and not matches_any(patterns.labels, [readable(row["label"]) or ""]):
            return False
        if not patterns.needs_metadata:
            return True
        metadata = read_metadata(row["metadata"])
        if patterns.is_held and (row["completion_time"] or not metadata.get(HELD_AT)):
            return False
        if not (patterns.tags or patterns.plain_tags):
            return True
        tags = [str(tag) for tag in metadata["tags"]]
        return not patterns.plain_tags.isdisjoint(tags) or matches_any(patterns.tags, tags)

    def has(self, texts: Texts | None) -> bool:
        """Return whether a cause is one of those that are looked for."""
        if texts is None:
            return False
        known = self._known.get(texts)
        if known is None:
            known = matches_any(self._patterns.causes, texts)
            if len(self._known) < _PART and is_short(texts):
                self._known[texts] = known
        return known


@dataclass
class MatchingRuns:
    """Runs that conditions choose, the newest first.

    Attributes:
        runs: the first of them.
        ids: ids of all.
        statuses: how many have each status.
        flow_titles: how many are of each flow.
        has_more: whether there are more than were wanted.
    """

    runs: list[Run] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    flow_titles: Counter[str] = field(default_factory=Counter)
    has_more: bool = False


class RunMatcher:
    """Finds the runs that conditions choose.

    Args:
        runs: the runs of the store.
    """

    def __init__(self, runs: RunTable) -> None:
        self._runs = runs
        self._causes = KnownCauses()

    def find(
        self, query: RunQuery, patterns: RunPatterns, most: int, shown: int = 0
    ) -> MatchingRuns:
        """Return the runs that conditions choose.

        Args:
            query: the conditions of a list; its limit counts nothing.
            patterns: those beside.
            most: how many at most.
            shown: how many of them with all that is known.
        """
        found = MatchingRuns()
        choice = _Choice(patterns, self._taken_up() if patterns.is_unmended else frozenset())
        numbers: list[int] = []
        statuses: Counter[Any] = Counter()
        flow_titles: Counter[Any] = Counter()
        for row in self._all(query, min(most + 1, _PART) if patterns.is_empty else _PART, patterns):
            if not choice.fulfils(row) or (patterns.causes and not choice.has(self._cause(row))):
                continue
            if len(found.ids) == most:
                found.has_more = True
                break
            if len(numbers) < shown:
                numbers.append(row["number"])
            found.ids.append(readable(row["id"]))
            statuses[row["status"]] += 1
            flow_titles[row["flow_title"]] += 1
        # A damaged page may have turned a text into bytes: they spoil no count of the others.
        for counts, known in ((statuses, found.statuses), (flow_titles, found.flow_titles)):
            for text, count in counts.items():
                known[readable(text)] += count
        db = self._runs.reader()
        shown_runs = (self._runs.find_by_number(db, number) for number in numbers)
        found.runs = [run for run in shown_runs if run is not None]
        return found

    def _all(self, query: RunQuery, size: int, patterns: RunPatterns) -> Iterator[sqlite3.Row]:
        columns = f"{_COLUMNS}, metadata" if patterns.needs_metadata else _COLUMNS
        part = replace(query, order=(("start_time", True),), after=(), limit=size)
        while True:
            rows = self._runs.query_rows(part, columns)
            yield from rows[:size]
            if len(rows) <= size:
                return
            start, number = rows[size - 1]["start_time"], rows[size - 1]["number"]
            part = replace(part, after=(start, start, number))

    def _cause(self, row: sqlite3.Row) -> Texts | None:
        run_id, status = row["id"], readable(row["status"])
        if status not in ("FAILED", "INACTIVE"):
            return None
        known = self._causes.get(run_id)
        if known is not None:
            return known
        texts = cause_texts(status, self._details(row["number"]))
        if texts is not None and row["completion_time"] is not None:
            self._causes.keep(run_id, texts)
        return texts

    def _details(self, number: int) -> dict[str, Any]:
        """Return the details of a run's document, or what says the same of its failure."""
        row = (
            self._runs.reader()
            .execute(
                "SELECT kind, data FROM events WHERE number BETWEEN ? AND ?"
                " ORDER BY number DESC LIMIT 1",
                run_keys(number),
            )
            .fetchone()
        )
        if row is not None and row["kind"] == "failed":
            try:
                error = json.loads(row["data"])["error"]
            except (ValueError, TypeError, KeyError, RecursionError):
                error = None
            if isinstance(error, dict) and "exception" in error:
                return {"details": without_private(error)}
        run = self._runs.find_by_number(self._runs.reader(), number)
        return {} if run is None else self._runs.details(run)

    def _taken_up(self) -> frozenset[str]:
        """Return the ids of the runs that another one takes up."""
        parts = (
            f"{_RETRIED} INDEXED BY runs_retries WHERE listed = 1 AND {MENTIONS_RETRY}",
            f"{_RETRIED} WHERE {UNLISTED} AND {MENTIONS_RETRY}",
        )
        db: sqlite3.Connection = self._runs.reader()
        return frozenset(str(row[0]) for part in parts for row in db.execute(part))
