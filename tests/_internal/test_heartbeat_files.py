"""Heartbeats as files: written by a loop that works, judged by who reads them."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from headrace._internal.heartbeat_files import (
    SECONDS_BETWEEN,
    HeartbeatRecord,
    HeartbeatWriter,
    heartbeat_path,
    read_heartbeat,
    read_heartbeats,
    watch_name,
)

HERE = socket.gethostname()
ELSEWHERE = HeartbeatRecord("watch", "local", 1000.0, "another-host", 7, 5.0, "", "", 60.0, 600.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def make_writer(place: Path, clock: Clock, name: str = "watch") -> HeartbeatWriter:
    return HeartbeatWriter(place, name, "local", late_after=60, dead_after=600, now=clock)


def only(place: Path) -> HeartbeatRecord:
    (found,) = read_heartbeats(place, "local")
    return found


def test_a_beat_says_who_works_where(tmp_path: Path) -> None:
    make_writer(tmp_path, Clock()).beat("polled 3 runs")
    found = only(tmp_path)
    assert (found.name, found.host, found.pid) == ("watch", HERE, os.getpid())
    assert (found.unix, found.activity, found.problem) == (1000.0, "polled 3 runs", "")
    assert found.state(1010.0) == "well"


def test_it_is_written_now_and_then_and_at_once_where_the_problem_is_new(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.beat("first")
    clock.now += SECONDS_BETWEEN / 2
    writer.beat("second")
    assert only(tmp_path).activity == "first"
    writer.beat("third", "the disk is full")
    assert only(tmp_path).problem == "the disk is full"
    clock.now += SECONDS_BETWEEN
    writer.beat("fourth", "the disk is full")
    assert only(tmp_path).activity == "fourth"


def test_a_clock_that_is_set_back_keeps_no_beat_from_being_written(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.beat("before")
    clock.now -= 500.0
    writer.beat("after")
    assert only(tmp_path).activity == "after"


def test_the_time_is_that_of_the_part_that_is_silent(tmp_path: Path) -> None:
    make_writer(tmp_path, Clock()).beat(silence=200.0)
    assert only(tmp_path).unix == 800.0


def test_a_part_that_has_ended_gives_no_time_any_more(tmp_path: Path) -> None:
    clock = Clock()
    writer = make_writer(tmp_path, clock)
    writer.beat()
    clock.now += 10_000.0
    writer.beat(silence=float("inf"))
    assert only(tmp_path).unix == 1000.0
    assert only(tmp_path).state(clock.now) == "dead"


@pytest.mark.parametrize(
    ("age", "state"), [(0, "well"), (60, "well"), (61, "late"), (600, "late"), (601, "dead")]
)
def test_how_one_of_another_machine_is(age: float, state: str) -> None:
    assert ELSEWHERE.state(1000.0 + age) == state


def test_one_from_the_future_is_not_well() -> None:
    assert ELSEWHERE.state(1000.0 - 250.0) == "well"
    assert ELSEWHERE.state(1000.0 - 5_000.0) == "dead"


def test_one_whose_process_is_gone_is_dead_however_new_it_is() -> None:
    born = psutil.Process().create_time()
    mine = replace(ELSEWHERE, host=HERE, pid=os.getpid(), born=born)
    assert mine.state(1000.0) == "well"
    assert replace(mine, born=born - 50.0).state(1000.0) == "dead"
    assert replace(mine, pid=2**30).state(1000.0) == "dead"


def test_one_that_works_now_and_then_has_no_process_in_between(tmp_path: Path) -> None:
    HeartbeatWriter(
        tmp_path, "monitor", "local", late_after=60, dead_after=600, stays=False, now=Clock()
    ).beat()
    assert only(tmp_path).born == 0.0
    assert replace(only(tmp_path), pid=2**30).state(1000.0) == "well"


def test_one_that_ends_says_so(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, Clock())
    writer.beat()
    writer.stop()
    assert only(tmp_path).state(99_999.0) == "stopped"


def test_what_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").write_text("no directory")
    make_writer(tmp_path, Clock()).beat("goes on")


@pytest.mark.parametrize("text", ["", "[]", '{"name": "watch"}', '{"unix": NaN}', "\xff"])
def test_a_file_that_is_no_heartbeat_is_a_dead_process(tmp_path: Path, text: str) -> None:
    path = heartbeat_path(tmp_path, "watch", "local")
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    assert read_heartbeat(path) is None
    assert (only(tmp_path).name, only(tmp_path).state(1e9)) == ("watch", "dead")


def test_each_target_and_each_watch_has_its_own(tmp_path: Path) -> None:
    make_writer(tmp_path, Clock(), watch_name(())).beat()
    make_writer(tmp_path, Clock(), watch_name(["b/../x", "a"])).beat()
    HeartbeatWriter(tmp_path, "watch", "globus", late_after=1, dead_after=2).beat()
    names = {each.name for each in read_heartbeats(tmp_path, "local")}
    assert names == {"watch", "watch-a+b/../x"}
    assert len(read_heartbeats(tmp_path, "globus")) == 1


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    make_writer(tmp_path, Clock()).beat()
    path = heartbeat_path(tmp_path, "watch", "local")
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["time"].startswith("1970-01-01T00:16:40")
