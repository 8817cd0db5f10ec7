"""The index of an event file: where each ring item starts, at the speed of the disk.

Ring items form a chain, each stating its own size. Where the chain is broken, the search for
the next item goes byte by byte and believes a place only if three items in a row, or the end
of the file, follow from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.byteorder import inlined, kernel, read_u32, read_u64
from headrace.datarun.events.layout import (
    BODY_HEADER,
    ITEM,
    MAX_ITEM_TYPE,
    MIN_ITEM_BYTES,
    NO_TIMESTAMP,
    ItemType,
)
from headrace.datarun.events.problems import Flaw, OnCorrupt, Problem, event_file_error

_FIRST_CAPACITY = 4096
_MIN_CHAIN = 3
_PHYSICS, _FRAGMENT = int(ItemType.PHYSICS_EVENT), int(ItemType.FRAGMENT)
_UNKNOWN_PAYLOAD = int(ItemType.UNKNOWN_PAYLOAD)
_NO_TIMESTAMP = np.uint64(NO_TIMESTAMP)

_END, _FULL, _BROKEN = 0, 1, 2
_UNKNOWN, _SINGLE, _BUILT = -1, 0, 1


@inlined
def _header_length(data: Any, at: Any, end: Any) -> Any:
    """Bytes before the body of the item at a byte, or -1 if no item can start there."""
    length = -1
    if end - at >= MIN_ITEM_BYTES:
        size = read_u32(data, at)
        kind = read_u32(data, at + 4)
        if MIN_ITEM_BYTES <= size <= end - at and 0 < kind <= MAX_ITEM_TYPE:
            header = read_u32(data, at + 8)
            if kind == _UNKNOWN_PAYLOAD:
                length = 8  # the event builder puts the fragment there, without a body header
            elif header in (0, 4) or header >= BODY_HEADER:
                length = 8 + max(header, 4)
                if length > size:
                    length = -1
    return length


@inlined
def _style(data: Any, at: Any, header: Any) -> Any:
    """Return whether the physics event at a byte is built of fragments."""
    body = read_u32(data, at) - header
    return _BUILT if body >= 4 and read_u32(data, at + header) == body else _SINGLE


@kernel
def _walk(data: Any, start: Any, end: Any, style: Any, items: Any) -> Any:
    """Follow the chain: items found, where it stopped, why, and what physics events are like."""
    count = 0
    at = start
    while at < end:
        if count == items.shape[0]:
            return count, at, _FULL, style
        header = _header_length(data, at, end)
        if header < 0:
            return count, at, _BROKEN, style
        item = items[count]
        item.offset = at
        item.size = read_u32(data, at)
        item.type = read_u32(data, at + 4)
        item.header = header
        if header >= 8 + BODY_HEADER:
            item.timestamp = read_u64(data, at + 12)
            item.source = read_u32(data, at + 20)
        else:
            item.timestamp = _NO_TIMESTAMP
            item.source = 0
        if style == _UNKNOWN and item.type == _PHYSICS:
            style = _style(data, at, header)
        count += 1
        at += np.int64(item.size)
    return count, at, _END, style


@kernel
def _is_chain(data: Any, start: Any, end: Any, style: Any) -> Any:
    at = start
    for _ in range(_MIN_CHAIN):
        if at == end:
            break
        header = _header_length(data, at, end)
        if header < 0:
            return False
        # The last fragment of a built event is itself a ring item with a good successor.
        if (
            style == _BUILT
            and read_u32(data, at + 4) == _PHYSICS
            and _style(data, at, header) != _BUILT
        ):
            return False
        at += read_u32(data, at)
    return True


@kernel
def _resume(data: Any, broken: Any, end: Any, style: Any) -> Any:
    """Return where the chain goes on after a broken place; ``end`` if nowhere."""
    if end - broken >= 4:
        # Only the type or the body header may be damaged: then the size still leads on.
        size = read_u32(data, broken)
        if MIN_ITEM_BYTES <= size < end - broken and _is_chain(data, broken + size, end, style):
            return broken + size
    for at in range(broken + 1, end - MIN_ITEM_BYTES + 1):
        if _is_chain(data, at, end, style):
            return at
    return end


@kernel
def _item_types(data: Any, items: Any, types: Any) -> None:
    for number in range(items.shape[0]):
        kind = items[number].type
        if kind == _FRAGMENT:
            at = np.int64(items[number].offset) + np.int64(items[number].header)
            length = np.int64(items[number].size) - np.int64(items[number].header)
            if length >= MIN_ITEM_BYTES and read_u32(data, at) == length:
                kind = np.uint32(read_u32(data, at + 4))
        types[number] = kind


def item_types(data: NDArray[np.uint8], items: NDArray[np.void]) -> NDArray[np.uint32]:
    """Return the types of ring items; of a fragment, the type of the item that it holds.

    Args:
        data: the file's bytes.
        items: `ITEM` records.
    """
    types = items["type"].copy()
    if np.any(types == _FRAGMENT):
        _item_types(data, items, types)
    return types


def index_items(
    data: NDArray[np.uint8], path: Path, on_corrupt: OnCorrupt = "refuse"
) -> tuple[NDArray[np.void], tuple[Problem, ...]]:
    """Find the ring items of an event file.

    Args:
        data: the file's bytes.
        path: the file, for messages.
        on_corrupt: whether a damaged or truncated place is an error or left out.

    Returns:
        `ITEM` records in file order, and the places that were left out.

    Raises:
        EventFileError: a damaged or truncated place, unless it is to be skipped.
    """
    end = len(data)
    at, found, style = 0, 0, _UNKNOWN
    items = np.empty(_FIRST_CAPACITY, ITEM)
    problems: list[Problem] = []
    while at < end:
        count, at, why, style = _walk(data, at, end, style, items[found:])
        found += count
        if why == _FULL:
            items = _enlarged(items, at, end)
        elif why == _BROKEN:
            flaw = Flaw.TRUNCATED if _is_cut_off(data, at) else Flaw.BAD_ITEM
            if on_corrupt == "refuse":
                raise event_file_error(path, Problem(at, end - at, flaw))
            resumed = _resume(data, at, end, style)
            if resumed < end:
                flaw = Flaw.BAD_ITEM
            problems.append(Problem(at, resumed - at, flaw))
            at = resumed
    return items[:found], tuple(problems)


def _enlarged(items: NDArray[np.void], at: int, end: int) -> NDArray[np.void]:
    """Space for the rest of the file, if its items are as long as those found so far."""
    expected = (end - at) // max(at // len(items), MIN_ITEM_BYTES)
    larger = np.empty(len(items) + expected + expected // 8 + _FIRST_CAPACITY, ITEM)
    larger[: len(items)] = items
    return larger


def _is_cut_off(data: NDArray[np.uint8], at: int) -> bool:
    """Return whether what stands at a byte looks like an item that the file ends inside of."""
    rest = len(data) - at
    head = bytes(data[at : at + 8])
    if rest < 8:
        return True
    size, kind = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
    enough = size >= MIN_ITEM_BYTES
    return enough and 0 < kind <= MAX_ITEM_TYPE and size > rest
