"""A stretch of an event file as arrays: events, hits, traces, extensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.byteorder import kernel
from headrace.datarun.events.problems import Problem


@dataclass(frozen=True)
class HitBatch:
    """The events of a stretch of ring items.

    Attributes:
        first: number of the first ring item of the stretch in the file.
        last: number of the ring item after its end.
        event_items: number in the file of each event's ring item, shape (events,).
        event_start: where each event's hits start, shape (events + 1,).
        hits: `HIT` records in file order, shape (hits,).
        trace_start: where each hit's trace starts in ``traces``, shape (hits + 1,).
        traces: all samples one after the other, ADC units.
        extensions: `EXTENSION` records, shape (hits,).
        problems: hits and fragments that could not be read, in file order.
        other_payloads: source id to how many payloads are no hits but another detector's.
    """

    first: int
    last: int
    event_items: NDArray[np.int64]
    event_start: NDArray[np.int64]
    hits: NDArray[np.void]
    trace_start: NDArray[np.int64]
    traces: NDArray[np.uint16]
    extensions: NDArray[np.void]
    problems: tuple[Problem, ...] = ()
    other_payloads: Mapping[int, int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """Number of events, with or without hits."""
        return len(self.event_items)

    def trace(self, hit: int) -> NDArray[np.uint16]:
        """Return the samples of one hit's trace, a view."""
        return self.traces[self.trace_start[hit] : self.trace_start[hit + 1]]

    def trace_rows(self, hits: NDArray[np.int64] | None = None) -> NDArray[np.uint16]:
        """Traces of equal length as the rows of a matrix.

        Args:
            hits: numbers of the hits; None takes all, without a copy.

        Returns:
            Shape (hits, samples).

        Raises:
            ValueError: the traces have different lengths.
        """
        lengths = np.diff(self.trace_start)
        if hits is not None:
            lengths = lengths[hits]
        samples = int(lengths[0]) if len(lengths) else 0
        if np.any(lengths != samples):
            raise ValueError("traces of different lengths are no matrix; take them one by one")
        if hits is None:
            return self.traces.reshape(len(lengths), samples)
        rows = np.empty((len(hits), samples), self.traces.dtype)
        _gather(self.traces, self.trace_start, hits, rows)
        return rows


@kernel
def _gather(traces: Any, start: Any, hits: Any, rows: Any) -> None:
    for k in range(hits.shape[0]):
        at = start[hits[k]]
        rows[k, :] = traces[at : at + rows.shape[1]]
