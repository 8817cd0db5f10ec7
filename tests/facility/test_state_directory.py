"""Directory of a facility's state: where it may lie, and what is said where it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.facility import (
    FacilityError,
    Settings,
    facility_status,
    start_facility,
    state_directory,
    stop_facility,
)
from tests.support.installed_program import headrace


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/dev/null", "is no directory"),
        ("{tmp}/file", "is no directory"),
        ("{tmp}/file/below", "{tmp}/file is no directory"),
        ("state", "is no absolute path"),
        ("./state", "is no absolute path"),
        ("~nobody-has-this-name/state", "is below a home that nobody has"),
        ("{tmp}/two\nlines", "has a control character"),
        ("{tmp}/state\u200b", "has an invisible character"),
    ],
)
def test_a_directory_for_the_state_that_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "headrace.toml").touch()
    monkeypatch.setenv("HEADRACE_STATE", value.replace("{tmp}", str(tmp_path)))
    for command in ("up", "status", "down"):
        done = headrace("facility", command, "-C", str(tmp_path))
        (line,) = done.stderr.splitlines()
        assert done.returncode == 1
        assert line.startswith("error: HEADRACE_STATE=")
        assert told.replace("{tmp}", str(tmp_path)) in line
        assert line.endswith("name a directory on a local disk that is yours, or unset it")
    assert not (tmp_path / "state").exists()


def test_a_directory_for_the_state_without_rights_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "others" / "state"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(FacilityError, match=f"{tmp_path} cannot be written: name a directory"):
        state_directory(tmp_path / "project")


def test_an_empty_directory_for_the_state_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_STATE", "")
    assert state_directory(tmp_path) == tmp_path / ".headrace"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HEADRACE_STATE", "~/state")
    assert state_directory(tmp_path / "p").parent == tmp_path / "state"


def test_how_far_the_disk_is_waited_for_is_one_of_sqlites_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headrace.toml").touch()
    monkeypatch.setenv("HEADRACE_SYNCHRONOUS", "fast")
    done = headrace("facility", "up", "-C", str(tmp_path))
    assert done.returncode == 1
    assert "HEADRACE_SYNCHRONOUS=fast: must be one of FULL, EXTRA, NORMAL, OFF" in done.stderr


def test_the_state_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "local"))
    start_facility(root, Settings())
    try:
        monkeypatch.delenv("HEADRACE_STATE")
        found = state_directory(root)
        assert found.parent == tmp_path / "local"
        assert (found / "facility.db").exists()
        assert not (root / ".headrace" / "facility.db").exists()
        assert facility_status(root)["well"]
    finally:
        assert stop_facility(root)


def test_a_network_file_system_has_no_log_that_needs_shared_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.facility.store import opening
    from tests.support.facility.scripted_engine import Bench

    monkeypatch.setattr(opening, "file_system", lambda directory: "nfs4")
    bench = Bench(tmp_path / "state" / "facility.db")
    mode = bench.store.reader().execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == "truncate"
    for _ in range(20):
        bench.ended(bench.start({"A": {"Type": "Pass", "End": True}}))
    assert not bench.path.with_name("facility.db-wal").exists()
    bench.close()
    bench.open()
    bench.close()
