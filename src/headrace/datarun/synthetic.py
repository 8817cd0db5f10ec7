"""Synthetic runs: segments of built events with pulses, pile-up and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.datarun.events.byteorder import kernel
from headrace.datarun.events.documents import EventCount, Scalers, StateChange
from headrace.datarun.events.encode import encode_events
from headrace.datarun.events.layout import HIT, TICK_NS, ItemType
from headrace.datarun.events.writer import EventWriter
from headrace.datarun.extension import PULSE, no_extensions

_CHUNK = 5000
_LINES = (0.12, 0.35, 0.62)

TRUTH = np.dtype([("pulses", PULSE, (2,)), ("offset", "<f8"), ("count", "<i8")])
"""Make-up of a trace: one or two pulses in order of position, the offset, how many."""


@dataclass(frozen=True)
class SyntheticRun:
    """Parameters of a synthetic run.

    Attributes:
        run: its number.
        segments: how many files.
        events: events in each.
        channels: digitiser channels, 16 to a module.
        hits: mean number of hits in an event, at least 1; no channel is hit twice.
        samples: length of a trace, even.
        noise: standard deviation of a sample, ADC units.
        pile_up: share of traces that hold two pulses.
        rate: events a second of run time.
        msps: sampling rate of the modules, MHz: 100, 250 or 500.
        bits: resolution of the modules; larger samples are cut off.
        version: of the data acquisition, 11 or 12.
        title: of the run.
        start: begin of the run, seconds since 1970-01-01 UTC.
        seed: of all that is random; the same seed gives the same bytes.
    """

    run: int = 1
    segments: int = 2
    events: int = 1000
    channels: int = 8
    hits: float = 2.5
    samples: int = 250
    noise: float = 5.0
    pile_up: float = 0.1
    rate: float = 2000.0
    msps: int = 250
    bits: int = 14
    version: int = 11
    title: str = "synthetic"
    start: int = 1_700_000_000
    seed: int = 1

    def __post_init__(self) -> None:
        if self.msps not in TICK_NS:
            raise ValueError(f"no module samples at {self.msps} MHz; choose 100, 250 or 500")
        if self.samples < 50 or self.samples % 2:
            raise ValueError(f"a trace of {self.samples} samples; choose an even number from 50")
        if not 1 <= self.hits <= self.channels <= 208:
            raise ValueError("choose 1 to 208 channels, and a mean of 1 to as many hits")


@dataclass(frozen=True)
class SyntheticEvents:
    """Events and what they were made of.

    Attributes:
        event_start: where each event's hits start, shape (events + 1,).
        hits: `HIT` records.
        trace_start: where each hit's trace starts, shape (hits + 1,).
        traces: all samples, ADC units.
        truth: `TRUTH` records, one a hit.
    """

    event_start: NDArray[np.int64]
    hits: NDArray[np.void]
    trace_start: NDArray[np.int64]
    traces: NDArray[np.uint16]
    truth: NDArray[np.void]


def synthetic_events(
    run: SyntheticRun, count: int, rng: np.random.Generator, first: int = 0
) -> SyntheticEvents:
    """Make events.

    Args:
        run: what they are like.
        count: how many.
        rng: where all that is random comes from.
        first: number of the first event in the run; its time follows from it.

    Returns:
        The events, with their truth.
    """
    extra = rng.binomial(run.channels - 1, (run.hits - 1) / max(run.channels - 1, 1), count)
    start = np.zeros(count + 1, np.int64)
    np.cumsum(1 + extra, out=start[1:])
    total = int(start[-1])
    event = np.repeat(np.arange(count), np.diff(start))

    order = np.argsort(rng.random((count, run.channels)), axis=1)
    chosen = order[event, np.arange(total) - start[event]]

    tick = TICK_NS[run.msps]
    gaps = rng.exponential(0.1, count)
    event_ns = (first + np.arange(count) + gaps) / run.rate * 1e9
    time = event_ns[event] + rng.uniform(0, 200, total) + 3.0 * chosen
    by_time = np.lexsort((time, event))  # an event builder gives fragments in order of time
    chosen, time = chosen[by_time], time[by_time]

    truth = _truth(run, chosen, rng)
    # Float32 noise halves the time; a sample is rounded to whole ADC units anyway.
    samples = run.noise * rng.standard_normal((total, run.samples), np.float32)
    _add_pulses(truth["pulses"].view("<f8").reshape(total, 8), truth["offset"], samples)
    largest = (1 << run.bits) - 1
    traces = np.clip(np.rint(samples), 0, largest).astype(np.uint16)

    hits = np.zeros(total, HIT)
    hits["event"] = event
    hits["time"] = time
    hits["ticks"], hits["cfd"] = _clock(time, run.msps)
    hits["timestamp"] = hits["ticks"] * np.uint64(tick)
    hits["source"] = 1
    hits["energy"] = np.clip(truth["pulses"]["amplitude"].max(axis=1) * 4, 0, 65535)
    hits["msps"], hits["adc_bits"], hits["revision"] = run.msps, run.bits, 15
    hits["channel"], hits["slot"] = chosen % 16, 2 + chosen // 16
    hits["trace_length"] = run.samples
    hits["pile_up"] = (truth["count"] == 2) & (rng.random(total) < 0.5)
    hits["out_of_range"] = (traces == largest).any(axis=1)
    rows = np.arange(total + 1, dtype=np.int64) * run.samples
    return SyntheticEvents(start, hits, rows, traces.reshape(-1), truth)


def _clock(time: NDArray[np.float64], msps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the ticks and the raw CFD word that give times in ns.

    As modules of a rate write them.
    """
    tick = TICK_NS[msps]
    # A CFD time counts from some ns before the tick: what its source bits can take away.
    step, bits, before = {100: (10.0, 15, 0), 250: (4.0, 14, 1), 500: (2.0, 13, 1)}[msps]
    ticks = np.floor((time + before * step) / tick).astype(np.int64)
    steps = (time - ticks * tick) / step + before
    source = np.floor(steps).astype(np.int64)
    fraction = np.minimum((steps - source) * (1 << bits), (1 << bits) - 1).astype(np.int64)
    if msps == 250:
        # Its one source bit takes 4 ns away, where those of 500 MHz add 2 ns each.
        source = 1 - source
    return ticks, fraction | (source << bits)


