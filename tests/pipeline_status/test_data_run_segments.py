"""The status of segments from what stands in a data run's directories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.pipeline_status import DataRunPlaces, list_segment_status


@pytest.fixture
def places(tmp_path: Path) -> DataRunPlaces:
    raw, staging = tmp_path / "runs" / "run0007", tmp_path / "scratch" / "run0007"
    for number in range(5):
        put(raw / f"run-0007-{number:02d}.evt", b"events" * (number + 1))
    for number in range(4):
        put(staging / "raw" / f"run-0007-{number:02d}.evt", b"events" * (number + 1))
    for number in range(2):
        output(staging / "fitted" / f"run-0007-{number:02d}-fitted.evt", {"hits": 9, "seconds": 3})
    output(staging / "converted" / "run-0007-00.root", {})
    (staging / "unfinished" / "fit-02-a1b2c3").mkdir(parents=True)
    return DataRunPlaces(raw, staging)


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def output(path: Path, facts: dict[str, int]) -> None:
    put(path, b"made")
    put(path.with_name(f"{path.name}.done.json"), json.dumps({"facts": facts}).encode())


def states(places: DataRunPlaces, *, is_active: bool = True) -> list[str]:
    return [each.state for each in list_segment_status(places, is_active=is_active)]


def test_each_segment_has_the_state_of_its_furthest_product(places: DataRunPlaces) -> None:
    assert states(places) == ["converted", "fitted", "in work", "at the cluster", "arrived"]
    first, second, third, *_ = list_segment_status(places, is_active=True)
    assert first.facts == {"hits": 9, "seconds": 3}
    assert second.best_file.name == "run-0007-01-fitted.evt"
    assert third.best_file.parent.name == "raw"
    assert [first.bytes, second.bytes, third.bytes] == [6, 12, 18]


def test_what_was_begun_has_failed_once_the_run_has_ended(places: DataRunPlaces) -> None:
    assert states(places, is_active=False)[2] == "failed"


def test_an_output_without_its_record_is_not_there(places: DataRunPlaces) -> None:
    assert places.staging
    (places.staging / "fitted" / "run-0007-01-fitted.evt.done.json").unlink()
    assert states(places)[1] == "at the cluster"


def test_a_damaged_record_has_no_facts(places: DataRunPlaces) -> None:
    assert places.staging
    (places.staging / "fitted" / "run-0007-01-fitted.evt.done.json").write_text("[half")
    segment = list_segment_status(places, is_active=True)[1]
    assert (segment.state, segment.facts) == ("fitted", {})


@pytest.mark.parametrize("name", ["run-7.evt", "notes.txt", "run-0007-01.evt.part", ".run-1-1.evt"])
def test_other_files_are_no_segments(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert list_segment_status(DataRunPlaces(tmp_path), is_active=False) == []


def test_directories_that_are_not_there_hold_nothing(tmp_path: Path) -> None:
    nowhere = DataRunPlaces(tmp_path / "raw", tmp_path / "staging")
    assert list_segment_status(nowhere, is_active=True) == []
