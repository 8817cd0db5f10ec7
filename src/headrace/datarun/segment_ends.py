"""The first and last ring items of a segment, read without its middle and without NumPy.

Ring items form a chain, each holding its own size, so the items at the end of a file are known
only from an item that leads there. Items that stand in fragments of an event builder (type 40)
count as what they are.

Source: ``DataFormat.h`` of NSCLDAQ 11 and 12.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from headrace.datarun.errors import DataRunError

_BEGIN, _END, _ABNORMAL_END = 1, 2, 5
_PHYSICS_EVENT, _FRAGMENT, _UNKNOWN_PAYLOAD = 30, 40, 41
_WORD = struct.Struct("<I")
_HEAD = struct.Struct("<III")
_BODY_HEADER = struct.Struct("<IQII")
_STATE = struct.Struct("<4I")
_TITLE = 81
# A type that an item may have: state changes, documents, scalers, events, a site's own.
_ITEM_TYPES = re.compile(
    rb"(?=....(?:[\x01-\x05\x0a-\x0c\x14\x1e\x1f\x28-\x2a]\x00|.[\x80-\xff])\x00\x00)", re.DOTALL
)
# Begins of all sources are barriers of an event builder; without one they follow each other soon.
_FIRST_BYTES = 1 << 24
_FIRST_WINDOW, _LARGEST_WINDOW, _GROWTH = 1 << 16, 1 << 26, 16
_MIN_CHAIN = 3


@dataclass(frozen=True)
class Ending:
    """Ring items at the end of a segment, or of several.

    Attributes:
        sources: ids of the sources that ended; negative ones count sources without an id.
        closed: whether an end, and no physics event after it, is the last thing that happened.
        abnormal: whether that is an abnormal end.
        unix_time: the latest end, seconds since 1970-01-01 UTC; None where no item has it.
        has_events: whether physics events were seen.
    """

    sources: frozenset[int] = frozenset()
    closed: bool = False
    abnormal: bool = False
    unix_time: int | None = None
    has_events: bool = False

    def followed_by(self, after: Ending) -> Ending:
        """Join this with what stands in the segments after it."""
        times = [time for time in (self.unix_time, after.unix_time) if time is not None]
        named = {source for source in self.sources | after.sources if source >= 0}
        unnamed = sum(source < 0 for part in (self, after) for source in part.sources)
        still = self.closed and not after.has_events
        return Ending(
            frozenset(named | {-1 - k for k in range(unnamed)}),
            after.closed or still,
            after.abnormal or (self.abnormal and still),
            max(times, default=None),
            self.has_events or after.has_events,
        )


@dataclass(frozen=True)
class _Item:
    kind: int
    source: int | None
    unix_time: int | None


def started_sources(path: Path) -> set[int]:
    """Find the sources whose begin of run stands near the begin of a segment.

    Args:
        path: the first segment of a run.

    Returns:
        Their ids; a source without an id is counted as -1, -2 and so on.

    Raises:
        DataRunError: the segment cannot be read.
    """
    data = _read(path, 0, _FIRST_BYTES)
    started: set[int] = set()
    for item in _items(data, 0):
        if item.kind == _BEGIN:
            started.add(_key(item, started))
    return started


def read_ending(path: Path, sources: int = 1) -> Ending:
    """Read what stands at the end of a segment.

    Args:
        path: the segment.
        sources: how many ends are looked for; all ends of the last 64 KiB are found, and for
            more the search goes back up to 64 MiB.

    Raises:
        DataRunError: the segment cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataRunError(f"{path}: {error.strerror}; check the file") from error
    window = _FIRST_WINDOW
    while True:
        first = max(0, size - window)
        data = _read(path, first, size - first)
        start = _chain_start(data, from_start=first == 0)
        found = _parse_ending(data, start) if start is not None else None
        settled = found is not None and (
            (found.has_events and (not found.closed or len(found.sources) >= sources))
            or found.abnormal
        )
        if settled or first == 0 or window >= _LARGEST_WINDOW or _is_growing(data):
            return found or Ending()
        window *= _GROWTH


