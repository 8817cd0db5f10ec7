"""The one word of a project's status, and the findings that it comes from."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil
import pytest

from headrace._internal.heartbeat_files import HeartbeatRecord
from headrace.background_services import InstalledState
from headrace.project import load_project
from headrace.project_status import read_status, reading
from headrace.project_status.disks import FileSystem, disk_findings
from headrace.project_status.failures import (
    FailureGroup,
    Failures,
    WaitingRun,
    failure_findings,
    waiting_findings,
)
from headrace.project_status.processes import process_findings
from headrace.project_status.reading import endpoint_findings
from headrace.project_status.trigger_status import TriggerState, trigger_findings
from headrace.project_status.verdict import Finding, in_order, overall_word

NOW = 100_000.0
GB = 10**9


def beat(
    name: str = "watch", age: float = 0.0, problem: str = "", **more: object
) -> HeartbeatRecord:
    record = HeartbeatRecord(name, "local", NOW - age, "another-host", 7, 5.0, "", problem)
    return HeartbeatRecord(**{**vars(record), **more})  # type: ignore[arg-type]


def installed(name: str = "watch", state: str = "active", host: str = "") -> InstalledState:
    return InstalledState(name, "cron", host or socket.gethostname(), state)


def words(findings: object) -> list[str]:
    return [each.word for each in findings]  # type: ignore[attr-defined]


def test_the_word_is_that_of_the_gravest_finding() -> None:
    look, act = Finding("look", "disk", "fills up"), Finding("act", "runs", "waits")
    assert overall_word([]) == "well"
    assert overall_word([look]) == "look"
    assert overall_word([look, act, look]) == "act"
    assert in_order([look, act]) == [act, look]


@pytest.mark.parametrize(
    ("heartbeat", "word"),
    [
        (beat(), []),
        (beat(age=299), []),
        (beat(age=301), ["look"]),
        (beat(age=1801), ["act"]),
        (beat(problem="the disk is full"), ["act"]),
        (beat(age=99_999, stopped=True), []),
        (beat(host=socket.gethostname(), pid=2**30), ["act"]),
    ],
)
def test_processes_that_are_not_services(heartbeat: HeartbeatRecord, word: list[str]) -> None:
    assert words(process_findings([], [heartbeat], NOW)) == word


@pytest.mark.parametrize(
    ("service", "heartbeats", "word"),
    [
        (installed(), [beat()], []),
        (installed(), [], []),
        (installed(state="failed"), [beat()], ["act"]),
        (installed(state="inactive"), [beat(stopped=True)], ["act"]),
        (installed(), [beat(stopped=True)], ["act"]),
        (installed(state="unknown"), [beat()], ["look"]),
        (installed(state="elsewhere", host="another-host"), [beat()], []),
        (installed(state="elsewhere", host="another-host"), [], ["act"]),
        (installed(state="elsewhere", host="another-host"), [beat(age=9_999)], ["act"]),
    ],
)
def test_services_that_should_run(
    service: InstalledState, heartbeats: list[HeartbeatRecord], word: list[str]
) -> None:
    assert words(process_findings([service], heartbeats, NOW)) == word


def test_a_process_of_this_machine_that_works_is_no_finding() -> None:
    mine = beat(host=socket.gethostname(), pid=os.getpid(), born=psutil.Process().create_time())
    assert words(process_findings([], [mine], NOW)) == []


@pytest.mark.parametrize(
    ("free", "total", "word"),
    [
        (50 * GB, 100 * GB, []),
        (9 * GB, 100 * GB, ["look"]),
        (2 * GB, 100 * GB, ["act"]),
        (GB // 2, 2 * GB, ["act"]),
        # A tenth of a large file system is room enough.
        (500_000 * GB, 10_000_000 * GB, []),
        (15 * GB, 10_000_000 * GB, ["act"]),
        (None, None, ["look"]),
    ],
)
def test_disks(free: int | None, total: int | None, word: list[str]) -> None:
    each = FileSystem(("state",), str(Path("/state")), free, total, "" if free else "it is away")
    assert words(disk_findings([each])) == word


@pytest.mark.parametrize(
    ("trigger", "word"),
    [
        (TriggerState("new", {"started": 9}), []),
        (TriggerState("new", {"seen": 3}), []),
        (TriggerState("new", {"failed": 1}), ["look"]),
        (TriggerState("new", {"refused": 1}), ["act"]),
        (TriggerState("new", {}, paused=True), ["act"]),
        (TriggerState("new", {}, paused=True, reason="a run failed"), ["act"]),
        (TriggerState("new", {"seen": 3}, waits={"the endpoint is offline": 3}), []),
    ],
)
def test_triggers(trigger: TriggerState, word: list[str]) -> None:
    assert words(trigger_findings([trigger])) == word


def test_runs_that_wait_come_with_their_answer() -> None:
    one = WaitingRun("id", "shot 7", "Accept the model?", "headrace web-input respond 1")
    (finding,) = waiting_findings([one])
    assert (finding.word, finding.command) == ("act", "headrace web-input respond 1")
    assert finding.text == "shot 7 waits for you: Accept the model?"
    (finding,) = waiting_findings([one, one])
    assert finding.text == "2 runs wait for a person"


def test_failures_are_to_be_looked_at_until_they_are_mended() -> None:
    group = FailureGroup("no beam", 2, {"Flow": 2}, "id", "")
    (finding,) = failure_findings(Failures([group], 0, True, "2026-11-01T00:00:00Z"))
    assert finding.text == "2 runs failed in the last day and nobody mended them"
    assert finding.command == "headrace run why --since 2026-11-01T00:00:00Z"
    (finding,) = failure_findings(Failures([group], 0, False, "x"))
    assert finding.text.startswith("at least 2 runs")
    assert words(failure_findings(Failures([], 12, True))) == []
    assert words(failure_findings(Failures([], 500, False))) == ["look"]


@pytest.mark.parametrize(
    ("kind", "state", "service", "held", "warning", "word"),
    [
        ("installed", "running", "online", False, "", []),
        ("installed", "stopped", "offline", False, "", ["act"]),
        ("installed", "stopped", "offline", True, "", []),
        ("installed", "disconnected", "online", False, "", ["act"]),
        ("installed", "running", "offline", False, "", ["act"]),
        ("elsewhere", "not created here", "not registered", False, "", ["act"]),
        ("hosted", "starts with its first task", "online", False, "", []),
        ("hosted", "running", "online", False, "wrong option", ["look"]),
        # Nobody knows that it works.
        ("elsewhere", "not created here", "unknown", False, "", ["look"]),
    ],
)
def test_endpoints(
    kind: str, state: str, service: str, held: bool, warning: str, word: list[str]
) -> None:
    each = {"name": "machine", "id": "id", "kind": kind, "state": state, "service": service}
    each_one = {**each, "held": held, "warning": warning}
    assert words(endpoint_findings([each_one], asked=True)) == word


def test_an_endpoint_whose_service_was_not_asked_is_told_of_by_the_service() -> None:
    each = {"name": "machine", "id": "id", "kind": "elsewhere", "state": "", "service": "unknown"}
    assert words(endpoint_findings([{**each, "held": False, "warning": ""}], asked=False)) == []


def test_heartbeats_that_may_not_be_read_are_no_good_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headrace.toml").write_text('name = "small"\n')
    project = load_project(tmp_path)
    scan = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "heartbeats":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    assert "heartbeats" not in read_status(project, "local").unknown
    monkeypatch.setattr(reading.os, "scandir", refuse)
    status = read_status(project, "local")
    assert "Permission denied" in status.unknown["heartbeats"]
    assert ("look", "heartbeats") in [(each.word, each.part) for each in status.findings]


def test_one_that_was_killed_and_is_not_to_run_again_is_dead_until_its_heartbeat_is_removed(
    tmp_path: Path,
) -> None:
    dead = beat("watch-old", age=1801)
    (finding,) = process_findings([], [dead], NOW, tmp_path)
    assert finding.text.endswith("; start it again, or remove its heartbeat")
    assert finding.command == f"rm {tmp_path}/heartbeats/watch-old.local.json"
    # A service must run: its heartbeat is not the matter.
    (finding,) = process_findings([installed("watch-old")], [dead], NOW, tmp_path)
    assert finding.command == ""
