"""Extensions put behind their hits, with every size that encloses them made right.

Four sizes can enclose a hit: its fragment's payload, its own ring item, the body of the built
event, and the event's ring item. Everything that is not such a hit passes byte for byte.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.byteorder import inlined, kernel, read_u32, write_u32
from headrace.datarun.events.layout import FRAGMENT_HEADER, ItemType
from headrace.datarun.events.reader import EventFile
from headrace.datarun.extension import COMPLETE, LEGACY, NONE, NULL

_PHYSICS, _FRAGMENT = int(ItemType.PHYSICS_EVENT), int(ItemType.FRAGMENT)


@inlined
def _put_extension(extensions: Any, raw: Any, hit: Any, out: Any, at: Any) -> Any:
    size = np.int64(extensions[hit].size)
    if size == NULL:
        write_u32(out, at, NULL)
    elif size:
        out[at : at + size] = raw[hit * COMPLETE : hit * COMPLETE + size]
    return at + size


@kernel
def _rewrite(data: Any, items: Any, offsets: Any, extensions: Any, raw: Any, out: Any) -> None:
    hit = 0
    hits = offsets.shape[0]
    to = np.int64(0)
    for number in range(items.shape[0]):
        start = np.int64(items[number].offset)
        size = np.int64(items[number].size)
        end = start + size
        if hit == hits or offsets[hit] >= end:
            out[to : to + size] = data[start:end]
            to += size
            continue
        item_to = to
        body = start + np.int64(items[number].header)
        kind = np.int64(items[number].type)
        built = kind == _PHYSICS and read_u32(data, body) == end - body
        out[to : to + body - start] = data[start:body]
        to += body - start
        body_to = to
        at = body
        if built:
            at += 4
            to += 4
        while at < end:
            step = end - at
            payload = at
            if built:
                if step < FRAGMENT_HEADER or read_u32(data, at + 12) > step - FRAGMENT_HEADER:
                    out[to : to + step] = data[at:end]
                    to += step
                    break
                step = FRAGMENT_HEADER + read_u32(data, at + 12)
                payload = at + FRAGMENT_HEADER
            if hit < hits and offsets[hit] < at + step:
                length = offsets[hit] + 2 * read_u32(data, offsets[hit]) - at
                out[to : to + length] = data[at : at + length]
                after = _put_extension(extensions, raw, hit, out, to + length)
                if built or kind == _FRAGMENT:
                    inner = to + payload - at
                    write_u32(out, inner, after - inner)
                    if built:
                        write_u32(out, inner - 8, after - inner)
                to = after
                hit += 1
            else:
                out[to : to + step] = data[at : at + step]
                to += step
            at += step
        if built:
            write_u32(out, body_to, to - body_to)
        write_u32(out, item_to, to - item_to)


def extended_sizes(
    file: EventFile, batch: HitBatch, extensions: NDArray[np.void]
) -> NDArray[np.int64]:
    """Return how long the ring items of a stretch become, before they are written.

    Args:
        file: where the batch was read from.
        batch: the stretch.
        extensions: `EXTENSION` records, one a hit; only their field ``size`` counts here.

    Returns:
        Bytes of each ring item, shape (batch.last - batch.first,).

    Raises:
        ValueError: not one record a hit, or a size that no extension has.
    """
    ends = _ends(file, batch, extensions)
    return np.diff(ends, prepend=np.int64(0))


def extend(file: EventFile, batch: HitBatch, extensions: NDArray[np.void]) -> NDArray[np.uint8]:
    """Return the ring items of a stretch with new extensions behind their hits.

    Extensions that the hits had before are dropped, so that fitting again gives the same bytes
    as fitting once. All other ring items of the stretch are in the result as they were.

    Args:
        file: where the batch was read from.
        batch: the stretch.
        extensions: `EXTENSION` records, one a hit.

    Returns:
        The bytes, to be written as they are.

    Raises:
        ValueError: not one record a hit, or a size that no extension has.
    """
    ends = _ends(file, batch, extensions)
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    records = np.ascontiguousarray(extensions)
    items = file.index[batch.first : batch.last]
    offsets = np.ascontiguousarray(batch.hits["offset"])
    _rewrite(file.data, items, offsets, records, records.view(np.uint8), out)
    return out


def _ends(file: EventFile, batch: HitBatch, extensions: NDArray[np.void]) -> NDArray[np.int64]:
    if len(extensions) != len(batch.hits):
        raise ValueError(f"{len(extensions)} extensions for {len(batch.hits)} hits; give one each")
    if not np.all(np.isin(extensions["size"], (NONE, NULL, LEGACY, COMPLETE))):
        raise ValueError("an extension's size must be 0, 4, 144 or 168")
    items = file.index[batch.first : batch.last]
    growth = extensions["size"].astype(np.int64) - batch.extensions["size"]
    before = np.append(np.int64(0), np.cumsum(growth))
    hits = np.searchsorted(batch.hits["offset"], items["offset"] + items["size"])
    ends: NDArray[np.int64] = np.cumsum(items["size"], dtype=np.int64) + before[hits]
    return ends
