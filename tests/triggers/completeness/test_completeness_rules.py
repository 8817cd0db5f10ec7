"""Completeness rules of other packages, found by their entry points."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from headrace.triggers import (
    Incomplete,
    Problem,
    Started,
    Trigger,
    TriggerError,
    Watching,
    load_trigger,
)
from headrace.triggers.completeness import CompletenessRule, Look, registry
from headrace.triggers.completeness.registry import ENTRY_POINT_GROUP
from tests.support.triggers.trigger_watch import MemoryRunClient, watching

TRIGGER = """
[watch]
collection = "workstation"
path = "/incoming/"
settle = 0.1
interval = 0.2
{}

[start]
flow = "adjoint_sources"
"""


class Readable(CompletenessRule):
    """A rule that fails at what it cannot read."""

    def missing_reason(self, look: Look) -> str:
        if (self.arrival.location / "unreadable").exists():
            raise ValueError("not a file of ours")
        return ""


@pytest.fixture
def entry_points(extensions: Path, monkeypatch: pytest.MonkeyPatch) -> list[metadata.EntryPoint]:
    """Entry points of packages that seem to be installed; the first is of docs/extending.md."""
    points = [
        metadata.EntryPoint("file_count", "file_count:FileCount", ENTRY_POINT_GROUP),
        metadata.EntryPoint("readable", f"{__name__}:Readable", ENTRY_POINT_GROUP),
    ]

    def find(group: str) -> metadata.EntryPoints:
        return metadata.EntryPoints(points).select(group=group)

    monkeypatch.setattr(registry, "entry_points", find)
    return points


def load(tmp_path: Path, line: str) -> Trigger:
    (tmp_path / "data" / "incoming").mkdir(parents=True, exist_ok=True)
    (tmp_path / "triggers").mkdir(exist_ok=True)
    file = tmp_path / "triggers" / "new_event.toml"
    file.write_text(TRIGGER.format(line))
    return load_trigger(file, {"workstation": tmp_path / "data"})


def test_a_rule_of_another_package_decides_when_a_run_starts(
    tmp_path: Path, entry_points: list[metadata.EntryPoint]
) -> None:
    trigger = load(tmp_path, "file_count = 2")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        event = trigger.directory / "event"
        event.mkdir()
        (event / "first").touch()
        count = 1
        while watch.wait_for(Incomplete, count)[-1].missing != "1 more files":
            count += 1
        assert client.runs == {}
        (event / "second").touch()
        watch.wait_for(Started)
    assert client.files["event"] == 2


def test_a_rule_is_evaluated_again_when_what_it_waits_for_comes(
    tmp_path: Path, entry_points: list[metadata.EntryPoint]
) -> None:
    """Its marker is there; by itself the rule would be asked again after hours."""
    trigger = load(tmp_path, 'file_count = 3\nmarker = "DONE"')
    trigger = replace(trigger, interval=10_000.0)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        event = trigger.directory / "event"
        event.mkdir()
        (event / "DONE").touch()
        count = 1
        for missing, name in (("2 more files", "second"), ("1 more files", "third")):
            while watch.wait_for(Incomplete, count)[-1].missing != missing:
                count += 1
            (event / name).touch()
        watch.wait_for(Started)
    assert client.files["event"] == 3


def test_a_rule_that_fails_is_reported_with_its_key(
    tmp_path: Path, entry_points: list[metadata.EntryPoint]
) -> None:
    trigger = load(tmp_path, "readable = true")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        event = trigger.directory / "event"
        event.mkdir()
        (event / "unreadable").touch()
        [problem] = watch.wait_for(Problem)
        assert "watch.readable: ValueError on" in problem.message
        assert "not a file of ours" in problem.message
        assert client.runs == {}
        (event / "unreadable").rename(event / "readable")
        watch.wait_for(Started)


def test_the_value_of_a_rule_is_validated_with_the_trigger_file(
    tmp_path: Path, entry_points: list[metadata.EntryPoint]
) -> None:
    with pytest.raises(TriggerError, match=r"watch\.file_count: must be a number of files from 1"):
        load(tmp_path, "file_count = 0")
    with pytest.raises(TriggerError, match=r"watch\.file_cuont: unknown key; .*file_count"):
        load(tmp_path, "file_cuont = 1")


def test_a_rule_that_cannot_be_found_is_named(
    tmp_path: Path, entry_points: list[metadata.EntryPoint]
) -> None:
    entry_points.append(metadata.EntryPoint("lost", "no_such_package:Rule", ENTRY_POINT_GROUP))
    with pytest.raises(TriggerError, match=r"watch\.lost: cannot import .*no_such_package:Rule"):
        load(tmp_path, "lost = 1")
    entry_points.append(metadata.EntryPoint("file_count", "other:Rule", ENTRY_POINT_GROUP))
    with pytest.raises(TriggerError, match="file_count:FileCount and other:Rule"):
        load(tmp_path, "file_count = 1")
