"""Whether a run has ended, told by the end of its last segment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from headrace.datarun.end_of_run import MARKER, main, run_end
from headrace.datarun.errors import DataRunError
from headrace.datarun.events import EventFile, ring_item
from headrace.datarun.segment_ends import read_ending
from headrace.datarun.synthetic import SyntheticRun, write_run


@pytest.fixture(params=[11, 12])
def directory(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    run = SyntheticRun(run=7, segments=3, events=20, samples=60, version=request.param)
    return write_run(tmp_path, run)[0].parent


def test_a_whole_run_has_ended_when_its_end_item_says(directory: Path) -> None:
    end = run_end(directory)
    assert end.ended
    with EventFile(directory / "run-0007-02.evt") as file:
        assert end.unix_time == file.state_changes[-1].unix_time


def test_a_run_without_its_last_segment_has_not_ended(directory: Path) -> None:
    (directory / "run-0007-02.evt").unlink()
    assert run_end(directory).missing == "the end of the run in run-0007-01.evt"


def test_a_segment_that_comes_late_is_missed(directory: Path) -> None:
    (directory / "run-0007-01.evt").unlink()
    assert run_end(directory).missing == "segment 01"


def test_an_empty_directory_waits_for_a_segment(tmp_path: Path) -> None:
    assert run_end(tmp_path).missing == "a first segment"


@pytest.mark.parametrize("cut", [1, 40, 120, 5000])
def test_a_segment_that_is_cut_off_has_no_end(directory: Path, cut: int) -> None:
    last = directory / "run-0007-02.evt"
    last.write_bytes(last.read_bytes()[:-cut])
    assert not run_end(directory).ended


def test_a_marker_ends_a_run_that_was_cut_off(directory: Path) -> None:
    (directory / "run-0007-02.evt").unlink()
    (directory / MARKER).touch()
    assert run_end(directory).ended
    assert run_end(directory).unix_time is None


@pytest.mark.parametrize(("kind", "ended"), [(20, True), (2, True), (0x8001, True), (30, False)])
def test_behind_the_end_may_stand_anything_but_events(
    directory: Path, kind: int, ended: bool
) -> None:
    last = directory / "run-0007-02.evt"
    with last.open("ab") as file:
        file.write(ring_item(kind, bytes(120), source=1, timestamp=5))
    assert run_end(directory).ended == ended


def test_an_abnormal_end_is_an_end(directory: Path) -> None:
    last = directory / "run-0007-02.evt"
    with EventFile(last) as file:
        end = int(file.index["offset"][-1])
    data = bytearray(last.read_bytes())
    data[end + 4 : end + 8] = (5).to_bytes(4, "little")
    last.write_bytes(data)
    assert run_end(directory).ended


def test_no_segment_but_the_last_ends_a_run(directory: Path) -> None:
    ends = [read_ending(path).closed for path in sorted(directory.iterdir())]
    assert ends == [False, False, True]


def test_the_reference_run_has_ended(reference_data: Path) -> None:
    path = reference_data / "events" / "run-0000-00.evt"
    with EventFile(path) as file:
        assert read_ending(path).unix_time == file.state_changes[-1].unix_time


def test_two_runs_in_one_directory_are_refused(directory: Path) -> None:
    (directory / "run-0008-00.evt").touch()
    with pytest.raises(DataRunError, match="segments of runs 7, 8"):
        run_end(directory)


def test_the_program_answers_by_its_exit_code(directory: Path, repository: Path) -> None:
    script = repository / "job_scripts" / "data_run_ended.py"

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(script), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert call(str(directory)).returncode == 0
    (directory / "run-0007-02.evt").unlink()
    told = call(str(directory))
    assert (told.returncode, told.stdout) == (1, "the end of the run in run-0007-01.evt\n")
    wrong = call(str(directory / "nowhere"))
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1


def test_wrong_usage_is_neither_yes_nor_no() -> None:
    assert main([]) == 2
