"""Two watchers of one ledger, each with its trigger, killed at random: one run for each arrival."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from headrace.triggers import (
    Ledger,
    LedgerBusy,
    LedgerUnusable,
    Started,
    TriggerClaims,
    TriggerWatched,
    Unwatched,
    Watcher,
    Watching,
    is_watched,
    read_ledger,
)
from tests.support.repository import SOURCE, SUPPORT
from tests.support.triggers.trigger_watch import MemoryRunClient, make_trigger, watching
from tests.support.triggers.watcher_process import MOMENTS
from tests.support.waiting import wait_until

HELPER = SUPPORT / "triggers" / "watcher_process.py"
TRIGGER = """
[watch]
collection = "workstation"
path = "/%s/"
what = "file"
settle = 0.05
interval = 0.1
existing = "run"

[start]
flow = "adjoint_sources"
"""
EACH = 40


def test_a_trigger_that_is_released_is_free_whoever_was_forked_meanwhile(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    with TriggerClaims(ledger) as first, TriggerClaims(ledger) as second:
        first.take(["a"])
        copy = os.dup(first._held["a"])  # as a child has it that was forked
        try:
            first.release("a")
            second.take(["a"])
        finally:
            os.close(copy)


def test_a_trigger_is_claimed_once(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    with TriggerClaims(ledger) as first, TriggerClaims(ledger) as second:
        first.take(["a", "b"])
        with pytest.raises(TriggerWatched, match=r"trigger b is watched already, by process \d+"):
            second.take(["c", "b"])
        assert second.names == frozenset(), "all or none"
        assert second.take_free(["a", "b", "c"]) == ["c"]
        assert is_watched(ledger, "a")
        first.release("a")
        assert not is_watched(ledger, "a")
        assert second.take_free(["a", "b"]) == ["a"]
        assert first.take_notifier()
        assert not second.take_notifier()
    assert not is_watched(ledger, "b")


def test_who_wants_the_ledger_alone_keeps_others_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path), pytest.raises(LedgerBusy, match="another watcher"):
        Ledger(path, shared=True)
    with Ledger(path, shared=True), Ledger(path, shared=True):
        with pytest.raises(LedgerBusy, match="another watcher"):
            Ledger(path)
        assert is_watched(path)
    assert not is_watched(path)


def test_a_ledger_that_others_use_is_not_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path, shared=True):
        path.write_bytes(b"")
        with pytest.raises(LedgerBusy, match="first end the other watch"):
            Ledger(path, shared=True, start_over=True)
    with pytest.raises(LedgerUnusable, match="is empty"):
        Ledger(path, shared=True)
    Ledger(path, shared=True, start_over=True).close()


def test_triggers_begin_and_end_while_others_go_on(tmp_path: Path) -> None:
    one = make_trigger(tmp_path / "one", name="one", what="file", settle=0.0, existing="run")
    two = make_trigger(tmp_path / "two", name="two", what="file", settle=0.0, existing="run")
    client = MemoryRunClient()
    watchers: list[Watcher] = []
    with watching([one], tmp_path / "ledger.db", client, made=watchers.append) as watch:
        watch.wait_for(Watching)
        (two.directory / "early").touch()
        watchers[0].replace_triggers([one, two])
        watch.wait_for(Started, name="early")
        watchers[0].replace_triggers([two])
        watch.wait_for(Unwatched)
        (one.directory / "late").touch()
        (two.directory / "second").touch()
        watch.wait_for(Started, name="second")
        assert not watch.of(Started, "late")
        watchers[0].replace_triggers([one, two])
        watch.wait_for(Started, name="late")
        assert len(watch.of(Watching)) == 3, "the second went on"
    assert client.names == ["early", "late", "second"]


def test_one_run_an_arrival_with_two_watchers_that_are_killed(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    for name in ("left", "right"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "triggers" / f"{name}.toml").write_text(TRIGGER % name)
    log = (tmp_path / "watcher.log").open("wb")

    def start(name: str, kill: str = "") -> subprocess.Popen[bytes]:
        own = {"HEADRACE_TEST_KILL": kill, "HEADRACE_TEST_TRIGGERS": name}
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), **own}
        command = [sys.executable, str(HELPER), str(tmp_path)]
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def runs() -> Counter[str]:
        file = tmp_path / "runs.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return Counter(json.loads(line)["name"] for line in lines)

    chance = random.Random(17)
    working = {name: start(name) for name in ("left", "right")}
    names = [f"{side}_{number}" for number in range(EACH) for side in working]
    for number, name in enumerate(names):
        side = name.partition("_")[0]
        (tmp_path / "data" / side / name).write_text("data")
        if number % 8 == 7:
            victim = chance.choice(sorted(working))
            working[victim].kill()
            working[victim].wait()
            working[victim] = start(victim, f"{chance.choice(MOMENTS)}:{chance.randint(1, 4)}")
        if number % 8 == 3:
            for each, process in working.items():
                if process.poll() is not None:
                    working[each] = start(each)

    def all_done() -> bool:
        for each, process in working.items():
            if process.poll() is not None:
                assert process.returncode == -signal.SIGKILL, log.name
                working[each] = start(each)
        records = read_ledger(tmp_path / ".headrace" / "triggers.db")
        started = [record for record in records if record.state == "started"]
        return len(started) == len(names)

    wait_until(all_done, "all runs", 240)
    for process in working.values():
        process.terminate()
        assert process.wait(120) in (0, -signal.SIGTERM)
    assert runs() == dict.fromkeys(names, 1)
