"""Ring items that document a run: format, state changes, scalers, event counts.

NSCLDAQ 12 writes one word more than 11, the source id that the item was made with; which of
the two an item is follows from its length.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from headrace.datarun.events.layout import ItemType

TITLE = 81
"""Bytes of a run's title, with the zero that ends it."""

_STATE = struct.Struct("<4I")
_SCALERS = struct.Struct("<6I")
_COUNT_11 = struct.Struct("<3IQ")
_COUNT_12 = struct.Struct("<4IQ")
_WORD = struct.Struct("<I")
_FORMAT = struct.Struct("<HH")


@dataclass(frozen=True)
class StateChange:
    """The begin or end of a run, or a pause in it.

    Attributes:
        type: which of them.
        run: number of the run.
        seconds: run time at which it happened, s.
        unix_time: seconds since 1970-01-01 UTC.
        title: the run's title.
        original_source: source id that the item was made with; None in NSCLDAQ 11.
        source: source id of the item's body header, else the original one; None without both.
    """

    type: ItemType
    run: int
    seconds: float
    unix_time: int
    title: str
    original_source: int | None = None
    source: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Scalers:
    """Counters, read at intervals.

    Attributes:
        start: run time at which the interval started, s.
        end: run time at which it ended, s.
        unix_time: seconds since 1970-01-01 UTC.
        incremental: whether the counters were cleared at the interval's start.
        values: the counters.
        original_source: source id that the item was made with; None in NSCLDAQ 11.
        source: source id of the item's body header, else the original one; None without both.
    """

    start: float
    end: float
    unix_time: int
    incremental: bool
    values: tuple[int, ...]
    original_source: int | None = None
    source: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class EventCount:
    """Number of physics events that a source has made so far.

    Attributes:
        seconds: run time, s.
        unix_time: seconds since 1970-01-01 UTC.
        events: physics events since the begin of the run.
        original_source: source id that the item was made with; None in NSCLDAQ 11.
        source: source id of the item's body header, else the original one; None without both.
    """

    seconds: float
    unix_time: int
    events: int
    original_source: int | None = None
    source: int | None = field(default=None, compare=False)


def parse_format(body: bytes) -> tuple[int, int]:
    """Major and minor version of a format item's body; raises ValueError if it is too short."""
    if len(body) < _FORMAT.size:
        raise ValueError("too short")
    major, minor = _FORMAT.unpack_from(body)
    return major, minor


def parse_state_change(kind: ItemType, body: bytes) -> StateChange:
    """Read a state change's body; raise ValueError if it is too short."""
    if len(body) < _STATE.size + TITLE:
        raise ValueError("too short")
    run, offset, unix_time, divisor = _STATE.unpack_from(body)
    source = None
    title = body[_STATE.size :]
    if len(body) >= _STATE.size + _WORD.size + TITLE:
        (source,) = _WORD.unpack_from(body, _STATE.size)
        title = title[_WORD.size :]
    text = title[:TITLE].split(b"\0")[0].decode("latin-1")
    return StateChange(kind, run, offset / max(divisor, 1), unix_time, text, source)


def parse_scalers(body: bytes) -> Scalers:
    """Read the body of a scaler item; raise ValueError if it is too short."""
    if len(body) < _SCALERS.size:
        raise ValueError("too short")
    start, end, unix_time, divisor, count, incremental = _SCALERS.unpack_from(body)
    rest = len(body) - _SCALERS.size
    source, at = None, _SCALERS.size
    if rest >= 4 * (count + 1):
        (source,) = _WORD.unpack_from(body, at)
        at += _WORD.size
    elif rest < 4 * count:
        raise ValueError("too short")
    values = struct.unpack_from(f"<{count}I", body, at)
    divisor = max(divisor, 1)
    return Scalers(start / divisor, end / divisor, unix_time, bool(incremental), values, source)


def parse_event_count(body: bytes) -> EventCount:
    """Read the body of an event count; raise ValueError if it is too short."""
    if len(body) >= _COUNT_12.size:
        offset, divisor, unix_time, source, events = _COUNT_12.unpack_from(body)
        return EventCount(offset / max(divisor, 1), unix_time, events, source)
    if len(body) < _COUNT_11.size:
        raise ValueError("too short")
    offset, divisor, unix_time, events = _COUNT_11.unpack_from(body)
    return EventCount(offset / max(divisor, 1), unix_time, events)


def format_body(major: int, minor: int = 0) -> bytes:
    """Return the body of a format item."""
    return _FORMAT.pack(major, minor)


def state_change_body(change: StateChange) -> bytes:
    """Return the body of a state change; of NSCLDAQ 12 if it has an original source id.

    Run time is kept to the millisecond; a title is cut at 80 characters.
    """
    words = _STATE.pack(change.run, round(1000 * change.seconds), change.unix_time, 1000)
    title = change.title.encode("latin-1", "replace")[: TITLE - 1].ljust(TITLE, b"\0")
    return words + _source(change.original_source) + title


def scalers_body(scalers: Scalers) -> bytes:
    """Return the body of a scaler item; of NSCLDAQ 12 if it has an original source id."""
    words = _SCALERS.pack(
        round(1000 * scalers.start),
        round(1000 * scalers.end),
        scalers.unix_time,
        1000,
        len(scalers.values),
        int(scalers.incremental),
    )
    values = struct.pack(f"<{len(scalers.values)}I", *scalers.values)
    return words + _source(scalers.original_source) + values


def event_count_body(count: EventCount) -> bytes:
    """Return the body of an event count; of NSCLDAQ 12 if it has an original source id."""
    words = struct.pack("<3I", round(1000 * count.seconds), 1000, count.unix_time)
    return words + _source(count.original_source) + struct.pack("<Q", count.events)


def _source(source: int | None) -> bytes:
    return b"" if source is None else _WORD.pack(source)
