"""Files of jobs that are complete or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.compute.batch import BatchJobError
from headrace.compute.batch.atomic import write_atomic
from headrace.compute.batch.directory import JobDirectory
from headrace.compute.batch.notices import Notices


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for text in ("one", "\udcff two"):
        write_atomic(tmp_path / "note", text, mode=0o644)
    assert (tmp_path / "note").read_bytes() == b"\xff two"
    assert (tmp_path / "note").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["note"]


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_gets_no_fuller(tmp_path: Path) -> None:
    directory = JobDirectory(tmp_path / "job")
    with pytest.raises(BatchJobError, match="No space left on device"):
        directory.write("command", "sbatch")
    directory.try_write_json("submission.json", {})
    notices = Notices("task", directory.path)
    notices.publish("waits")
    assert list(directory.path.iterdir()) == []
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
