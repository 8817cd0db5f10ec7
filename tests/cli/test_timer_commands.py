"""Timers through the installed program: watched, shown, tried, skipped and started by hand."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import read_ledger
from tests.support.waiting import wait_until
from tests.support.watch_project import Long, deploy_waiting_project, run

pytestmark = pytest.mark.timeout(900)

TIMER = """
title = "Every second"
[every]
interval = "1s"
timezone = "UTC"
stop_after = 3
[start]
flow = "rest"
[start.input]
name = "{name}"
day = "{date}"
number = "{count:int}"
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    root.mkdir()
    deploy_waiting_project(root)
    (root / "triggers/often.toml").write_text(TIMER)
    yield root
    run("facility", "down", "-C", str(root))


def shown(root: Path, *arguments: str) -> Any:
    done = run(*arguments, "-F", "json", "-C", str(root))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_timer_is_watched_beside_a_directory(root: Path, tmp_path: Path) -> None:
    watch = Long(root, tmp_path / "log", "watch")
    watch.says("often: due every 1s; next at ")
    watch.says("often: due every 1s; it has ended")
    (root / "data/incoming/one").write_text("data")
    watch.says("one: complete, run ")
    wait_until(lambda: watch.text.count("complete, run ") == 4, "three ticks", 120)
    assert watch.ended_by(signal.SIGTERM) == 0
    runs = shown(root, "run", "list")
    labels = sorted(one["label"] for one in runs if one["label"].startswith("often "))
    arrivals = shown(root, "trigger", "arrivals", "often")
    assert labels == sorted(f"often {one['name']}" for one in arrivals)
    assert [one["state"] for one in arrivals] == ["started"] * 3
    assert all(one["path"] == f"every/{one['name']}" for one in arrivals)
    replayed = run("trigger", "replay", "often", arrivals[0]["name"], "-C", str(root))
    assert replayed.returncode == 0, replayed.stderr
    again = Long(root, tmp_path / "again", "watch", "often")
    again.says(f"{arrivals[0]['name']}: complete, run ")
    assert again.ended_by(signal.SIGTERM) == 0


def test_a_timer_is_shown_checked_and_tried(root: Path) -> None:
    (listed,) = [one for one in shown(root, "trigger", "list") if one["name"] == "often"]
    assert listed["schedule"] == "every 1s"
    assert listed["directory"] == ""
    table = run("trigger", "list", "-C", str(root))
    assert "every 1s" in table.stdout
    assert "Nothing is wrong with often" in run("trigger", "check", "often", "-C", str(root)).stdout
    tried = run("trigger", "test", "often", "next", "-F", "json", "-C", str(root))
    assert json.loads(tried.stdout)["input"]["number"] == 1
    tried = run("trigger", "test", "often", "2026-12-24T06:00", "-F", "json", "-C", str(root))
    assert json.loads(tried.stdout)["input"] == {
        "name": "2026-12-24T06:00:00+00:00",
        "day": "2026-12-24",
        "number": 1,
    }
    for words, message in (
        ("soon", "trigger often is a timer: name `next`, or a time such as"),
        ("2026-12-24T06:00:00.5", "is due every 1s, not at"),
    ):
        refused = run("trigger", "test", "often", words, "-C", str(root))
        assert refused.returncode == 1
        assert message in refused.stderr
    refused = run("start", "--trigger", "often", "next", "-C", str(root))
    assert "trigger often is a timer" in refused.stderr


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('interval = "soon"', '"soon" is no time from 1s to 366d'),
        ('at = "25:00"', '"25:00" is no time of the day'),
        ('at = "06:00"\nweekdays = ["Someday"]', "'Someday' is no day"),
        ('interval = "1h"\nat = "06:00"', "needs interval or at, and not both"),
        ('interval = "1h"\nweekdays = ["Mon"]', "goes with at, not with interval"),
        ('at = "06:00"\ntimezone = "Atlantis"', '"Atlantis" is no time zone'),
        ('at = "06:00"\nstop_after = 0', "a number of ticks from 1, or a day"),
        ('at = "06:00"\nmissed = "later"', '"later" must be "run_once" or "skip"'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(root: Path, wrong: str, message: str) -> None:
    text = TIMER.replace('interval = "1s"', wrong, 1)
    if "timezone" in wrong:
        text = text.replace('timezone = "UTC"\n', "")
    if "stop_after" in wrong:
        text = text.replace("stop_after = 3\n", "")
    (root / "triggers/often.toml").write_text(text)
    refused = run("trigger", "check", "often", "-C", str(root))
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert message in line, line


def test_a_trigger_has_one_source_and_its_placeholders(root: Path) -> None:
    file = root / "triggers/often.toml"
    file.write_text(TIMER + '[watch]\ncollection = "workstation"\npath = "/incoming/"\n')
    refused = run("trigger", "check", "often", "-C", str(root))
    assert "needs one of [watch], [every] and [after], and not several" in refused.stderr
    file.write_text(TIMER + '[afterwards]\nmove = "/done/"\n')
    refused = run("trigger", "check", "often", "-C", str(root))
    assert "a timer has nothing to move or mark" in refused.stderr
    file.write_text(TIMER.replace("{date}", "{folder}"))
    refused = run("trigger", "check", "often", "-C", str(root))
    assert "unknown placeholder {folder}" in refused.stderr


def test_ticks_that_nobody_watched_are_skipped_and_run_by_hand(root: Path, tmp_path: Path) -> None:
    file = root / "triggers/often.toml"
    day = TIMER.replace('interval = "1s"', 'interval = "1m"\nmissed = "skip"')
    file.write_text(day.replace("stop_after = 3\n", ""))
    first = Long(root, tmp_path / "first", "watch", "often")
    first.says("often: due every 1m")
    assert first.ended_by(signal.SIGTERM) == 0
    # Somebody watched last two days ago.
    ledger = root / ".headrace/triggers.local.db"
    database = sqlite3.connect(ledger)
    with database:
        database.execute("UPDATE roots SET seen_at = '2026-01-01T00:00:00+00:00'")
    database.close()
    second = Long(root, tmp_path / "second", "watch", "often")
    second.says("often: due every 1m")
    wait_until(lambda: len(read_ledger(ledger)) >= 1, "the tick that was missed", 120)
    skipped = read_ledger(ledger)[0]
    assert (skipped.state, skipped.reason) == (
        "skipped",
        "missed: nobody watched when it was due",
    )
    name = Path(skipped.path).name
    asked = run("trigger", "run", "often", name, "-C", str(root))
    assert asked.returncode == 0, asked.stderr
    second.says(f"{name}: complete, run ")
    assert second.ended_by(signal.SIGTERM) == 0