def _parse_ending(data: bytes, start: int) -> Ending:
    sources: set[int] = set()
    times: list[int] = []
    closed = abnormal = events = False
    for item in _items(data, start):
        if item.kind == _PHYSICS_EVENT:
            closed = abnormal = False
            events = True
        elif item.kind == _ABNORMAL_END:
            closed = abnormal = True
        elif item.kind == _END:
            closed = True
            sources.add(_key(item, sources))
            if item.unix_time:
                times.append(item.unix_time)
        elif item.kind == _BEGIN:
            closed = abnormal = False
            sources.discard(_key(item, set()))
    return Ending(frozenset(sources), closed, abnormal, max(times, default=None), events)


def _key(item: _Item, known: set[int]) -> int:
    if item.source is not None:
        return item.source
    return -1 - sum(source < 0 for source in known)


def _chain_start(data: bytes, from_start: bool) -> int | None:
    """Find the first item that leads, item by item, to the last byte."""
    if from_start:
        return 0 if _leads_to_end(data, 0, set()) else None
    refuted: set[int] = set()
    for match in _ITEM_TYPES.finditer(data):
        if _leads_to_end(data, match.start(), refuted):
            return match.start()
    return None


def _leads_to_end(data: bytes, at: int, refuted: set[int]) -> bool:
    visited = []
    while at < len(data):
        visited.append(at)
        size = _item_size(data, at)
        if size == 0 or at in refuted:
            refuted.update(visited)
            return False
        at += size
    if at > len(data):
        refuted.update(visited)
    return at == len(data)


def _is_growing(data: bytes) -> bool:
    """Return whether the file ends within an item that follows others: it is being written."""
    for match in _ITEM_TYPES.finditer(data):
        at, passed = match.start(), 0
        while at < len(data) and (size := _item_size(data, at)):
            at += size
            passed += 1
        if at > len(data) and passed > _MIN_CHAIN:
            return True
    return False


def _item_size(data: bytes, at: int) -> int:
    """Return the size of the item at a byte; 0 if none can be there."""
    if len(data) - at < _HEAD.size:
        return 0
    size, kind, header = _HEAD.unpack_from(data, at)
    if size < _HEAD.size or not _ITEM_TYPES.match(data, at):
        return 0
    if kind == _UNKNOWN_PAYLOAD:
        return int(size)  # the event builder puts the fragment there, without a body header
    return int(size) if header in (0, 4) or _BODY_HEADER.size <= header <= size - 8 else 0


def _items(data: bytes, at: int) -> Iterator[_Item]:
    """Read whole items one after the other, up to the first that is cut off or none."""
    while at < len(data):
        size = _item_size(data, at)
        if size == 0 or at + size > len(data):
            return
        yield _item(data, at, at + size)
        at += size


def _item(data: bytes, at: int, end: int) -> _Item:
    _, kind, header = _HEAD.unpack_from(data, at)
    if kind == _UNKNOWN_PAYLOAD:
        return _Item(kind, None, None)
    source = _BODY_HEADER.unpack_from(data, at + 8)[2] if header >= _BODY_HEADER.size else None
    body = at + 8 + max(header, _WORD.size)
    if kind == _FRAGMENT and _item_size(data, body) == end - body:
        inner = _item(data, body, end)
        return inner if inner.source is not None else _Item(inner.kind, source, inner.unix_time)
    unix_time = None
    if kind in (_BEGIN, _END) and end - body >= _STATE.size:
        unix_time = int(_STATE.unpack_from(data, body)[2])
        # NSCLDAQ 12 writes the source id of the item's maker before the title.
        if source is None and end - body >= _STATE.size + _WORD.size + _TITLE:
            source = int(_WORD.unpack_from(data, body + _STATE.size)[0])
    return _Item(int(kind), source, unix_time)


def _read(path: Path, first: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(first, os.SEEK_SET)
            return file.read(length)
    except OSError as error:
        raise DataRunError(f"{path}: {error.strerror}; check the file") from error
