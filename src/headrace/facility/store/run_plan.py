"""Plans for lists of runs: which index each of them is read from.

A list whose filters and order one index has together is read from it, as far as its page goes.
Of any other, the runs that one filter alone lets through are counted, up to a limit. Where they are
few, they are collected and put in order; where each filter lets many through, the order's index is
walked until the page is full. Runs that are in no index yet are looked at one by one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from headrace.facility.store.run_listing import LAST_LISTED
from headrace.facility.store.run_query import (
    MENTIONS_RETRY,
    ORDER_COLUMNS,
    Condition,
    RunQuery,
    Terms,
    Values,
    after_key,
    like_pattern,
    one_of,
    within,
)

# Each flow with each status is read in order from its own index, as long as there are so few.
_MAX_PARTS: Final = 40
# So many runs are collected and put in order rather than found by a walk along an index.
_FEW: Final = 3_000
_COMPARED: Final = 30_000  # runs of two filters, to find the rarer one
# Characters of the parts that the index of labels is made of.
_PART_OF_LABEL: Final = 3

UNLISTED: Final = f"runs.number > {LAST_LISTED} AND runs.listed = 0"
# The numbers of the runs that have not ended.
OPEN_RUNS: Final = (
    "SELECT number FROM runs INDEXED BY runs_by_completion"  # noqa: S608 - a constant
    " WHERE listed = 1 AND coalesce(completion_time, '') = ''"
    f" UNION ALL SELECT number FROM runs WHERE completion_time IS NULL AND {UNLISTED}"
)
# By the first term of the order: the indexes that begin with equal flows, statuses, both or none.
_FLOW, _STATUS = "flow_ids", "statuses"
_INDEXES: Final[Mapping[str, Mapping[tuple[str, ...], str]]] = {
    "start_time": {
        (): "runs_by_start",
        (_FLOW,): "runs_by_flow",
        (_STATUS,): "runs_by_status",
        (_FLOW, _STATUS): "runs_by_flow_and_status",
    },
    "completion_time": {
        (): "runs_by_completion",
        (_FLOW,): "runs_by_flow_and_completion",
        (_STATUS,): "runs_by_status_and_completion",
    },
    "label": {
        (): "runs_by_label",
        (_FLOW,): "runs_by_flow_and_label",
        (_STATUS,): "runs_by_status_and_label",
    },
    "status": {
        (): "runs_by_status",
        (_FLOW,): "runs_by_flow_and_status",
        (_STATUS,): "runs_by_status",
        (_FLOW, _STATUS): "runs_by_flow_and_status",
    },
    "id": {(): "sqlite_autoindex_runs_1"},
}
_TITLES: Final = """
WITH RECURSIVE titles(title) AS (
    SELECT min(flow_title) FROM runs INDEXED BY runs_by_title WHERE listed = 1
    UNION ALL
    SELECT (SELECT min(flow_title) FROM runs INDEXED BY runs_by_title
            WHERE listed = 1 AND flow_title > titles.title)
    FROM titles WHERE title IS NOT NULL)
SELECT title FROM titles WHERE title LIKE ? ESCAPE '!'
"""
_STATUSES: Final = """
WITH RECURSIVE statuses(status) AS (
    SELECT min(status) FROM runs INDEXED BY runs_by_status WHERE listed = 1
    UNION ALL
    SELECT (SELECT min(status) FROM runs INDEXED BY runs_by_status
            WHERE listed = 1 AND status > statuses.status)
    FROM statuses WHERE status IS NOT NULL)
