"""Several watches of one project, each with its triggers; and triggers that are read again."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.triggers import read_ledger
from tests.support.waiting import wait_until
from tests.support.watch_project import (
    Long,
    deploy_waiting_project,
    hears_all,
    run,
    write_trigger,
)

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    root.mkdir()
    deploy_waiting_project(root, "a", "b", "c")
    yield root
    run("facility", "down", "-C", str(root))


def put(root: Path, folder: str, name: str) -> None:
    (root / "data" / folder / name).write_text("data")


def runs_of(root: Path) -> list[str]:
    """The labels of all runs; each is an arrival's name."""
    listed = run("run", "list", "-F", "json", "-C", str(root))
    return sorted(one["label"] for one in json.loads(listed.stdout))


def test_each_trigger_is_watched_once_and_taken_over(root: Path, tmp_path: Path) -> None:
    first = Long(root, tmp_path / "first", "watch", "a", "b")
    first.says("a: watching")
    first.says("b: watching")

    refused = run("watch", "b", "c", "--once", "-C", str(root))
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert "trigger b is watched already" in line
    assert f"process {first.process.pid} on " in line
    assert "watches a, b since" in line

    second = Long(root, tmp_path / "second", "watch")
    second.says("c: watching")
    assert "a: watching" not in second.text
    third = run("watch", "--once", "-C", str(root))
    assert third.returncode == 1
    assert "is watched already" in third.stderr

    put(root, "a", "a1")
    put(root, "c", "c1")
    first.says("a1: complete, run ")
    second.says("c1: complete, run ")
    skipped = run("trigger", "replay", "a", "a1", "-C", str(root))
    assert skipped.returncode == 0, skipped.stderr
    wait_until(lambda: first.text.count("a1: complete, run ") == 2, "the replay", 120)

    assert first.ended_by(signal.SIGKILL) == -signal.SIGKILL
    put(root, "b", "b1")
    second.says("b1: complete, run ")
    second.says("a: watching")
    assert second.ended_by(signal.SIGTERM) == 0
    assert runs_of(root) == ["a1", "a1", "b1", "c1"]
    states = {record.state for record in read_ledger(root / ".headrace/triggers.local.db")}
    assert states == {"started"}


def test_an_arrival_is_started_by_hand_beside_the_watch_of_another_trigger(
    root: Path, tmp_path: Path
) -> None:
    watch = Long(root, tmp_path / "log", "watch", "a")
    watch.says("a: watching")
    put(root, "c", "c1")
    started = run("start", "--trigger", "c", str(root / "data/c/c1"), "-C", str(root))
    assert started.returncode == 0, started.stderr
    put(root, "a", "a1")
    watch.says("a1: complete, run ")
    assert watch.ended_by(signal.SIGTERM) == 0
    assert runs_of(root) == ["a1", "c1"]


def test_triggers_are_read_again_at_sighup(root: Path, tmp_path: Path) -> None:
    (root / "triggers/c.toml").unlink()
    watch = Long(root, tmp_path / "log", "watch")
    watch.says("b: watching")
    put(root, "a", "a1")
    watch.says("a1: complete, run ")

    # c is new, b is removed, the input of a has changed.
    write_trigger(root, "c", "c")
    (root / "triggers/b.toml").unlink()
    changed = root / "triggers/a.toml"
    changed.write_text(changed.read_text().replace("[start]", '[start]\nlabel = "new {name}"'))
    os.kill(watch.process.pid, signal.SIGHUP)
    watch.says("watch: read again: new c; changed a; removed b")
    watch.says("c: watching")
    watch.says("b: not watched any more")
    put(root, "c", "c1")
    put(root, "a", "a2")
    watch.says("c1: complete, run ")
    watch.says("a2: complete, run ")

    # What is wrong is told, and what was read before goes on.
    changed.write_text(changed.read_text().replace("settle = 0.1", 'settle = "soon"'))
    write_trigger(root, "d", "d")
    put(root, "d", "lay there before")
    os.kill(watch.process.pid, signal.SIGHUP)
    watch.says("watch: read again: no trigger has changed, 2 wrong")
    watch.says("watch.settle")
    watch.says("write existing under [watch]")
    put(root, "a", "a3")
    watch.says("a3: complete, run ")

    (root / "headrace.toml").write_text("[")
    os.kill(watch.process.pid, signal.SIGHUP)
    watch.says("the watch goes on with what it has read before")
    (root / "headrace.toml").write_text('[collections.workstation]\nroot = "data"\n')
    assert watch.ended_by(signal.SIGTERM) == 0
    assert "Traceback" not in watch.text
    assert runs_of(root) == ["a1", "c1", "new a2", "new a3"]


def test_a_watch_ends_when_its_terminal_hangs_up(root: Path, tmp_path: Path) -> None:
    terminal, own = pty.openpty()

    def in_terminal() -> None:
        hears_all()
        fcntl.ioctl(own, termios.TIOCSCTTY, 0)

    watch = Long(root, tmp_path / "log", "watch", preexec_fn=in_terminal, pass_fds=(own,))
    os.close(own)
    watch.says("c: watching")
    os.kill(watch.process.pid, signal.SIGHUP)
    watch.says("watch: read again")
    os.close(terminal)
    assert watch.process.wait(timeout=120) == 0, watch.text
    assert "watch: ended by SIGHUP; " in watch.text