def _truth(
    run: SyntheticRun, channel: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.void]:
    total = len(channel)
    truth = np.zeros(total, TRUTH)
    truth["offset"] = 300 + 10 * channel
    pulses = truth["pulses"]
    scale = (1 << run.bits) / 2 * (1 - 0.02 * (channel % 16))
    line = np.choose(rng.integers(0, len(_LINES) + 1, total), [*_LINES, 0.0])
    background = rng.exponential(0.15, total) + 0.02
    share = np.where(line > 0, line * rng.normal(1, 0.01, total), background)
    pulses["amplitude"][:, 0] = share * scale
    pulses["position"][:, 0] = run.samples * rng.uniform(0.2, 0.4, total)
    pulses["steepness"][:, 0] = 0.3 + 0.02 * (channel % 16)
    pulses["decay"][:, 0] = 0.02 + 0.001 * (channel % 16)

    double = rng.random(total) < run.pile_up
    pulses[:, 1][double] = pulses[:, 0][double]
    pulses["amplitude"][double, 1] *= rng.uniform(0.3, 1.2, int(double.sum()))
    pulses["position"][double, 1] += run.samples * rng.uniform(0.06, 0.4, int(double.sum()))
    truth["count"] = 1 + double
    return truth


@kernel
def _add_pulses(pulses: Any, offsets: Any, samples: Any) -> None:
    for k in range(samples.shape[0]):
        for sample in range(samples.shape[1]):
            value = offsets[k]
            for pulse in (0, 4):
                amplitude = pulses[k, pulse + 1]
                if amplitude > 0.0:
                    x = sample - pulses[k, pulse]
                    value += (
                        amplitude
                        * np.exp(-pulses[k, pulse + 3] * x)
                        / (1.0 + np.exp(-pulses[k, pulse + 2] * x))
                    )
            samples[k, sample] += value


def segment_name(run: int, segment: int) -> str:
    """Return the name of a segment's file: ``run-0007-00.evt``."""
    return f"run-{run:04d}-{segment:02d}.evt"


def _chunks(run: SyntheticRun) -> Iterator[tuple[int, int]]:
    for done in range(0, run.events, _CHUNK):
        yield done, min(_CHUNK, run.events - done)


def write_segment(directory: Path, run: SyntheticRun, segment: int) -> Path:
    """Write one segment of a run.

    The first segment holds the begin of the run, the last one its end; scalers and event counts
    follow every few thousand events.

    Args:
        directory: where to; it exists.
        run: what the run is like.
        segment: number of the segment, from 0.

    Returns:
        The file.

    Raises:
        EventFileError: it cannot be written.
    """
    path = directory / segment_name(run.run, segment)
    rng = np.random.default_rng([run.seed, run.run, segment])
    source = 0 if run.version == 12 else None
    before = segment * run.events

    def seconds(events: int) -> float:
        return events / run.rate

    def unix(events: int) -> int:
        return run.start + int(seconds(events))

    def state(kind: ItemType, events: int) -> StateChange:
        return StateChange(kind, run.run, seconds(events), unix(events), run.title, source)

    with EventWriter(path, run.version) as writer:
        writer.write_format()
        if segment == 0:
            writer.write_state_change(state(ItemType.BEGIN_RUN, 0))
        for done, count in _chunks(run):
            first = before + done
            made = synthetic_events(run, count, rng, first)
            writer.write_items(
                encode_events(
                    made.event_start,
                    made.hits,
                    made.trace_start,
                    made.traces,
                    no_extensions(len(made.hits)),
                )
            )
            after = first + count
            counts = np.bincount(
                made.hits["channel"] + 16 * (made.hits["slot"].astype(int) - 2),
                minlength=run.channels,
            )
            writer.write_scalers(
                Scalers(
                    seconds(first),
                    seconds(after),
                    unix(after),
                    True,
                    tuple(counts.tolist()),
                    source,
                )
            )
            writer.write_event_count(EventCount(seconds(after), unix(after), after, source))
        if segment == run.segments - 1:
            writer.write_state_change(state(ItemType.END_RUN, before + run.events))
    return path


def write_run(directory: Path, run: SyntheticRun) -> tuple[Path, ...]:
    """Write a whole run as ``DIRECTORY/runNNNN/run-NNNN-SS.evt``.

    Args:
        directory: the raw-data directory.
        run: what the run is like.

    Returns:
        The segments' files.

    Raises:
        EventFileError: one cannot be written.
    """
    place = directory / f"run{run.run:04d}"
    place.mkdir(parents=True, exist_ok=True)
    return tuple(write_segment(place, run, segment) for segment in range(run.segments))
