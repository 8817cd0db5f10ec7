"""Hits: read as a plain reading of the layout reads them, and written back the same."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.datarun.errors import EventFileError
from headrace.datarun.events import HIT, EventFile, Flaw, ItemType, encode_events, ring_item
from headrace.datarun.extension import EXTENSION, no_extensions
from headrace.datarun.synthetic import SyntheticRun, synthetic_events
from tests.support.datarun import reference_reader
from tests.support.datarun.small_files import built, encoded, one_hit
from tests.support.examples import examples

SHARED = ("msps", "adc_bits", "revision", "channel", "slot", "crate", "pile_up", "ticks", "cfd")
SHARED += ("energy", "out_of_range")


def test_a_segment_is_read_as_by_hand(segment: Path) -> None:
    with EventFile(segment) as file:
        batch = file.read()
        events = [item for item in reference_reader.items(segment.read_bytes()) if item[4] == 30]
        assert batch.events == len(events) == 120
        k = 0
        for number, event in enumerate(events):
            assert batch.event_start[number] == k
            for timestamp, source, inner in reference_reader.fragments(event):
                plain = reference_reader.hit(reference_reader.body(inner))
                hit = batch.hits[k]
                assert {name: int(hit[name]) for name in SHARED} == {n: plain[n] for n in SHARED}
                assert (int(hit["timestamp"]), int(hit["source"])) == (timestamp, source)
                assert int(hit["event"]) == number
                assert batch.trace(k).tolist() == plain["trace"]
                k += 1
        assert batch.event_start[-1] == k == len(batch.hits)


def test_batches_together_are_the_whole(segment: Path) -> None:
    file = EventFile(segment)
    whole = file.read()
    parts = list(file.batches(size=5000))
    assert len(parts) > 5
    assert [p.first for p in parts] + [len(file)] == [0] + [p.last for p in parts]
    assert np.concatenate([p.traces for p in parts]).tobytes() == whole.traces.tobytes()
    assert np.concatenate([p.event_items for p in parts]).tolist() == whole.event_items.tolist()
    plain = np.concatenate([p.hits for p in parts])
    plain["event"] = whole.hits["event"]
    assert plain.tobytes() == whole.hits.tobytes()


WORD = st.integers(0, 2**32 - 1)


@st.composite
def some_hits(draw: st.DrawFn) -> tuple[np.ndarray, list[list[int]]]:
    count = draw(st.integers(0, 6))
    hits = np.zeros(count, HIT)
    traces = []
    for hit in hits:
        hit["timestamp"] = draw(st.integers(0, 2**64 - 1))
        hit["source"] = draw(WORD)
        hit["ticks"] = draw(st.integers(0, 2**48 - 1))
        hit["msps"] = draw(st.sampled_from([100, 250, 500]))
        hit["cfd"], hit["energy"] = draw(st.integers(0, 65535)), draw(st.integers(0, 65535))
        for name in ("channel", "slot", "crate"):
            hit[name] = draw(st.integers(0, 15))
        for name in ("adc_bits", "revision"):
            hit[name] = draw(st.integers(0, 255))
        for name in ("pile_up", "out_of_range"):
            hit[name] = draw(st.integers(0, 1))
        hit["optional"] = optional = draw(st.integers(0, 7))
        if optional & 1:
            hit["external_timestamp"] = draw(st.integers(0, 2**64 - 1))
        if optional & 2:
            hit["energy_sums"] = draw(st.lists(WORD, min_size=4, max_size=4))
        if optional & 4:
            hit["qdc"] = draw(st.lists(WORD, min_size=8, max_size=8))
        traces.append(draw(st.lists(st.integers(0, 65535), max_size=10).map(_even)))
    return hits, traces


def _even(samples: list[int]) -> list[int]:
    return samples if len(samples) % 2 == 0 else samples[1:]


def _read(data: bytes, tmp: Path, on_corrupt: Any = "refuse") -> Any:
    path = tmp / "some.evt"
    path.write_bytes(data)
    return EventFile(path, on_corrupt).read()


@examples(60)
@given(some_hits(), st.sampled_from([0, 4, 144, 168]), st.randoms(use_true_random=False))
def test_hits_survive_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory,
    made: tuple[np.ndarray, list[list[int]]],
    size: int,
    random: Any,
) -> None:
    hits, traces = made
    extensions = no_extensions(len(hits))
    raw = extensions.view(np.uint8)
    if size >= 144:
        raw[:] = np.frombuffer(random.randbytes(raw.size), np.uint8)
        raw.reshape(len(hits), 168)[:, size:] = 0
    extensions["size"] = size
    batch = _read(encoded(hits, traces, extensions), tmp_path_factory.mktemp("hits"))
    used = [n for n in HIT.names or () if n not in ("offset", "time", "event", "trace_length")]
    for name in used:
        if name != "cfd_failed":
            assert batch.hits[name].tolist() == hits[name].tolist(), name
    assert [batch.trace(k).tolist() for k in range(len(hits))] == traces
    assert batch.hits["trace_length"].tolist() == [len(t) for t in traces]
    assert batch.extensions.tobytes() == extensions.tobytes()


@pytest.mark.parametrize(
    ("msps", "cfd", "time", "failed"),
    [
        (100, 0x4000, 1000 * 10 + 5.0, 0),
        (100, 0xC000, 1000 * 10, 1),
        (250, 0x2000, 1000 * 8 + 2.0, 0),
        (250, 0x6000, 1000 * 8 - 2.0, 0),
        (250, 0xA000, 1000 * 8, 1),
        (500, 0x1000, 1000 * 10 - 1.0, 0),
        (500, 0x9000, 1000 * 10 + 7.0, 0),
        (500, 0xF000, 1000 * 10, 1),
    ],
)
def test_times_follow_the_modules_clock_and_cfd(
    msps: int, cfd: int, time: float, failed: int, tmp_path: Path
) -> None:
    hits = np.zeros(1, HIT)
    hits["msps"], hits["cfd"], hits["ticks"] = msps, cfd, 1000
    batch = _read(encoded(hits, [[1, 2]], no_extensions(1)), tmp_path)
    assert batch.hits["time"].tolist() == [time]
    assert batch.hits["cfd_failed"].tolist() == [failed]


def test_hits_that_were_never_built_into_events_are_read(tmp_path: Path) -> None:
    single = ring_item(30, one_hit(), source=3, timestamp=77)
    fragment = ring_item(40, single, source=4, timestamp=78)
    batch = _read(single + fragment + single, tmp_path)
    assert batch.events == 3
    assert batch.hits["channel"].tolist() == [5, 5, 5]
    assert batch.hits["timestamp"].tolist() == [77, 78, 77]
    assert batch.hits["source"].tolist() == [3, 4, 3]


def patched(body: bytes, at: int, value: int) -> bytes:
    return body[:at] + struct.pack("<I", value) + body[at + 4 :]


# What is made of a good hit is made in the test: each worker collects all tests, and encoding a
# hit compiles the encoder in every worker of a new tree.
@pytest.mark.parametrize(
    ("spoil", "flaw"),
    [
        pytest.param(lambda hit: hit + b"five!", Flaw.BAD_EXTENSION, id="extension"),
        pytest.param(lambda hit: hit[:20], Flaw.BAD_HIT_SIZE, id="too short"),
        pytest.param(lambda hit: patched(hit, 0, 400), Flaw.BAD_HIT_SIZE, id="too long"),
        pytest.param(lambda hit: patched(hit, 20, 6 << 16), Flaw.BAD_HIT_LENGTHS, id="trace"),
        pytest.param(lambda hit: patched(hit, 4, 123), Flaw.BAD_SAMPLING_RATE, id="rate"),
    ],
)
def test_a_bad_hit_is_located_and_its_neighbours_are_kept(
    spoil: Callable[[bytes], bytes], flaw: Flaw, tmp_path: Path
) -> None:
    bad = spoil(one_hit())
    good = ring_item(30, one_hit(), source=1)
    data = built(good, ring_item(30, bad, source=1), good)
    offset = data.index(ring_item(30, bad, source=1)) + 28
    batch = _read(data, tmp_path, "skip")
    assert len(batch.hits) == 2
    assert [(p.offset, p.flaw) for p in batch.problems] == [(offset, flaw)]
    with pytest.raises(EventFileError, match=f"some.evt, byte {offset}: ") as error:
        _read(data, tmp_path)
    assert error.value.offset == offset
    assert "\n" not in str(error.value)


def test_a_fragment_that_overruns_its_event_ends_that_event_alone(tmp_path: Path) -> None:
    good = ring_item(30, one_hit(), source=1)
    event = built(good, good)
    at = 28 + 4 + 20 + len(good) + 12
    batch = _read(patched(event, at, 10_000) + event, tmp_path, "skip")
    assert batch.event_start.tolist() == [0, 1, 3]
    assert [p.flaw for p in batch.problems] == [Flaw.BAD_FRAGMENT]


def test_fragments_of_other_devices_are_no_hits(tmp_path: Path) -> None:
    scalers = ring_item(ItemType.SCALERS, bytes(24), source=1)
    batch = _read(built(scalers, ring_item(30, one_hit(), source=1)), tmp_path)
    assert (len(batch.hits), batch.problems) == (1, ())


def test_traces_of_equal_length_are_a_matrix(segment: Path, tmp_path: Path) -> None:
    batch = EventFile(segment).read()
    rows = batch.trace_rows()
    assert rows.shape == (len(batch.hits), 100)
    assert rows.base is not None
    chosen = np.array([5, 2, 9])
    assert batch.trace_rows(chosen).tolist() == rows[chosen].tolist()
    mixed = np.zeros(2, HIT)
    mixed["msps"] = 100
    other = _read(encoded(mixed, [[1, 2], []], np.zeros(2, EXTENSION)), tmp_path)
    with pytest.raises(ValueError, match="different lengths"):
        other.trace_rows()


def test_traces_that_the_format_cannot_hold_are_refused() -> None:
    run = SyntheticRun(hits=1.0, channels=1)
    made = synthetic_events(run, 1, np.random.default_rng(1))
    for samples in (3, 32_740):
        with pytest.raises(ValueError, match="even number of samples"):
            encode_events(
                made.event_start,
                made.hits,
                np.array([0, samples]),
                np.zeros(samples, np.uint16),
                no_extensions(1),
            )
