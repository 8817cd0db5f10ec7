"""Hits as arrays, made into the bytes of built events; the inverse of reading them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.byteorder import kernel, write_u16, write_u32, write_u64
from headrace.datarun.events.layout import (
    BODY_HEADER,
    ENERGY_SUMS,
    EXTERNAL,
    FRAGMENT_HEADER,
    MIN_HIT_BYTES,
    QDC,
    ItemType,
)
from headrace.datarun.extension import COMPLETE, NULL

_PHYSICS = int(ItemType.PHYSICS_EVENT)
_ITEM_HEADER = 8 + BODY_HEADER

_MAX_TRACE = 32_730
"""Samples that fit in a channel length of 14 bits besides the longest header."""


@kernel
def _put_header(out: Any, at: Any, size: Any, timestamp: Any, source: Any) -> None:
    write_u32(out, at, size)
    write_u32(out, at + 4, _PHYSICS)
    write_u32(out, at + 8, BODY_HEADER)
    write_u64(out, at + 12, timestamp)
    write_u32(out, at + 20, source)
    write_u32(out, at + 24, 0)


@kernel
def _put_hit(out: Any, at: Any, hit: Any, traces: Any, start: Any, stop: Any) -> Any:
    optional = np.int64(hit.optional)
    header = 4
    if optional & ENERGY_SUMS:
        header += 4
    if optional & QDC:
        header += 8
    if optional & EXTERNAL:
        header += 2
    words = header + (stop - start) // 2
    write_u32(out, at, 2 * (words + 2))
    write_u16(out, at + 4, np.int64(hit.msps))
    write_u16(out, at + 6, np.int64(hit.adc_bits) | (np.int64(hit.revision) << 8))
    word = np.int64(hit.channel) | (np.int64(hit.slot) << 4) | (np.int64(hit.crate) << 8)
    word |= (header << 12) | (words << 17) | (np.int64(hit.pile_up) << 31)
    write_u32(out, at + 8, word)
    ticks = np.int64(hit.ticks)
    write_u32(out, at + 12, ticks & 0xFFFFFFFF)
    write_u16(out, at + 16, (ticks >> 32) & 0xFFFF)
    write_u16(out, at + 18, np.int64(hit.cfd))
    write_u16(out, at + 20, np.int64(hit.energy))
    write_u16(out, at + 22, (stop - start) | (np.int64(hit.out_of_range) << 15))
    at += 24
    if optional & ENERGY_SUMS:
        for m in range(4):
            write_u32(out, at + 4 * m, np.int64(hit.energy_sums[m]))
        at += 16
    if optional & QDC:
        for m in range(8):
            write_u32(out, at + 4 * m, np.int64(hit.qdc[m]))
        at += 32
    if optional & EXTERNAL:
        write_u64(out, at, hit.external_timestamp)
        at += 8
    length = 2 * (stop - start)
    out[at : at + length] = traces[2 * start : 2 * stop]
    return at + length


@kernel
def _encode(
    event_start: Any,
    hits: Any,
    trace_start: Any,
    traces: Any,
    extensions: Any,
    raw: Any,
    source: Any,
    out: Any,
) -> Any:
    at = np.int64(0)
    for event in range(event_start.shape[0] - 1):
        first = event_start[event]
        last = event_start[event + 1]
        item = at
        at += _ITEM_HEADER + 4
        for k in range(first, last):
            fragment = at
            at = _put_hit(
                out,
                fragment + FRAGMENT_HEADER + _ITEM_HEADER,
                hits[k],
                traces,
                trace_start[k],
                trace_start[k + 1],
            )
            size = np.int64(extensions[k].size)
            if size == NULL:
                write_u32(out, at, NULL)
            elif size:
                out[at : at + size] = raw[k * COMPLETE : k * COMPLETE + size]
            at += size
            payload = at - fragment - FRAGMENT_HEADER
            write_u64(out, fragment, hits[k].timestamp)
            write_u32(out, fragment + 8, np.int64(hits[k].source))
            write_u32(out, fragment + 12, payload)
            write_u32(out, fragment + 16, 0)
            inner = fragment + FRAGMENT_HEADER
            _put_header(out, inner, payload, hits[k].timestamp, np.int64(hits[k].source))
        timestamp = hits[first].timestamp if last > first else np.uint64(0)
        _put_header(out, item, at - item, timestamp, source)
        write_u32(out, item + _ITEM_HEADER, at - item - _ITEM_HEADER)
    return at


def encode_events(
    event_start: NDArray[np.int64],
    hits: NDArray[np.void],
    trace_start: NDArray[np.int64],
    traces: NDArray[np.uint16],
    extensions: NDArray[np.void],
    source: int = 0,
) -> NDArray[np.uint8]:
    """Make physics events as an event builder does.

    Args:
        event_start: where each event's hits start, shape (events + 1,).
        hits: `HIT` records; ``offset``, ``time``, ``event``, ``trace_length`` and
            ``cfd_failed`` are not used, since they follow from the others.
        trace_start: where each hit's trace starts, shape (hits + 1,).
        traces: all samples; each trace has an even number of them, at most 32,730.
        extensions: `EXTENSION` records, one a hit.
        source: the event builder's source id.

    Returns:
        The bytes of the ring items, one after the other.

    Raises:
        ValueError: a trace that the format cannot hold, or arrays that do not fit together.
    """
    lengths = np.diff(trace_start)
    if len(lengths) != len(hits) or len(extensions) != len(hits):
        raise ValueError("hits, traces and extensions must be equally many")
    if len(event_start) and (event_start[0] != 0 or event_start[-1] != len(hits)):
        raise ValueError("the events do not hold all the hits; check event_start")
    if np.any(lengths % 2) or np.any(lengths > _MAX_TRACE):
        raise ValueError(f"a trace must have an even number of samples, at most {_MAX_TRACE}")
    fixed = FRAGMENT_HEADER + _ITEM_HEADER + MIN_HIT_BYTES + 56  # 56: all optional words
    size = len(event_start) * (_ITEM_HEADER + 4) + len(hits) * fixed + 2 * int(lengths.sum())
    size += int(extensions["size"].sum(dtype=np.int64))
    out = np.empty(size, np.uint8)
    samples = np.ascontiguousarray(traces, np.dtype("<u2")).view(np.uint8)
    records = np.ascontiguousarray(extensions)
    raw = records.view(np.uint8)
    used = _encode(event_start, hits, trace_start, samples, records, raw, source, out)
    return out[:used]
