"""Making of an index: a segment is read once, piece by piece; what was added to it is added.

A segment may be written meanwhile, and may be cut short: it is read, not mapped, and the index
ends with the last ring item that is whole.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headrace._internal.atomic import atomic_replacement
from headrace.datarun.errors import DataRunError
from headrace.datarun.events.documents import parse_event_count, parse_state_change
from headrace.datarun.events.hits import decode_hits, digitiser_sources, locate_hits, problems_of
from headrace.datarun.events.index import index_items, item_types
from headrace.datarun.events.layout import ENERGY_SUMS, EXTERNAL, QDC, ItemType
from headrace.datarun.events.problems import Problem
from headrace.datarun.extension import LEGACY, counts_as_two
from headrace.datarun.fit.models import maximum
from headrace.datarun.hit_index.index_file import (
    AXES,
    BINS,
    OUT_OF_RANGE,
    PILE_UP,
    RECORD,
    ChannelRange,
    Header,
    HitIndex,
    Stamp,
    read_index,
    write_index,
)

_PIECE: Final = 1 << 25
_LARGEST_ITEM: Final = 1 << 28
_EDGE: Final = 4096
_MAX_LISTED: Final = 20
_MAX_COUNTS: Final = 400

Report = Callable[[int, int], None]


@dataclass
class _Tally:
    """Contents of a segment, as far as it was read."""

    consumed: int = 0
    events: int = 0
    problems: int = 0
    first_problems: list[str] = field(default_factory=list)
    begin: int | None = None
    end: int | None = None
    run: int | None = None
    title: str = ""
    counts: list[tuple[float, int]] = field(default_factory=list)
    records: list[NDArray[np.void]] = field(default_factory=list)
    histograms: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    hits: int = 0

    @classmethod
    def of(cls, index: HitIndex) -> _Tally:
        header = index.header
        return cls(
            consumed=header.consumed,
            events=header.events,
            problems=header.problems,
            first_problems=list(header.first_problems),
            begin=header.begin,
            end=header.end,
            run=header.run,
            title=header.title,
            counts=list(header.counts),
            records=[np.asarray(index.records)] if header.hits else [],
            histograms={
                each.channel: row.astype(np.int64)
                for each, row in zip(header.channels, index.histograms, strict=True)
            },
            hits=header.hits,
        )


def build_index(
    source: Path, target: Path, report: Report = lambda done, size: None
) -> HitIndex | None:
    """Make the index of a segment, or bring it up to date.

    Args:
        source: the segment.
        target: the index; its directory is there.
        report: called with the bytes that were read, and all bytes, after each piece.

    Returns:
        The new index; None where the one that is there still holds.

    Raises:
        DataRunError: the segment cannot be read, or the index cannot be written.
    """
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DataRunError(f"{source}: cannot be read: {error.strerror}") from error
    try:
        started_at = time.time_ns()
        stamp = Stamp.of(os.fstat(descriptor))
        earlier = read_index(target)
        if earlier is not None and earlier.header.is_of(stamp, started_at):
            return None
        tally = _Tally()
        if earlier is not None and _has_only_grown(descriptor, earlier.header, stamp):
            tally = _Tally.of(earlier)
        _read_pieces(descriptor, source, tally, stamp.size, report)
        edges = _edges(descriptor, tally.consumed)
        index = _finished(source, tally, stamp, stamp.is_young(started_at), edges)
        with atomic_replacement(target) as temporary:
            write_index(temporary, index)
        return index
    except OSError as error:
        raise DataRunError(
            f"{error.filename or source}: {error.strerror}; check the disk and the free space"
        ) from error
    finally:
        os.close(descriptor)


def _has_only_grown(descriptor: int, earlier: Header, stamp: Stamp) -> bool:
    return (
        stamp.inode == earlier.stamp.inode
        and stamp.size > earlier.stamp.size
        and _edges(descriptor, earlier.consumed) == earlier.edges
    )


def _edges(descriptor: int, consumed: int) -> str:
    first = os.pread(descriptor, min(_EDGE, consumed), 0)
    start = max(consumed - _EDGE, 0)
    last = os.pread(descriptor, consumed - start, start)
    return hashlib.blake2b(first + last, digest_size=16).hexdigest()


def _read_pieces(descriptor: int, path: Path, tally: _Tally, size: int, report: Report) -> None:
    length = _PIECE
    while tally.consumed < size:
        wanted = min(length, size - tally.consumed)
        piece = os.pread(descriptor, wanted, tally.consumed)
        is_last = len(piece) < wanted or tally.consumed + wanted == size
        used = _count_piece(piece, path, tally, is_last)
        if not used and is_last:
            break
        if not used and length < _LARGEST_ITEM:
            length *= 2
            continue
        tally.consumed += used or len(piece)
        report(tally.consumed, size)
        if is_last:
            break
        length = _PIECE


def _count_piece(piece: bytes, path: Path, tally: _Tally, is_last: bool) -> int:
    """Count the whole ring items of a piece, and return the bytes up to their end."""
    data = np.frombuffer(piece, np.uint8)
    items, problems = index_items(data, path, "skip")
    used = len(data)
    if problems and problems[-1].offset + problems[-1].length == len(data):
        # Cut off by the end of the piece, or not yet written.
        used = problems[-1].offset
        if not used and not is_last and len(data) < _LARGEST_ITEM:
            return 0
        problems = problems[:-1]
    base = tally.consumed
    types = item_types(data, items)
    _count_documents(data, items, types, tally)
    places, flaws = locate_hits(data, items)
    sources = list(digitiser_sources(places, flaws))
    foreign = (flaws["payload"] == 1) & ~np.isin(flaws["source"], sources)
    found = [*problems, *(problems_of(flaws[~foreign]) if sources else ())]
    tally.problems += len(found)
    room = _MAX_LISTED - len(tally.first_problems)
    tally.first_problems += [
        str(Problem(each.offset + base, each.length, each.flaw)) for each in found[:room]
    ]
    events = np.flatnonzero(types == ItemType.PHYSICS_EVENT)
    if len(places):
        _count_hits(data, places, np.searchsorted(events, places["item"]), tally)
    tally.events += len(events)
    return used


def _count_documents(
    data: NDArray[np.uint8], items: NDArray[np.void], types: NDArray[np.uint32], tally: _Tally
) -> None:
    wanted = (ItemType.BEGIN_RUN, ItemType.END_RUN, ItemType.EVENT_COUNT)
    for number in np.flatnonzero(np.isin(types, wanted)).tolist():
        start, header = int(items["offset"][number]), int(items["header"][number])
        item = data[start : start + int(items["size"][number])].tobytes()
        if items["type"][number] == ItemType.FRAGMENT:
            item = item[header:]
            header = 8 + max(int.from_bytes(item[8:12], "little"), 4)
        kind = ItemType(int(types[number]))
        try:
            if kind == ItemType.EVENT_COUNT:
                count = parse_event_count(item[header:])
                tally.counts.append((count.seconds, count.events))
                continue
            change = parse_state_change(kind, item[header:])
        except ValueError:
            tally.problems += 1
            continue
        tally.run, tally.title = change.run, change.title
        if kind == ItemType.BEGIN_RUN:
            tally.begin = min(change.unix_time, tally.begin or change.unix_time)
        else:
            tally.end = max(change.unix_time, tally.end or 0)


def _count_hits(
    data: NDArray[np.uint8], places: NDArray[np.void], events: NDArray[np.int64], tally: _Tally
) -> None:
    hits, _, _, extensions = decode_hits(data, places)
    records = np.zeros(len(hits), RECORD)
    optional = hits["optional"]
    words = 4 * ((optional & ENERGY_SUMS) > 0) + 8 * ((optional & QDC) > 0)
    words = words + 2 * ((optional & EXTERNAL) > 0)
    start = places["offset"] + 24 + 4 * words
    samples = hits["trace_length"].astype(np.int64)
    records["trace"] = start + tally.consumed
    gap = places["offset"] + places["size"] - start - 2 * samples
    records["gap"] = np.clip(gap, 0, 65535)
    records["fits"] = np.where(gap == records["gap"], places["extension"], 0)
    records["number"] = np.arange(len(hits)) + tally.hits
    records["event"] = events + tally.events
    records["samples"], records["energy"] = samples, hits["energy"]
    channel = hits["crate"].astype(np.int64) << 8 | hits["slot"].astype(np.int64) << 4
    records["channel"] = channel | hits["channel"]
    records["flags"] = hits["pile_up"] * PILE_UP + hits["out_of_range"] * OUT_OF_RANGE
    fitted = records["fits"] >= LEGACY
    single, double = extensions["single"], extensions["double"]
    two = counts_as_two(
        *(extensions["p_single"], extensions["p_double"]),
        *(single["chi_square"], double["chi_square"]),
    )
    records["pulses"] = np.where(fitted, 1 + two, 0)
    per_sample = np.maximum(samples, 1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        records["single"] = np.where(fitted, single["chi_square"] / per_sample, np.nan)
        records["double"] = np.where(fitted, double["chi_square"] / per_sample, np.nan)
        records["p_double"] = np.where(fitted, extensions["p_double"], np.nan)
        quality = np.log10(records["single"].astype(np.float64))
    height = maximum(single["amplitude"], single["steepness"], single["decay"])[1]
    distance = double["pulses"]["position"][:, 1] - double["pulses"]["position"][:, 0]
    values = (hits["energy"].astype(np.float64), height, quality, distance)
    chosen = (np.ones(len(hits), bool), fitted, fitted, fitted & two)
    _fill(tally.histograms, records["channel"], values, chosen)
    tally.records.append(records)
    tally.hits += len(hits)


def _fill(
    histograms: dict[int, NDArray[np.int64]],
    channels: NDArray[np.uint16],
    values: tuple[NDArray[Any], ...],
    chosen: tuple[NDArray[np.bool_], ...],
) -> None:
    present, row = np.unique(channels, return_inverse=True)
    counts = np.zeros((len(present), BINS), np.int64)
    at = 0
    for axis, value, use in zip(AXES, values, chosen, strict=True):
        inside = use & (value >= axis.low) & (value < axis.high)
        step = (axis.high - axis.low) / axis.bins
        bins = np.minimum((value[inside] - axis.low) / step, axis.bins - 1).astype(np.int64)
        flat = np.bincount(row[inside] * axis.bins + bins, minlength=len(present) * axis.bins)
        counts[:, at : at + axis.bins] = flat.reshape(len(present), axis.bins)
        at += axis.bins
    for channel, more in zip(present.tolist(), counts, strict=True):
        histograms[channel] = histograms.get(channel, 0) + more


def _finished(source: Path, tally: _Tally, stamp: Stamp, young: bool, edges: str) -> HitIndex:
    records = np.concatenate(tally.records) if tally.records else np.empty(0, RECORD)
    # Records of before are sorted by channel already; a stable sort leaves each in its order.
    records = records[np.argsort(records["channel"], kind="stable")]
    present, first = np.unique(records["channel"], return_index=True)
    last = np.append(first, len(records))[1:]
    channels = []
    for channel, begin, end in zip(present.tolist(), first.tolist(), last.tolist(), strict=True):
        pulses = records["pulses"][begin:end]
        channels.append(
            ChannelRange(channel, begin, end, int((pulses > 0).sum()), int((pulses == 2).sum()))
        )
    bins = [tally.histograms[channel] for channel in present.tolist()]
    histograms = np.array(bins, np.uint32) if bins else np.empty((0, BINS), np.uint32)
    step = -(-len(tally.counts) // _MAX_COUNTS) or 1
    counts = [*tally.counts[:-1:step], *tally.counts[-1:]]
    header = Header(
        *(os.fsdecode(source), stamp, young, tally.consumed, edges, tally.events, len(records)),
        *(tally.problems, tuple(tally.first_problems), tally.begin, tally.end),
        *(tally.run, tally.title, tuple(counts), tuple(channels)),
    )
    return HitIndex(header, histograms, records)
