"""Queries for lists of runs: filters, order and page, as one SQL query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headrace.facility.store.run_record import Run

Interval = tuple[str, str]
Values = list[str | int]

# What a list can be put in order by, with the column; an index has each of them, with what is
# absent as an empty text, then the start.
ORDER_COLUMNS: Final[Mapping[str, str]] = {
    "id": "runs.id",
    "run_id": "runs.id",
    "start_time": "runs.start_time",
    "completion_time": "coalesce(runs.completion_time, '')",
    "status": "runs.status",
    "label": "coalesce(runs.label, '')",
}
# Runs that are otherwise equal follow each other by these, in the direction of the last term.
_LAST: Final = ("runs.start_time", "runs.number")
_LAST_OF_A_TAG: Final = ("run_tags.start_time", "run_tags.run")
_LONGEST_TEXT: Final = 1_000
# Each flow with each status is read in order from its own index, as long as there are so few.
_MAX_PARTS: Final = 40


@dataclass(frozen=True)
class RunQuery:
    """Filters, order and page of a list of runs.

    Attributes:
        flow_ids: only runs of these flows; of any by default.
        statuses: only runs of these statuses.
        tag: only runs that have this tag.
        label: only runs with this text in their label, in any case.
        flow_title: only runs with this text in the flow's title, likewise.
        started: only runs started from the first time on and before the second; empty is open.
        completed: only runs that ended in this time, likewise.
        is_retry: only runs that take up another.
        order: names of :data:`ORDER_COLUMNS`, each with whether it is descending.
        after: what :meth:`key` gives for the last run of the page before.
        limit: runs at most.
    """

    flow_ids: Sequence[str] = ()
    statuses: Sequence[str] = ()
    tag: str = ""
    label: str = ""
    flow_title: str = ""
    started: Interval = ("", "")
    completed: Interval = ("", "")
    is_retry: bool = False
    order: Sequence[tuple[str, bool]] = ()
    after: Sequence[str | int] = ()
    limit: int = 20

    def sort_key(self, run: Run) -> list[str | int]:
        """Return the place of a run in this list: what it is put in order by."""
        named = ("id" if name == "run_id" else name for name, _ in self.order)
        names = [*named, "start_time", "number"]
        return [value if (value := getattr(run, name)) is not None else "" for name in names]

    def to_sql(self, columns: str) -> tuple[str, Values]:
        """Return the query for a page, with one run more where there is more, and its values.

        Args:
            columns: of the table ``runs``.
        """
        terms = self._terms()
        order = ", ".join(f"k{n} {_direction(down)}" for n, (_, down) in enumerate(terms))
        parts, values = [], Values()
        for flows, statuses in self._parts():
            text, more = self._part(terms, flows, statuses)
            parts.append(f"SELECT * FROM ({text})")  # noqa: S608 - made here, of constants
            values += more
        found = f"{' UNION ALL '.join(parts)} ORDER BY {order} LIMIT ?"
        names = ", ".join(f"runs.{name.strip()}" for name in columns.split(","))
        return (
            f"SELECT {names} FROM ({found}) AS found JOIN runs ON runs.number = found.run"  # noqa: S608 - values are parameters
            f" ORDER BY {order}",
            [*values, self.limit + 1],
        )

    def _terms(self) -> list[tuple[str, bool]]:
        down = self.order[-1][1] if self.order else True
        wanted = [(ORDER_COLUMNS[name], down) for name, down in self.order]
        start, number = _LAST_OF_A_TAG if self.tag else _LAST
        return [*wanted, (start, down), (number, down)]

    def _parts(self) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
        if self.tag or len(self.flow_ids or " ") * len(self.statuses or " ") > _MAX_PARTS:
            yield self.flow_ids, self.statuses
            return
        flows: list[Sequence[str]] = [[flow] for flow in dict.fromkeys(self.flow_ids)]
        statuses: list[Sequence[str]] = [[status] for status in dict.fromkeys(self.statuses)]
        yield from product(flows or [()], statuses or [()])

    def _part(
        self, terms: Sequence[tuple[str, bool]], flows: Sequence[str], statuses: Sequence[str]
    ) -> tuple[str, Values]:
        conditions = [*self._conditions(flows, statuses)]
        if self.after:
            conditions.append(_after_key(terms, self.after))
        where = " AND ".join(sql for sql, _ in conditions) or "TRUE"
        values: Values = [value for _, more in conditions for value in more]
        keys = ", ".join(f"{column} AS k{n}" for n, (column, _) in enumerate(terms))
        order = ", ".join(f"{column} {_direction(down)}" for column, down in terms)
        text = (
            f"SELECT runs.number AS run, {keys} FROM {self._source(flows, statuses)}"  # noqa: S608 - values are parameters
            f" WHERE {where} ORDER BY {order} LIMIT ?"
        )
        return text, [*values, self.limit + 1]

    def _source(self, flows: Sequence[str], statuses: Sequence[str]) -> str:
        if self.tag:
            return "run_tags CROSS JOIN runs ON runs.number = run_tags.run"
        texts = self.label or self.flow_title
        others = flows or statuses or any(self.completed) or self.order
        # All that a search for a text looks at is in this index, which is much smaller than runs.
        return "runs INDEXED BY runs_texts" if texts and not others else "runs"

    def _conditions(
        self, flows: Sequence[str], statuses: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        if self.tag:
            yield "run_tags.tag = ?", (self.tag,)
        for column, values in (("flow_id", flows), ("status", statuses)):
            if values:
                yield f"runs.{column} IN ({','.join('?' * len(values))})", values
        for column, text in (("label", self.label), ("flow_title", self.flow_title)):
            if len(text) > _LONGEST_TEXT or "\0" in text:
                yield "FALSE", ()  # no label and no title is so
            elif text:
                yield f"runs.{column} LIKE ? ESCAPE '!'", (_like_pattern(text),)
        if self.is_retry:
            # Most runs are none: the text is looked at before it is read as JSON.
            yield (
                "instr(runs.metadata, ?) AND json_valid(runs.metadata)"
                " AND json_extract(runs.metadata, '$.retry_of') IS NOT NULL",
                ('"retry_of"',),
            )
        start = (_LAST_OF_A_TAG if self.tag else _LAST)[0]
        for column, (first, last) in (
            (start, self.started),
            ("runs.completion_time", self.completed),
        ):
            if first:
                yield f"{column} >= ?", (first,)
            if last:
                yield f"{column} < ?", (last,)


def _like_pattern(text: str) -> str:
    """Return a pattern of LIKE for texts with this one inside, in any case of ASCII letters."""
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def _after_key(
    terms: Sequence[tuple[str, bool]], key: Sequence[str | int]
) -> tuple[str, Sequence[Any]]:
    """Return the condition for runs that come after a place."""
    if len({down for _, down in terms}) == 1:
        columns = ", ".join(column for column, _ in terms)
        sign = "<" if terms[0][1] else ">"
        return f"({columns}) {sign} ({', '.join('?' * len(terms))})", key
    choices, values = [], Values()
    for n, (column, down) in enumerate(terms):
        equal = [f"{other} = ?" for other, _ in terms[:n]]
        choices.append(" AND ".join([*equal, f"{column} {'<' if down else '>'} ?"]))
        values += key[: n + 1]
    return f"({' OR '.join(f'({choice})' for choice in choices)})", values


def _direction(down: bool) -> str:
    return "DESC" if down else "ASC"
