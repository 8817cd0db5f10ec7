"""Hits and traces of a stretch of ring items, without a Python loop.

Two passes: `locate_hits` finds and checks every hit, `decode_hits` reads those it found. A physics
event is either built of fragments, each the ring item of one hit, or is a single hit; an item of
type fragment holds the ring item of one hit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.byteorder import inlined, kernel, read_u16, read_u32, read_u64
from headrace.datarun.events.layout import (
    BODY_HEADER,
    ENERGY_SUMS,
    EXTERNAL,
    FRAGMENT_HEADER,
    HIT,
    MIN_HIT_BYTES,
    MIN_ITEM_BYTES,
    QDC,
    ItemType,
)
from headrace.datarun.events.problems import Flaw, Problem
from headrace.datarun.extension import COMPLETE, EXTENSION, LEGACY, NULL

_PHYSICS, _FRAGMENT = int(ItemType.PHYSICS_EVENT), int(ItemType.FRAGMENT)
_NOT_AN_EVENT, _BAD_FRAGMENT = int(Flaw.NOT_AN_EVENT), int(Flaw.BAD_FRAGMENT)
_BAD_HIT_SIZE, _BAD_HIT_LENGTHS = int(Flaw.BAD_HIT_SIZE), int(Flaw.BAD_HIT_LENGTHS)
_BAD_EXTENSION, _BAD_RATE = int(Flaw.BAD_EXTENSION), int(Flaw.BAD_SAMPLING_RATE)

HIT_LOCATION = np.dtype(
    [
        ("offset", "<i8"),
        ("item", "<i8"),
        ("timestamp", "<u8"),
        ("source", "<u4"),
        ("size", "<u4"),
        ("extension", "<u4"),
        ("trace", "<u4"),
    ],
    align=True,
)
"""Place of a hit: its byte, its item's number in the stretch, its fragment's timestamp and
source, and the bytes of the hit, of its extension, and the samples of its trace."""

FLAW = np.dtype([("offset", "<i8"), ("flaw", "<i8"), ("source", "<u4"), ("payload", "u1")])
"""Place of a missing hit: its byte, a `Flaw`, the source, and whether it is a whole
payload that may be another detector's."""


@kernel
def check_hit(data: Any, at: Any, length: Any) -> Any:
    """Return what is wrong with the hit in ``length`` bytes from ``at``; 0 if nothing."""
    flaw = 0
    if length < MIN_HIT_BYTES:
        flaw = _BAD_HIT_SIZE
    else:
        size = 2 * read_u32(data, at)
        rate = read_u16(data, at + 4)
        word = read_u32(data, at + 8)
        header = (word >> 12) & 0x1F
        channel_length = (word >> 17) & 0x3FFF
        samples = (read_u32(data, at + 20) >> 16) & 0x7FFF
        if channel_length != header + samples // 2:
            channel_length &= 0x1FFF  # bit 30 was a flag of its own, out of range
        rest = length - size
        if size > length or size < 8 + 4 * channel_length:
            flaw = _BAD_HIT_SIZE
        elif rest not in (0, NULL, LEGACY, COMPLETE):
            flaw = _BAD_EXTENSION
        elif (
            header < 4
            or header > 18
            or header % 2
            or samples % 2
            or channel_length != header + samples // 2
        ):
            flaw = _BAD_HIT_LENGTHS
        elif rate not in (100, 250, 500):
            flaw = _BAD_RATE
    return flaw


@inlined
def _payload_header(data: Any, at: Any, length: Any) -> Any:
    """Bytes before the body of the ring item that fills ``length`` bytes, or -1."""
    header = -1
    if length >= MIN_ITEM_BYTES and read_u32(data, at) == length:
        header = 8 + max(read_u32(data, at + 8), 4)
        if header > length:
            header = -1
    return header