SELECT status FROM statuses WHERE status IS NOT NULL
"""


@dataclass(frozen=True)
class _Source:
    """Source of a part of a list, as SQL.

    Attributes:
        sql: after FROM.
        values: of its parameters.
        conditions: what the rows must fulfil.
        start: the column of the start in it.
        number: likewise of the run's number.
    """

    sql: str
    values: Sequence[str | int] = ()
    conditions: Sequence[Condition] = ()
    start: str = "runs.start_time"
    number: str = "runs.number"


@dataclass(frozen=True)
class _Candidates:
    """The runs that one filter lets through, as a query of their numbers."""

    sql: str
    values: Sequence[str | int]


class RunPlan:
    """The plan for one page of a list.

    Args:
        db: a connection for reading, in a transaction that the list is read in, too.
        query: the list.
    """

    def __init__(self, db: sqlite3.Connection, query: RunQuery) -> None:
        self._db = db
        self._query = query
        self._titles: list[str] | None = None
        if query.flow_title and not query.is_impossible:
            found = db.execute(_TITLES, (like_pattern(query.flow_title),))
            self._titles = [row[0] for row in found]
        self._terms = query.terms()
        names = ["id" if name == "run_id" else name for name, _ in query.order]
        self._first, self._second = [*names, "start_time", "start_time"][:2]
        if self._first == "status" and not query.statuses:
            # Each status by itself, so that what comes after it in the order has its index, and a
            # page begins there.
            statuses = [row[0] for row in db.execute(_STATUSES)]
            self._listed = replace(query, statuses=statuses or ["none"])
        else:
            self._listed = query

    def to_sql(self, columns: str) -> tuple[str, Values]:
        """Return the query for the page, with one run more where there is more, and its values.

        Args:
            columns: of the table ``runs``.
        """
        order = ", ".join(f"k{n} {_direction(down)}" for n, (_, down) in enumerate(self._terms))
        parts, values = [], Values()
        for source in self.sources():
            text, more = self._part(source)
            parts.append(f"SELECT * FROM ({text})")  # noqa: S608 - made here, of constants
            values += more
        names = ", ".join(f"runs.{name.strip()}" for name in columns.split(","))
        if not parts:
            return f"SELECT {names} FROM runs WHERE FALSE LIMIT ?", [0]  # noqa: S608 - constants
        found = f"{' UNION ALL '.join(parts)} ORDER BY {order} LIMIT ?"
        return (
            f"SELECT {names} FROM ({found}) AS found JOIN runs ON runs.number = found.run"  # noqa: S608 - values are parameters
            f" ORDER BY {order}",
            [*values, self._query.limit + 1],
        )

    def sources(self) -> Iterator[_Source]:
        """Yield what the list is read from."""
        if self._query.is_impossible:
            return
        yield self._unlisted()
        if self._titles == []:
            return
        exact = self._exact_index()
        if exact is not None:
            yield from exact
            return
        few = self._few()
        if few is not None:
            yield few
            return
        yield from self._walk()

    def _part(self, source: _Source) -> tuple[str, Values]:
        places = {"runs.start_time": source.start, "runs.number": source.number}
        terms = [(places.get(column, column), down) for column, down in self._terms]
        deciding = _deciding(self._terms)
        conditions = [*source.conditions]
        if self._query.after:
            key = [self._query.after[n] for n in deciding]
            conditions.append(_after(source, [terms[n] for n in deciding], key))
        where = " AND ".join(sql for sql, _ in conditions) or "TRUE"
        values: Values = [value for _, more in conditions for value in more]
        keys = ", ".join(f"{column} AS k{n}" for n, (column, _) in enumerate(terms))
        order = ", ".join(f"{terms[n][0]} {_direction(terms[n][1])}" for n in deciding)
        text = (
            f"SELECT runs.number AS run, {keys} FROM {source.sql}"  # noqa: S608 - values are parameters
            f" WHERE {where} ORDER BY {order} LIMIT ?"
        )
        return text, [*source.values, *values, self._query.limit + 1]

    def _unlisted(self) -> _Source:
        conditions: list[Condition] = [(UNLISTED, ()), *self._query.conditions()]
        if self._query.tag:
            has_tag = (
                "CASE WHEN json_valid(runs.metadata) THEN EXISTS (SELECT 1 FROM"
                " json_each(runs.metadata, '$.tags') WHERE value = ?) END"
            )
            conditions.append((has_tag, (self._query.tag,)))
        return _Source("runs NOT INDEXED", conditions=conditions)

    def _exact_index(self) -> list[_Source] | None:
        """Return what the list is read from if an index has its filters and its order together."""
        query = self._listed
        if query.label or (any(query.completed) and self._first != "completion_time"):
            return None
        if any(query.started) and self._first != "start_time":
            return None
        equal = tuple(name for name in (_FLOW, _STATUS) if getattr(query, name))
        if query.is_retry:
            only = not (equal or query.tag or query.flow_title or any(query.completed))
            if not only or self._first != "start_time":
                return None
            return [*self._along("runs_retries", ())]
        if query.tag:
            only = not (equal or query.flow_title or any(query.completed))
            return [self._tagged()] if only and self._first == "start_time" else None
        if self._titles is not None:
            if equal or self._first != "start_time" or len(self._titles) > _MAX_PARTS:
                return None
            return [self._titled(title) for title in self._titles]
        first = self._first
        if first == "status" and len(query.order) > 1:
            # The status is the same in each part.
            first = self._second
        index = _INDEXES[first].get(equal)
        if index is None or len(query.flow_ids or " ") * len(query.statuses or " ") > _MAX_PARTS:
            return None
        return [*self._along(index, equal)]

    def _tagged(self) -> _Source:
        query = self._listed
        return _Source(
            "run_tags CROSS JOIN runs ON runs.number = run_tags.run",
            conditions=[
                ("run_tags.tag = ?", (query.tag,)),
                *within("run_tags.start_time", query.started),
                *query.conditions(),
            ],
            start="run_tags.start_time",
            number="run_tags.run",
        )

    def _titled(self, title: str) -> _Source:
        conditions = [*self._listed.conditions(without=["flow_title"])]
        return _Source(
            "runs INDEXED BY runs_by_title",
            conditions=[("runs.listed = 1", ()), ("runs.flow_title = ?", (title,)), *conditions],
        )

    def _along(self, index: str, equal: tuple[str, ...]) -> Iterator[_Source]:
        query = self._listed
        rest = [("runs.listed = 1", ()), *query.conditions(without=equal), *self._has_tag()]
        columns = {_FLOW: "runs.flow_id", _STATUS: "runs.status"}
        values = [dict.fromkeys(getattr(query, name)) for name in equal]
        for chosen in product(*values):
            own: list[Condition] = [
                (f"{columns[name]} = ?", (value,))
                for name, value in zip(equal, chosen, strict=True)
            ]
            yield _Source(f"runs INDEXED BY {index}", conditions=[*own, *rest])

    def _has_tag(self) -> list[Condition]:
        if not self._listed.tag:
            return []
        text = (
            "EXISTS (SELECT 1 FROM run_tags WHERE tag = ?"
            " AND run_tags.start_time = runs.start_time AND run = runs.number)"
        )
        return [(text, (self._listed.tag,))]

    def _few(self) -> _Source | None:
        """Return the runs that one of the filters lets through, if they are few."""
        for candidates in self._candidates():
            if self._count(candidates, _FEW + 1) <= _FEW:
                return _Source(
                    f"({candidates.sql}) AS one CROSS JOIN runs ON runs.number = one.run",
                    candidates.values,
                    [("runs.listed = 1", ()), *self._listed.conditions(), *self._has_tag()],
                )
        return None

    def _count(self, candidates: _Candidates, most: int) -> int:
        count = f"SELECT count(*) FROM ({candidates.sql} LIMIT ?)"  # noqa: S608 - values are parameters
        return int(self._db.execute(count, [*candidates.values, most]).fetchone()[0])

    def _candidates(self) -> Iterator[_Candidates]:
        query = self._query
        started = [*within("start_time", query.started)]
        if query.tag:
            yield self._of_tag()
        if query.is_retry:
            conditions = [_LISTED, (MENTIONS_RETRY, ()), *started]
            yield _numbers("number", "runs INDEXED BY runs_retries", conditions)
        own = self._of_flow_and_status()
        if own is not None:
            yield own
        if self._titles is not None:
            conditions = [_LISTED, one_of("flow_title", self._titles), *started]
            yield _numbers("number", "runs INDEXED BY runs_by_title", conditions)
        if started and own is None:
            yield _numbers("number", "runs INDEXED BY runs_by_start", [_LISTED, *started])
        if any(query.completed):
            column = ORDER_COLUMNS["completion_time"]
            conditions = [_LISTED, *within(column, query.completed), (f"{column} > ''", ())]
            yield _numbers("number", "runs INDEXED BY runs_by_completion", conditions)
        if len(query.label) >= _PART_OF_LABEL:
            parts = {
                query.label[n : n + _PART_OF_LABEL]
                for n in range(len(query.label) - _PART_OF_LABEL + 1)
            }
            words = " AND ".join('"' + part.replace('"', '""') + '"' for part in sorted(parts))
            yield _numbers("rowid", "run_labels", [("run_labels MATCH ?", (words,))])

    def _of_tag(self) -> _Candidates:
        query = self._query
        conditions = [("tag = ?", (query.tag,)), *within("start_time", query.started)]
        return _numbers("run", "run_tags", conditions)

    def _of_flow_and_status(self) -> _Candidates | None:
        """Return the runs of the flows and statuses that are asked for; None where none are."""
        query = self._query
        own = [
            one_of(column, values)
            for column, values in (("flow_id", query.flow_ids), ("status", query.statuses))
            if values
        ]
        if not own:
            return None
        equal = tuple(name for name in (_FLOW, _STATUS) if getattr(query, name))
        source = f"runs INDEXED BY {_INDEXES['start_time'][equal]}"
        return _numbers("number", source, [_LISTED, *own, *within("start_time", query.started)])

    def _tag_is_rarer(self) -> bool:
        """Return whether to walk by the tag; a short page is full soon by either filter."""
        own = self._of_flow_and_status()
        if own is None or self._query.limit <= _FEW:
            return True
        count = self._count(own, _COMPARED)
        return self._count(self._of_tag(), count + 1) <= count

    def _walk(self) -> Iterator[_Source]:
        """Yield the order's index, with the equal values that it begins with."""
        query = self._listed
        if query.tag and self._first == "start_time" and self._tag_is_rarer():
            yield self._tagged()
            return
        equal = [name for name in (_FLOW, _STATUS) if getattr(query, name)]
        for begin in (tuple(equal), (_FLOW,), (_STATUS,), ()):
            count = 1
            for name in begin:
                count *= len(getattr(query, name))
            index = _INDEXES[self._first].get(begin)
            if index is not None and 0 < count <= _MAX_PARTS and set(begin) <= set(equal):
                yield from self._along(index, begin)
                return


