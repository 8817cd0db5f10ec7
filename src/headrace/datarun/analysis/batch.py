"""Input batch of an analysis: some events as columns, and where they are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Segment:
    """The file that events are from.

    Attributes:
        name: the file's name.
        run: number of the run; None if unknown.
        segment: number of the segment; None if unknown.
        facts: all that the conversion stored about it, see `headrace.datarun.convert.run_facts`.
    """

    name: str
    run: int | None = None
    segment: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Some events of a segment.

    Attributes:
        events: name to values, one an event.
        hits: name to values, one a hit, e.g. ``batch.hits["energy"]``.
        start: where each event's hits start, shape (events + 1,).
    """

    events: Mapping[str, NDArray[Any]]
    hits: Mapping[str, NDArray[Any]]
    start: NDArray[np.int64]

    def __len__(self) -> int:
        """Return how many events."""
        return len(self.start) - 1

    @cached_property
    def event(self) -> NDArray[np.int64]:
        """Number in the batch of each hit's event, shape (hits,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.start))

    def first_hit(self) -> NDArray[np.int64]:
        """Return number of the first hit of each hit's event, shape (hits,)."""
        return self.start[self.event]

    def awkward(self) -> Any:
        """Return the hits as an Awkward array of records, one list an event."""
        import awkward as ak

        contents = [ak.contents.NumpyArray(values) for values in self.hits.values()]
        record = ak.contents.RecordArray(contents, list(self.hits))
        return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(self.start), record))
