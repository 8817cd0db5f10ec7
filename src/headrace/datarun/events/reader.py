"""An event file, memory-mapped: its ring items, its documents, its hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from headrace._internal.closing import ClosedOnExit
from headrace.datarun.errors import EventFileError
from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.documents import (
    EventCount,
    Scalers,
    StateChange,
    parse_event_count,
    parse_format,
    parse_scalers,
    parse_state_change,
)
from headrace.datarun.events.hits import decode_hits, digitiser_sources, locate_hits, problems_of
from headrace.datarun.events.index import index_items, item_types
from headrace.datarun.events.layout import BODY_HEADER, ItemType
from headrace.datarun.events.problems import Flaw, OnCorrupt, Problem, event_file_error

Document = TypeVar("Document", StateChange, Scalers, EventCount)

_STATES = (
    ItemType.BEGIN_RUN,
    ItemType.END_RUN,
    ItemType.PAUSE_RUN,
    ItemType.RESUME_RUN,
)


@dataclass(frozen=True)
class Split:
    """A share of an event file that starts and ends between ring items.

    Attributes:
        first: number of its first ring item.
        last: number of the ring item after its end.
        start: its first byte.
        end: the byte after its end.
    """

    first: int
    last: int
    start: int
    end: int


class EventFile(ClosedOnExit):
    """An event file of NSCLDAQ 11 or 12.

    The file is mapped, not read: what is not looked at costs nothing. Its index is made at once.
    Items that stand in fragments of an event builder count as what they are.

    Attributes:
        path: the file.
        data: its bytes.
        index: `ITEM` records of its ring items, in file order.
        problems: places that were left out of the index.
    """

    def __init__(
        self,
        path: Path,
        on_corrupt: OnCorrupt = "refuse",
        sources: Collection[int] | None = None,
    ) -> None:
        """Map a file and find its ring items.

        Args:
            path: the file.
            on_corrupt: what to do about places that cannot be read: ``refuse`` makes the first
                an error, ``skip`` leaves them out and lists them.
            sources: ids of the sources whose payloads are hits of digitisers; None takes those
                of which more than half are. Payloads of other sources stay as they are.

        Raises:
            EventFileError: the file cannot be opened, or has such a place and it is refused.
        """
        self.path = path
        self.on_corrupt: OnCorrupt = on_corrupt
        self._sources = None if sources is None else frozenset(sources)
        self.data = _map(path)
        self.index, self.problems = index_items(self.data, path, on_corrupt)

    def __len__(self) -> int:
        """Return how many ring items."""
        return len(self.index)

    def close(self) -> None:
        """Let go of the file; arrays that were taken from it stay valid."""
        self.data = np.empty(0, np.uint8)
        self.index = self.index[:0]

    def item(self, number: int) -> bytes:
        """Return a whole ring item, byte for byte."""
        start = int(self.index["offset"][number])
        return self.data[start : start + int(self.index["size"][number])].tobytes()

    def body(self, number: int) -> bytes:
        """Return the body of a ring item."""
        return self.item(number)[int(self.index["header"][number]) :]

    @cached_property
    def types(self) -> NDArray[np.uint32]:
        """Types of all ring items; of a fragment, the type of the ring item that it holds."""
        return item_types(self.data, self.index)

    def numbers(self, *types: int) -> NDArray[np.int64]:
        """Return the numbers of all ring items of the given types, in file order."""
        return np.flatnonzero(np.isin(self.types, types)).astype(np.int64)

    @cached_property
    def sources(self) -> frozenset[int]:
        """Ids of the sources whose payloads are hits of digitisers."""
        return self._sources if self._sources is not None else self._found_sources

    @cached_property
    def _found_sources(self) -> frozenset[int]:
        return digitiser_sources(*locate_hits(self.data, self.index))

    @cached_property
    def version(self) -> tuple[int, int] | None:
        """Major and minor version of the first format item; None if the file has none."""
        for number in self.numbers(ItemType.RING_FORMAT).tolist():
            try:
                return parse_format(self._document(number)[0])
            except ValueError:
                self._refuse_short(number)
        return None

    @cached_property
    def state_changes(self) -> tuple[StateChange, ...]:
        """Begin, end, pauses and resumes of the run, as far as this file has them."""
        return self._documents(_STATES, parse_state_change)

    @cached_property
    def abnormal_end(self) -> bool:
        """True if the acquisition wrote an abnormal end of the run."""
        return bool(len(self.numbers(ItemType.ABNORMAL_END)))

    @cached_property
    def scalers(self) -> tuple[Scalers, ...]:
        """All scaler items."""
        return self._documents((ItemType.SCALERS,), lambda _, body: parse_scalers(body))

    @cached_property
    def event_counts(self) -> tuple[EventCount, ...]:
        """All event count items."""
        return self._documents((ItemType.EVENT_COUNT,), lambda _, body: parse_event_count(body))

    def _documents(
        self, types: tuple[ItemType, ...], parse: Callable[[ItemType, bytes], Document]
    ) -> tuple[Document, ...]:
        found = []
        for number in self.numbers(*types).tolist():
            body, source = self._document(number)
            try:
                document = parse(ItemType(int(self.types[number])), body)
            except ValueError:
                self._refuse_short(number)
                continue
            if source is None:
                source = document.original_source
            found.append(replace(document, source=source))
        return tuple(found)

    def _document(self, number: int) -> tuple[bytes, int | None]:
        """Return the body of a ring item, out of its fragment, and its source id."""
        item, header = self.item(number), int(self.index["header"][number])
        outer = _source(item)
        if self.index["type"][number] == ItemType.FRAGMENT:
            item = item[header:]
            header = 8 + max(int.from_bytes(item[8:12], "little"), 4)
        inner = _source(item)
        return item[header:], outer if inner is None else inner

    def _refuse_short(self, number: int) -> None:
        if self.on_corrupt == "refuse":
            offset = int(self.index["offset"][number])
            raise event_file_error(self.path, Problem(offset, 0, Flaw.SHORT_BODY)) from None

    def splits(self, parts: int) -> tuple[Split, ...]:
        """Cuts the file between ring items into shares of about equal size.

        Args:
            parts: how many; with fewer ring items some shares are empty.

        Returns:
            The shares in file order; together they hold every ring item once.

        Raises:
            ValueError: fewer than one part.
        """
        if parts < 1:
            raise ValueError(f"a file cannot be cut into {parts} parts; ask for at least 1")
        ends = np.cumsum(self.index["size"], dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        targets = [total * k // parts for k in range(1, parts)]
        cuts = [0, *np.searchsorted(ends, targets, side="left").tolist(), len(self.index)]
        return tuple(
            Split(first, last, self._byte(first), self._byte(last))
            for first, last in pairwise(cuts)
        )

    def _byte(self, number: int) -> int:
        if number < len(self.index):
            return int(self.index["offset"][number])
        if not len(self.index):
            return 0
        return int(self.index["offset"][-1]) + int(self.index["size"][-1])

    def read(self, first: int = 0, last: int | None = None) -> HitBatch:
        """Read the events of a stretch of ring items.

        Args:
            first: number of the first ring item.
            last: number of the ring item after the stretch; None reads to the end.

        Returns:
            One event per physics event or fragment, in file order. An event whose hits cannot
            be read is kept without them.

        Raises:
            EventFileError: a hit cannot be read, unless such are to be skipped.
        """
        last = len(self.index) if last is None else min(last, len(self.index))
        items = self.index[first:last]
        places, problems, others = self._locate(items)
        if problems and self.on_corrupt == "refuse":
            raise event_file_error(self.path, problems[0])
        hits, traces, trace_start, extensions = decode_hits(self.data, places)
        event_items = np.flatnonzero(self.types[first:last] == ItemType.PHYSICS_EVENT)
        event_start = np.searchsorted(places["item"], event_items)
        hits["event"] = np.searchsorted(event_items, places["item"])
        return HitBatch(
            first=first,
            last=last,
            event_items=event_items + first,
            event_start=np.append(event_start, len(hits)).astype(np.int64),
            hits=hits,
            trace_start=trace_start,
            traces=traces,
            extensions=extensions,
            problems=problems,
            other_payloads=others,
        )

    def _locate(
        self, items: NDArray[np.void]
    ) -> tuple[NDArray[np.void], tuple[Problem, ...], dict[int, int]]:
        """Find the hits of a stretch, what cannot be read, and payloads of other detectors."""
        places, flaws = locate_hits(self.data, items)
        others: Counter[int] = Counter()
        if self._sources is not None:
            ours = np.isin(places["source"], list(self._sources))
            others.update(places["source"][~ours].tolist())
            places = places[ours]
        # Without a source of hits damage cannot be distinguished from another detector.
        if len(flaws) and (self._sources is not None or self.sources):
            foreign = (flaws["payload"] == 1) & ~np.isin(flaws["source"], list(self.sources))
            others.update(flaws["source"][foreign].tolist())
            flaws = flaws[~foreign]
        return places, problems_of(flaws), dict(sorted(others.items()))

    def batches(
        self, first: int = 0, last: int | None = None, size: int = 1 << 25
    ) -> Iterator[HitBatch]:
        """Read a stretch of ring items piece by piece.

        Args:
            first: number of the first ring item.
            last: number of the ring item after the stretch; None reads to the end.
            size: bytes of a piece, 32 MiB by default; a longer item is a piece of its own.

        Yields:
            The pieces in file order.

        Raises:
            EventFileError: a hit cannot be read, unless such are to be skipped.
        """
        last = len(self.index) if last is None else min(last, len(self.index))
        ends = np.cumsum(self.index["size"], dtype=np.int64)
        while first < last:
            before = int(ends[first - 1]) if first else 0
            cut = int(np.searchsorted(ends, before + size, side="right"))
            cut = min(max(cut, first + 1), last)
            yield self.read(first, cut)
            first = cut


def _source(item: bytes) -> int | None:
    """Return the source id of a ring item's body header; None without one."""
    if int.from_bytes(item[8:12], "little") < BODY_HEADER:
        return None
    return int.from_bytes(item[20:24], "little")


def _map(path: Path) -> NDArray[np.uint8]:
    try:
        if path.stat().st_size == 0:
            return np.empty(0, np.uint8)
        # Not kept as a memmap: its slices are slower to make than those of a plain array.
        return np.asarray(np.memmap(path, np.uint8, mode="r"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise EventFileError(
            f"{path}: cannot be read: {reason}; check the path and its permissions"
        ) from error
