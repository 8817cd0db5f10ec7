"""Record of a run, as a row of the store holds it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

SQL_COLUMNS: Final = (
    "number, id, request_id, flow_id, flow_title, definition, metadata, label, start_time,"
    " completion_time, status"
)
# Member of a run's metadata: when it was held.
HELD_AT: Final = "held_at"
_NO_METADATA: Final[Mapping[str, Any]] = {
    "tags": [],
    "run_managers": [],
    "run_monitors": [],
    "flow_last_updated": "",
}


@dataclass(frozen=True, slots=True)
class Run:
    """The record of one execution of a flow; its event log has the rest.

    Attributes:
        number: the run's number in the store.
        id: the run's id.
        request_id: what its starter calls the request, so that a repeated one starts nothing.
        flow_id: the flow it executes.
        flow_title: the flow's title at the start.
        definition: hash of the definition and input schema that it was started with.
        metadata: tags, managers, monitors, notification policy and flow data of the start.
        label: what its starter called it.
        start_time: when it was accepted.
        completion_time: when it ended.
        status: ACTIVE, INACTIVE, SUCCEEDED, FAILED or ENDED.
    """

    number: int
    id: str
    request_id: str | None
    flow_id: str
    flow_title: str
    definition: str
    metadata: Mapping[str, Any]
    label: str | None
    start_time: str
    completion_time: str | None
    status: str

    @property
    def held_at(self) -> str | None:
        """Time since which it is held, so that it enters no further state; None if it is not."""
        held_at = self.metadata.get(HELD_AT)
        return held_at if isinstance(held_at, str) and self.completion_time is None else None


def definition_hash(definition: Any, input_schema: Any) -> str:
    """Return the hash under which a definition is stored with its input schema."""
    text = json.dumps([definition, input_schema], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def run_from_row(row: sqlite3.Row) -> Run:
    """Make a run of its row; a damaged text is shown as far as it can be."""
    # A damaged page may have turned a text into bytes, which no list could show.
    values: list[Any] = list(row)
    if bytes in map(type, values):
        values = [*map(readable, values)]
    values[6] = read_metadata(values[6])
    return Run(*values)


def readable(value: Any) -> Any:
    """Return a value of a column; of bytes that were a text what can be shown of it."""
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


# A run that advances is read again and again, and many runs are started alike.
@lru_cache(maxsize=256)
def read_metadata(text: str) -> Mapping[str, Any]:
    """Return what is written beside a run's name; what is damaged of it is left out."""
    # What is written beside a run's name must not keep it, and lists of others, from being shown.
    try:
        metadata = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        return {**_NO_METADATA}
    found = {**_NO_METADATA, **metadata}
    lists = [name for name, value in _NO_METADATA.items() if isinstance(value, list)]
    return {**found, **{name: [] for name in lists if not isinstance(found[name], list)}}