_LISTED: Final[Condition] = ("listed = 1", ())


def _numbers(number: str, source: str, conditions: Sequence[Condition]) -> _Candidates:
    where = " AND ".join(sql for sql, _ in conditions)
    values = [value for _, more in conditions for value in more]
    return _Candidates(f"SELECT {number} AS run FROM {source} WHERE {where}", values)  # noqa: S608 - values are parameters


def _deciding(terms: Terms) -> list[int]:
    """Return the places of those terms that decide the order, whatever the others are."""
    places: dict[str, int] = {}
    for n, (column, _) in enumerate(terms):
        places.setdefault(column, n)
        if column == ORDER_COLUMNS["id"]:
            break  # no two runs have one id
    return [*places.values()]


def _after(source: _Source, terms: Terms, key: Sequence[str | int]) -> Condition:
    status = next((values for sql, values in source.conditions if sql == "runs.status = ?"), None)
    if status is None or terms[0][0] != ORDER_COLUMNS["status"]:
        return after_key(terms, key)
    # Of one status alone: an index finds the place by what follows in the order.
    if status[0] == key[0]:
        return after_key(terms[1:], key[1:])
    return ("FALSE" if (str(status[0]) > str(key[0])) == terms[0][1] else "TRUE"), ()


def _direction(down: bool) -> str:
    return "DESC" if down else "ASC"
