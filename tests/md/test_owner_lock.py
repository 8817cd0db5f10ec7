"""The lock of a leg's directory: who holds it, and who goes on without it."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.md import stop_signals
from headrace.md.errors import MdError
from headrace.md.stop_signals import StopSignals


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(stop_signals, "_GRACE", 0.2)
    monkeypatch.setattr(stop_signals, "_LOOK", 0.1)
    directory = tmp_path / "parts"
    directory.mkdir()
    (directory / "run.part0001.xtc").write_bytes(b"frames")
    return directory


def number(parts: Path) -> int:
    return (parts / "run.part0001.xtc").stat().st_ino


def test_a_start_after_the_end_of_another_copies_nothing(parts: Path) -> None:
    before = number(parts)
    for _ in range(2):
        with StopSignals(parts.parent) as stop:
            stop.take_over(parts)
    assert number(parts) == before


def test_who_goes_on_with_copies_holds_a_lock_of_their_own(parts: Path) -> None:
    file = parts / "run.part0001.xtc"
    with ExitStack() as held:
        # Open, as by who writes them: a number that is free would be given again.
        files = [held.enter_context(file.open("rb"))]
        for _ in range(3):
            held.enter_context(StopSignals(parts.parent)).take_over(parts)
            files.append(held.enter_context(file.open("rb")))
        first, suspended, *others = (os.fstat(each.fileno()).st_ino for each in files)
        assert suspended == first
        assert len({first, *others}) == 3, "each has files of its own"
    assert [path.name for path in parts.iterdir()] == ["run.part0001.xtc"]


def test_a_start_that_has_lost_the_leg_does_not_go_on_with_the_lock(parts: Path) -> None:
    with StopSignals(parts.parent) as waiting:
        StopSignals(parts.parent).__enter__().__exit__(None, None, None)
        with pytest.raises(MdError, match="another start of the leg has taken over"):
            waiting.take_over(parts)


def test_copies_of_a_start_that_was_killed_are_removed(parts: Path) -> None:
    (parts / ".run.part0001.xtc.1a2b.tmp").write_bytes(b"half")
    with StopSignals(parts.parent) as stop:
        stop.take_over(parts)
    assert [path.name for path in parts.iterdir()] == ["run.part0001.xtc"]


def test_a_file_system_without_locks_holds_nothing_up(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = number(parts)
    for _ in range(2):
        with StopSignals(parts.parent) as stop:
            stop.take_over(parts)
    assert number(parts) == before
