"""Killed before and after every commit, the engine comes to the same end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import EARLIER_STORES, SOURCE, SUPPORT

Drive = Callable[..., subprocess.CompletedProcess[str]]
DRIVER = SUPPORT / "facility" / "engine_crash_program.py"


@pytest.fixture(scope="module")
def drive() -> Iterator[Drive]:
    """Run the engine in a directory, killed at a commit if one is named."""
    program = subprocess.Popen(
        [sys.executable, str(DRIVER)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    commands, answers = program.stdin, program.stdout

    def call(directory: Path, at: int = 0, when: str = "") -> subprocess.CompletedProcess[str]:
        commands.write(json.dumps({"directory": str(directory), "at": at, "when": when}) + "\n")
        commands.flush()
        told = json.loads(answers.readline())
        return subprocess.CompletedProcess([], told["code"], told["out"], told["err"])

    yield call
    commands.close()
    assert program.wait(120) == 0


def outcome(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def effects(directory: Path) -> dict[str, Counter[str]]:
    """What was done to the world: how often each action was begun, by its id."""
    found: dict[str, Counter[str]] = {}
    for line in (directory / "effects").read_text().splitlines():
        what, action, _, state = line.split()
        found.setdefault(what, Counter())[f"{state} {action}"] += 1
    return found


def answered(directory: Path) -> set[str]:
    """The ids of the runs whose start was answered before the kill."""
    path = directory / "answered"
    return set(path.read_text().split()) if path.exists() else set()


def without_ids(told: dict[str, Any]) -> dict[str, Any]:
    return {name: {**run, "ids": len(run["ids"])} for name, run in told.items()}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_any_commit_changes_nothing(drive: Drive, tmp_path: Path, when: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = without_ids(outcome(drive(whole)))
    began = len(effects(whole)["begun"])
    for at in count(1):
        directory = tmp_path / str(at)
        directory.mkdir()
        crashed = drive(directory, at, when)
        if crashed.returncode == 0:
            break
        assert crashed.returncode == -signal.SIGKILL, crashed.stderr
        promised = answered(directory)
        told = outcome(drive(directory))
        assert without_ids(told) == expected, f"killed {when} commit {at}"
        # A run whose start was answered is the one that its request gives after the kill.
        assert len(answered(directory)) == 2
        assert promised <= answered(directory)
        begun = effects(directory)["begun"]
        # One action for each visit of a state, begun again at the most once: by the next process.
        assert len(begun) == began
        assert max(begun.values()) <= 2
        known = {action for run in told.values() for action in run["ids"]}
        assert {name.split()[1] for name in begun} <= known
        assert "cancelled" not in effects(directory)
    assert at > 10


@pytest.mark.slow
def test_two_kills_one_after_the_other_change_nothing(drive: Drive, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = without_ids(outcome(drive(whole)))
    for first in range(1, 16, 2):
        for second in range(1, 12, 2):
            directory = tmp_path / f"{first}-{second}"
            directory.mkdir()
            assert drive(directory, first, "after").returncode in (0, -signal.SIGKILL)
            assert drive(directory, second, "before").returncode in (0, -signal.SIGKILL)
            assert without_ids(outcome(drive(directory))) == expected, directory.name


@pytest.mark.parametrize(("version", "runs"), [(1, 5), (10, 3), (11, 3), (12, 3)])
def test_a_kill_during_the_migration_of_an_old_store(
    drive: Drive, tmp_path: Path, version: int, runs: int
) -> None:
    import sqlite3

    script = EARLIER_STORES / f"version_{version}.sql"
    for at, when in ((1, "before"), (1, "after"), (2, "before")):
        directory = tmp_path / f"{at}-{when}"
        directory.mkdir()
        database = sqlite3.connect(directory / "facility.db")
        database.executescript(script.read_text())
        database.close()
        assert drive(directory, at, when).returncode == -signal.SIGKILL
        told = outcome(drive(directory))
        assert told["whole 0"]["status"] == "SUCCEEDED"
        database = sqlite3.connect(directory / "facility.db")
        [(old,)] = database.execute("SELECT count(*) FROM runs WHERE request_id IS NULL")
        assert old == runs
        database.close()
