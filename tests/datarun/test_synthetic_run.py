"""Synthetic runs: what was asked for, the same for the same seed, readable by the room itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.errors import EventFileError
from headrace.datarun.events import EventFile, ItemType
from headrace.datarun.synthetic import (
    SyntheticRun,
    segment_name,
    synthetic_events,
    write_run,
    write_segment,
)


@pytest.mark.parametrize("version", [11, 12])
def test_a_run_has_its_documents_in_order(version: int, tmp_path: Path) -> None:
    run = SyntheticRun(run=42, segments=3, events=30, samples=60, version=version, title="beam")
    files = write_run(tmp_path, run)
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [
        f"run0042/run-0042-{segment:02d}.evt" for segment in range(3)
    ]
    read = [EventFile(path) for path in files]
    assert [f.version for f in read] == [(version, 0)] * 3
    assert [[c.type for c in f.state_changes] for f in read] == [
        [ItemType.BEGIN_RUN],
        [],
        [ItemType.END_RUN],
    ]
    begin = read[0].state_changes[0]
    assert (begin.run, begin.title) == (42, "beam")
    assert begin.original_source == (0 if version == 12 else None)
    assert [f.event_counts[-1].events for f in read] == [30, 60, 90]
    for file in read:
        batch = file.read()
        counts = np.bincount(batch.hits["channel"], minlength=8)
        assert file.scalers[-1].values == tuple(counts.tolist())
        assert batch.events == 30
        assert set(np.diff(batch.trace_start)) == {60}


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    run = SyntheticRun(events=20, samples=60)
    first = write_segment(tmp_path, run, 0).read_bytes()
    assert write_segment(tmp_path, run, 0).read_bytes() == first
    other = SyntheticRun(events=20, samples=60, seed=2)
    assert write_segment(tmp_path, other, 0).read_bytes() != first
    assert [p.name for p in tmp_path.iterdir()] == [segment_name(1, 0)]


def test_traces_are_their_pulses_and_noise() -> None:
    run = SyntheticRun(pile_up=0.5, noise=2.0, hits=3.0)
    made = synthetic_events(run, 400, np.random.default_rng(5))
    x = np.arange(run.samples)
    truth = made.truth
    assert 0.4 < np.mean(truth["count"] == 2) < 0.6
    assert 2.8 < len(made.hits) / 400 < 3.2
    expected = np.repeat(truth["offset"][:, None], run.samples, axis=1)
    for k in (0, 1):
        pulse = truth["pulses"][:, k, None]
        shift = x - pulse["position"]
        expected += (
            pulse["amplitude"]
            * np.exp(-pulse["decay"] * shift)
            / (1 + np.exp(-pulse["steepness"] * shift))
        )
    rest = made.traces.reshape(-1, run.samples) - expected
    inside = expected < (1 << run.bits) - 20
    assert abs(rest[inside].mean()) < 0.05
    assert abs(rest[inside].std() - 2.0) < 0.1
    doubles = truth[truth["count"] == 2]["pulses"]["position"]
    assert np.all(doubles[:, 1] > doubles[:, 0])


def test_hits_of_an_event_are_in_order_of_time_and_of_different_channels() -> None:
    made = synthetic_events(SyntheticRun(hits=4.0), 200, np.random.default_rng(5))
    for first, last in zip(made.event_start[:-1], made.event_start[1:], strict=True):
        hits = made.hits[first:last]
        assert np.all(np.diff(hits["ticks"].astype(np.int64)) >= 0)
        assert len(set(hits["channel"].tolist())) == len(hits) > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"msps": 125}, "no module samples at 125 MHz"),
        ({"samples": 51}, "a trace of 51 samples"),
        ({"hits": 9.0}, "a mean of 1 to as many hits"),
    ],
)
def test_runs_that_no_module_could_make_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticRun(**wrong)  # type: ignore[arg-type]


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(EventFileError, match="cannot be written") as error:
        write_segment(tmp_path / "missing", SyntheticRun(events=1), 0)
    assert "missing" in str(error.value)


@pytest.mark.parametrize("msps", [100, 250, 500])
def test_times_survive_the_modules_clock(msps: int, tmp_path: Path) -> None:
    run = SyntheticRun(events=200, msps=msps, samples=60)
    path = write_segment(tmp_path, run, 0)
    made = synthetic_events(run, 200, np.random.default_rng([run.seed, run.run, 0]))
    hits = EventFile(path).read().hits
    assert hits["cfd_failed"].tolist() == [0] * len(hits)
    assert np.abs(hits["time"] - made.hits["time"]).max() < 1e-3