@kernel
def _locate(data: Any, items: Any, places: Any, flaws: Any) -> Any:
    """Fill ``places`` and ``flaws``; how many of each."""
    found = 0
    bad = 0
    for number in range(items.shape[0]):
        kind = np.int64(items[number].type)
        if kind != _PHYSICS and kind != _FRAGMENT:
            continue
        start = np.int64(items[number].offset)
        end = start + np.int64(items[number].size)
        at = start + np.int64(items[number].header)
        timestamp = items[number].timestamp
        source = items[number].source
        built = kind == _PHYSICS and end - at >= 4 and read_u32(data, at) == end - at
        if built:
            at += 4
        while at < end:
            body = at
            length = end - at
            step = length
            if built:
                if length < FRAGMENT_HEADER or read_u32(data, at + 12) > length - FRAGMENT_HEADER:
                    flaws[bad].offset = at
                    flaws[bad].flaw = _BAD_FRAGMENT
                    flaws[bad].source = source
                    flaws[bad].payload = 0
                    bad += 1
                    break
                timestamp = read_u64(data, at)
                source = np.uint32(read_u32(data, at + 8))
                length = read_u32(data, at + 12)
                step = FRAGMENT_HEADER + length
                body += FRAGMENT_HEADER
            if built or kind == _FRAGMENT:
                header = _payload_header(data, body, length)
                if header < 0:
                    flaws[bad].offset = at
                    flaws[bad].flaw = _BAD_FRAGMENT
                    flaws[bad].source = source
                    flaws[bad].payload = 1
                    bad += 1
                    at += step
                    continue
                if read_u32(data, body + 4) != _PHYSICS:
                    at += step  # nothing of a digitiser; it stays as it is
                    continue
                body += header
                length -= header
            flaw = check_hit(data, body, length)
            if flaw:
                flaws[bad].offset = body
                flaws[bad].flaw = flaw
                flaws[bad].source = source
                flaws[bad].payload = 1
                if not built and kind == _PHYSICS and flaw != _BAD_EXTENSION:
                    flaws[bad].offset = start
                    flaws[bad].flaw = _NOT_AN_EVENT
                bad += 1
            else:
                place = places[found]
                place.offset = body
                place.item = number
                place.timestamp = timestamp
                place.source = source
                place.size = 2 * read_u32(data, body)
                place.extension = length - 2 * read_u32(data, body)
                place.trace = (read_u32(data, body + 20) >> 16) & 0x7FFF
                found += 1
            at += step
    return found, bad


@kernel
def _decode(data: Any, places: Any, hits: Any, traces: Any, extensions: Any) -> None:
    sample = np.int64(0)
    raw = extensions.view(np.uint8)
    for k in range(places.shape[0]):
        at = np.int64(places[k].offset)
        hit = hits[k]
        hit.offset = at
        hit.timestamp = places[k].timestamp
        hit.source = places[k].source
        word = read_u32(data, at + 4)
        rate = word & 0xFFFF
        hit.msps = rate
        hit.adc_bits = (word >> 16) & 0xFF
        hit.revision = (word >> 24) & 0xFF
        word = read_u32(data, at + 8)
        hit.channel = word & 0xF
        hit.slot = (word >> 4) & 0xF
        hit.crate = (word >> 8) & 0xF
        header = (word >> 12) & 0x1F
        channel_length = (word >> 17) & 0x3FFF
        hit.pile_up = (word >> 31) & 1
        ticks = read_u32(data, at + 12) | (read_u16(data, at + 16) << 32)
        cfd = read_u16(data, at + 18)
        hit.ticks = ticks
        hit.cfd = cfd
        word = read_u32(data, at + 20)
        hit.energy = word & 0xFFFF
        length = (word >> 16) & 0x7FFF
        hit.trace_length = length
        flagged = (channel_length >> 13) & 1 and channel_length != header + length // 2
        hit.out_of_range = 1 if flagged else (word >> 31) & 1

        failed = cfd >> 15
        if rate == 100:
            tick, correction = 10, (cfd & 0x7FFF) / 32768.0 * 10.0
        elif rate == 250:
            tick, correction = 8, ((cfd & 0x3FFF) / 16384.0 - ((cfd >> 14) & 1)) * 4.0
        else:
            failed = np.int64(1 if cfd >> 13 == 7 else 0)
            tick, correction = 10, ((cfd & 0x1FFF) / 8192.0 + (cfd >> 13) - 1.0) * 2.0
        hit.cfd_failed = failed
        hit.time = ticks * tick + (0.0 if failed else correction)

        extra = header - 4
        optional = 0
        at += 24
        for m in range(4):
            hit.energy_sums[m] = 0
        for m in range(8):
            hit.qdc[m] = 0
        hit.external_timestamp = np.uint64(0)
        if extra & 4:
            optional |= ENERGY_SUMS
            for m in range(4):
                hit.energy_sums[m] = read_u32(data, at + 4 * m)
            at += 16
        if extra & 8:
            optional |= QDC
            for m in range(8):
                hit.qdc[m] = read_u32(data, at + 4 * m)
            at += 32
        if extra & 2:
            optional |= EXTERNAL
            hit.external_timestamp = read_u64(data, at)
            at += 8
        hit.optional = optional
        for m in range(3):
            hit.spare[m] = 0

        traces[2 * sample : 2 * (sample + length)] = data[at : at + 2 * length]
        sample += length

        size = np.int64(places[k].extension)
        start = np.int64(places[k].offset) + np.int64(places[k].size)
        row = k * COMPLETE
        raw[row : row + COMPLETE] = 0
        if size >= LEGACY:
            raw[row : row + size] = data[start : start + size]
        extensions[k].size = size


