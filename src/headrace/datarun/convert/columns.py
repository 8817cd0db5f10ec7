"""A batch of events as plain columns: what trees and tables are made of.

Per event: ``timestamp`` of its ring item, ``item`` its number in the file, ``trace`` the samples
of all its hits one after the other (if wanted). Per hit, with the prefix ``hits_``: where and
when (``crate``, ``slot``, ``channel``, ``time`` in ns, ``timestamp``), what the digitiser measured
(``energy``, ``cfd``, flags, sums), and every parameter of the fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.reader import EventFile
from headrace.datarun.extension import flat_columns

PREFIX = "hits_"
"""Starts the name of every column that has one value a hit."""

_PLAIN = (
    "crate",
    "slot",
    "channel",
    "time",
    "timestamp",
    "energy",
    "cfd",
    "cfd_failed",
    "pile_up",
    "out_of_range",
    "msps",
    "trace_length",
    "external_timestamp",
)


@dataclass(frozen=True)
class EventColumns:
    """Events as columns.

    Attributes:
        events: name to values, one an event.
        start: where each event's hits start, shape (events + 1,).
        hits: name (without prefix) to values, one a hit.
        trace_start: where each event's samples start, shape (events + 1,); None without traces.
        traces: all samples; None without traces.
    """

    events: dict[str, NDArray[np.generic]]
    start: NDArray[np.int64]
    hits: dict[str, NDArray[np.generic]]
    trace_start: NDArray[np.int64] | None = None
    traces: NDArray[np.uint16] | None = None


def event_columns(file: EventFile, batch: HitBatch, traces: bool = False) -> EventColumns:
    """Make the columns of a batch.

    Args:
        file: where the batch was read from.
        batch: the events.
        traces: whether to take the traces.

    Returns:
        The columns; the same names and types for every batch.
    """
    columns = {name: np.ascontiguousarray(batch.hits[name]) for name in _PLAIN}
    for name in ("energy_sums", "qdc"):
        values = batch.hits[name]
        for k in range(values.shape[1]):
            columns[f"{name}{k}"] = np.ascontiguousarray(values[:, k])
    columns.update(flat_columns(batch.extensions))
    return EventColumns(
        events={
            "timestamp": file.index["timestamp"][batch.event_items],
            "item": batch.event_items,
        },
        start=batch.event_start,
        hits=columns,
        trace_start=batch.trace_start[batch.event_start] if traces else None,
        traces=batch.traces if traces else None,
    )
