"""Which runs a list asks for, as one query of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

Interval = tuple[str, str]

# What a list can be put in order by, with its column.
ORDER_COLUMNS: Final = {
    "id": "id",
    "run_id": "id",
    "start_time": "start_time",
    "completion_time": "completion_time",
    "status": "status",
    "label": "label",
}


@dataclass(frozen=True)
class RunList:
    """Which runs, in what order, and which page of them.

    Attributes:
        flow_ids: only runs of these flows; of any by default.
        statuses: only runs of these statuses.
        label: only runs with this text in their label, in any case.
        flow_title: only runs with this text in the flow's title, likewise.
        started: only runs started from the first time on and before the second; empty is open.
        completed: only runs that ended in this time, likewise.
        order: names of :data:`ORDER_COLUMNS`, each with whether it is descending.
        offset: runs to leave out at the beginning.
        limit: runs at most.
    """

    flow_ids: Sequence[str] = ()
    statuses: Sequence[str] = ()
    label: str = ""
    flow_title: str = ""
    started: Interval = ("", "")
    completed: Interval = ("", "")
    order: Sequence[tuple[str, bool]] = field(default_factory=list)
    offset: int = 0
    limit: int = 20

    def clauses(self) -> tuple[str, list[str | int]]:
        """Returns what follows ``FROM runs``, and its parameters."""
        parts = list(self._conditions())
        where = " AND ".join(sql for sql, _ in parts) or "TRUE"
        order = [f"{ORDER_COLUMNS[name]} {'DESC' if down else 'ASC'}" for name, down in self.order]
        columns = ", ".join([*order, "start_time DESC", "number DESC"])
        values: list[str | int] = [value for _, more in parts for value in more]
        text = f"WHERE {where} ORDER BY {columns} LIMIT ? OFFSET ?"
        return text, [*values, self.limit, self.offset]

    def _conditions(self) -> Iterator[tuple[str, Sequence[str]]]:
        for column, values in (("flow_id", self.flow_ids), ("status", self.statuses)):
            if values:
                yield f"{column} IN ({','.join('?' * len(values))})", values
        for column, text in (("label", self.label), ("flow_title", self.flow_title)):
            if text:
                yield f"instr(lower(coalesce({column}, '')), lower(?))", (text,)
        intervals = (("start_time", self.started), ("completion_time", self.completed))
        for column, (first, last) in intervals:
            if first:
                yield f"{column} >= ?", (first,)
            if last:
                yield f"{column} < ?", (last,)