def locate_hits(
    data: NDArray[np.uint8], items: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Find the hits of a stretch of ring items.

    Args:
        data: the file's bytes.
        items: `ITEM` records, as `index_items` gave them.

    Returns:
        `HIT_LOCATION` records in file order, and `FLAW` records where a hit should be and is not.
    """
    smallest = BODY_HEADER + MIN_ITEM_BYTES + MIN_HIT_BYTES
    relevant = (items["type"] == _PHYSICS) | (items["type"] == _FRAGMENT)
    volume = int(items["size"][relevant].sum(dtype=np.int64))
    places = np.empty(volume // smallest + int(relevant.sum()), HIT_LOCATION)
    flaws = np.empty(volume // FRAGMENT_HEADER + int(relevant.sum()), FLAW)
    found, bad = _locate(data, items, places, flaws)
    return places[:found], flaws[:bad]


def problems_of(flaws: NDArray[np.void]) -> tuple[Problem, ...]:
    """Name `FLAW` records, in file order."""
    listed = zip(flaws["offset"].tolist(), flaws["flaw"].tolist(), strict=True)
    return tuple(Problem(offset, 0, Flaw(flaw)) for offset, flaw in listed)


def digitiser_sources(places: NDArray[np.void], flaws: NDArray[np.void]) -> frozenset[int]:
    """Return the sources whose payloads are hits, by more than half of what they sent.

    Args:
        places: `HIT_LOCATION` records of a whole file.
        flaws: `FLAW` records of it.
    """
    sources, hits = np.unique(places["source"], return_counts=True)
    others = flaws["source"][flaws["payload"] == 1]
    refused = np.array([np.count_nonzero(others == source) for source in sources], np.int64)
    return frozenset(sources[hits > refused].tolist())


def decode_hits(
    data: NDArray[np.uint8], places: NDArray[np.void]
) -> tuple[NDArray[np.void], NDArray[np.uint16], NDArray[np.int64], NDArray[np.void]]:
    """Read the hits that `locate_hits` found.

    Args:
        data: the file's bytes.
        places: `HIT_LOCATION` records.

    Returns:
        `HIT` records (their ``event`` is 0), all traces one after the other, where in there each
        hit's trace starts (one number more than hits), and `EXTENSION` records.
    """
    start = np.zeros(len(places) + 1, np.int64)
    np.cumsum(places["trace"], out=start[1:])
    hits = np.empty(len(places), HIT)
    traces = np.empty(int(start[-1]), np.dtype("<u2"))
    extensions = np.empty(len(places), EXTENSION)
    _decode(data, places, hits, traces.view(np.uint8), extensions)
    hits["event"] = 0
    return hits, traces, start, extensions
