"""Queries for lists of runs: filters, order and page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from headrace.facility.store.run_record import Run

Interval = tuple[str, str]
Values = list[str | int]
Condition = tuple[str, Sequence[str | int]]
Terms = Sequence[tuple[str, bool]]

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
# Most runs take up none: the text is looked at before it is read as JSON. An index has this.
MENTIONS_RETRY: Final = "instr(metadata, '\"retry_of\"')"
_LONGEST_TEXT: Final = 1_000


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

    def terms(self) -> list[tuple[str, bool]]:
        """Return the columns that runs are in order by, each with whether it is descending."""
        down = self.order[-1][1] if self.order else True
        wanted = [(ORDER_COLUMNS[name], falls) for name, falls in self.order]
        return [*wanted, *((column, down) for column in _LAST)]

    def conditions(self, without: Sequence[str] = ()) -> Iterator[Condition]:
        """Yield what runs must fulfil, beside the tag, as SQL.

        Args:
            without: names of attributes that are seen to elsewhere.
        """
        for column, values in (("flow_id", self.flow_ids), ("status", self.statuses)):
            if values and ("flow_ids" if column == "flow_id" else "statuses") not in without:
                yield one_of(f"runs.{column}", values)
        for column, text in (("label", self.label), ("flow_title", self.flow_title)):
            if text and column not in without:
                yield f"runs.{column} LIKE ? ESCAPE '!'", (like_pattern(text),)
        if self.is_retry:
            yield MENTIONS_RETRY, ()
            yield (
                "json_valid(runs.metadata)"
                " AND json_extract(runs.metadata, '$.retry_of') IS NOT NULL",
                (),
            )
        yield from within("runs.start_time", self.started)
        if any(self.completed):
            yield from within(ORDER_COLUMNS["completion_time"], self.completed)
            yield f"{ORDER_COLUMNS['completion_time']} > ''", ()

    @property
    def is_impossible(self) -> bool:
        """True for texts that no label and no title has."""
        return any(
            len(text) > _LONGEST_TEXT or "\0" in text for text in (self.label, self.flow_title)
        )


def one_of(column: str, values: Sequence[str]) -> Condition:
    """Return the condition that a column has one of some values."""
    return f"{column} IN ({','.join('?' * len(values))})", values


def within(column: str, interval: Interval) -> Iterator[Condition]:
    """Yield the conditions that a time is from the first on and before the second."""
    for sign, moment in zip((">=", "<"), interval, strict=True):
        if moment:
            yield f"{column} {sign} ?", (moment,)


def like_pattern(text: str) -> str:
    """Return a pattern of LIKE for texts with this one inside, in any case of ASCII letters."""
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text}%"


def after_key(terms: Terms, key: Sequence[str | int]) -> Condition:
    """Return the condition for runs that come after a place."""
    # SQLite begins at the place in an index of an expression if the first column is bounded alone.
    bound = f"{terms[0][0]} {'<=' if terms[0][1] else '>='} ? AND "
    if len({down for _, down in terms}) == 1:
        columns = ", ".join(column for column, _ in terms)
        sign = "<" if terms[0][1] else ">"
        return f"{bound}({columns}) {sign} ({', '.join('?' * len(terms))})", [key[0], *key]
    choices, values = [], Values()
    for n, (column, down) in enumerate(terms):
        equal = [f"{other} = ?" for other, _ in terms[:n]]
        choices.append(" AND ".join([*equal, f"{column} {'<' if down else '>'} ?"]))
        values += key[: n + 1]
    return f"{bound}({' OR '.join(f'({choice})' for choice in choices)})", [key[0], *values]
