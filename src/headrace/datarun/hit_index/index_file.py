"""Format of an index: a header, histograms, and one record a hit in order of channels."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.channel_names import channel_name
from headrace.datarun.errors import DataRunError

MAGIC: Final = b"HRHITS1\n"

RECORD = np.dtype(
    [
        ("trace", "<i8"),
        ("number", "<u4"),
        ("event", "<u4"),
        ("single", "<f4"),
        ("double", "<f4"),
        ("p_double", "<f4"),
        ("channel", "<u2"),
        ("samples", "<u2"),
        ("energy", "<u2"),
        ("gap", "<u2"),
        ("fits", "u1"),
        ("pulses", "u1"),
        ("flags", "u1"),
        ("spare", "u1"),
    ]
)
"""One hit, 40 bytes: byte of its trace in the segment, its number and its event's there,
chi-square a sample of both fits, probability of two pulses, channel (crate << 8 | slot << 4 |
channel), samples, energy, bytes between trace and extension, bytes of the extension, pulses that
it counts as (0 without a fit), and `PILE_UP`, `OUT_OF_RANGE` as the digitiser says."""

PILE_UP, OUT_OF_RANGE = 1, 2

FITTED_BYTES: Final = 144
"""Bytes of the smallest extension that holds fits."""


@dataclass(frozen=True)
class Axis:
    """Axis of a histogram.

    Attributes:
        name: of the histogram.
        label: of the axis.
        bins: how many.
        low: lower edge of the first.
        high: upper edge of the last.
        is_logarithmic: whether low and high are decadic logarithms.
    """

    name: str
    label: str
    bins: int
    low: float
    high: float
    is_logarithmic: bool = False

    def edges(self) -> NDArray[np.float64]:
        """Return the edges of all bins, one more than bins."""
        edges = np.linspace(self.low, self.high, self.bins + 1)
        return np.asarray(10.0**edges if self.is_logarithmic else edges)


AXES: Final = (
    Axis("energy", "energy (ADC units)", 512, 0.0, 65536.0),
    Axis("height", "height of the pulse (ADC units)", 512, 0.0, 32768.0),
    Axis("quality", "chi-square / sample, one pulse", 80, -4.0, 4.0, is_logarithmic=True),
    Axis("distance", "distance of two pulses (samples)", 100, 0.0, 250.0),
)
"""Histograms of every channel: of all hits, of fitted ones, of those with two pulses."""

BINS: Final = sum(axis.bins for axis in AXES)


@dataclass(frozen=True)
class Stamp:
    """State of a file by which another content is noticed.

    Attributes:
        inode: its number.
        size: bytes.
        mtime_ns: when its content was changed.
        ctime_ns: when it was changed in any way.
    """

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """Return the stamp of a file's status."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def is_young(self, now_ns: int) -> bool:
        """Return whether the file may change again and keep this stamp.

        Clocks of file systems tick, and coarse ones tick in seconds.
        """
        return now_ns - max(self.mtime_ns, self.ctime_ns) < 3_000_000_000


@dataclass(frozen=True)
class ChannelRange:
    """Records of one channel.

    Attributes:
        channel: crate << 8 | slot << 4 | channel.
        first: number of its first record.
        last: number of the record after its last.
        fitted: how many of them hold fits.
        two: how many of these count as two pulses.
    """

    channel: int
    first: int
    last: int
    fitted: int
    two: int

    @property
    def name(self) -> str:
        """Its name, ``c0s02ch05``."""
        return channel_name(self.channel >> 8, (self.channel >> 4) & 15, self.channel & 15)


@dataclass(frozen=True)
class Header:
    """Facts of an indexed segment.

    Attributes:
        source: the segment.
        stamp: of the segment when it was indexed.
        young: whether the segment had been changed just before.
        consumed: bytes up to the end of the last ring item that is whole.
        edges: hash of bytes at the begin of the segment, and before ``consumed``.
        events: physics events.
        hits: hits in them.
        problems: places that cannot be read.
        first_problems: the first of them, as text.
        begin: begin of the run, s since 1970-01-01 UTC; None where the segment has none.
        end: its end, likewise.
        run: number of the run; None where no item says it.
        title: of the run.
        counts: (run time in s, events since the begin of the run) as the acquisition counted.
        channels: by channel.
    """

    source: str
    stamp: Stamp
    young: bool
    consumed: int
    edges: str
    events: int
    hits: int
    problems: int
    first_problems: tuple[str, ...]
    begin: int | None
    end: int | None
    run: int | None
    title: str
    counts: tuple[tuple[float, int], ...]
    channels: tuple[ChannelRange, ...]

    def is_of(self, stamp: Stamp, now_ns: int | None = None) -> bool:
        """Return whether a segment is as it was when it was indexed.

        Args:
            stamp: of the segment now.
            now_ns: the time, ns since 1970-01-01 UTC; now by default.
        """
        now_ns = time.time_ns() if now_ns is None else now_ns
        # What was young is indexed once more when it no longer is: its stamp may lie.
        return stamp == self.stamp and (not self.young or stamp.is_young(now_ns))


@dataclass(frozen=True)
class HitIndex:
    """An index.

    Attributes:
        header: what is known of the segment.
        histograms: counts, shape (channels, `BINS`), in the order of ``AXES``.
        records: `RECORD`, in order of channels, then of the segment; mapped, not read.
    """

    header: Header
    histograms: NDArray[np.uint32]
    records: NDArray[np.void]

    def of_channel(self, channel: int) -> NDArray[np.void]:
        """Return the records of a channel, in the order of the segment."""
        for each in self.header.channels:
            if each.channel == channel:
                return self.records[each.first : each.last]
        return self.records[:0]


def write_index(temporary: Path, index: HitIndex) -> None:
    """Write an index; the caller puts the file into its place.

    Args:
        temporary: where to.
        index: what to write.
    """
    facts = json.dumps(asdict(index.header)).encode()
    facts += b" " * (-(len(MAGIC) + 8 + len(facts)) % 64)
    with temporary.open("wb") as file:
        file.write(MAGIC + len(facts).to_bytes(8, "little") + facts)
        np.ascontiguousarray(index.histograms, "<u4").tofile(file)
        np.ascontiguousarray(index.records).tofile(file)


def read_index(path: Path) -> HitIndex | None:
    """Return an index; None where there is none, or one of another version.

    Args:
        path: the file.

    Raises:
        DataRunError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC) + 8)
            if len(head) < len(MAGIC) + 8 or not head.startswith(MAGIC):
                return None
            length = int.from_bytes(head[len(MAGIC) :], "little")
            header = _header(json.loads(file.read(length)))
            count = len(header.channels) * BINS
            bins = np.fromfile(file, "<u4", count).reshape(len(header.channels), BINS)
            start = len(head) + length + 4 * count
            # The file is never changed in place, so what is mapped stays as it is.
            records = (
                np.memmap(file, RECORD, "r", start, (header.hits,))
                if header.hits
                else np.empty(0, RECORD)
            )
        return HitIndex(header, bins, np.asarray(records))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataRunError(f"{path}: {error.strerror}; remove it, it is made again") from error
    except (ValueError, KeyError, TypeError):
        return None


def _header(facts: dict[str, Any]) -> Header:
    return Header(
        **{
            **facts,
            "stamp": Stamp(**facts["stamp"]),
            "first_problems": tuple(facts["first_problems"]),
            "counts": tuple((float(at), int(events)) for at, events in facts["counts"]),
            "channels": tuple(ChannelRange(**each) for each in facts["channels"]),
        }
    )
