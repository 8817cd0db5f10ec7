"""Triggers that are changed while their ledger lasts: what was done before is not done again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Started, Watching, read_ledger
from headrace.triggers.start_gate import Held
from headrace.triggers.tables.afterwards import AfterwardsTable
from headrace.triggers.tables.failure import FailureTable
from headrace.triggers.tables.limits import LimitsTable
from tests.support.triggers.launches import Launches
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)


@pytest.mark.parametrize(
    "changes",
    [
        {"failure": FailureTable(attempts=3, backoff=0.0)},
        {"failure": FailureTable(then="hold")},
        {"afterwards": AfterwardsTable(mark="PROCESSED")},
    ],
    ids=["attempts", "hold", "mark"],
)
def test_nothing_follows_from_the_ends_of_runs_of_the_time_before(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    world = Launches(make_trigger(tmp_path, existing="run"))
    for name, status in (("failed", "FAILED"), ("good", "SUCCEEDED")):
        world.arrive(name)
        world.launch_due()
        world.service.end(name, status, "the node was lost")
    world.trigger = replace(world.trigger, **changes)
    world.restart()
    world.follow()
    assert world.launch_due() == []
    assert not world.ledger.is_paused(world.trigger.name)
    assert not list((tmp_path / "incoming").rglob("PROCESSED"))
    assert world.service.retries == {}
    # What is started from now on has its consequences.
    world.arrive("later")
    world.launch_due()
    world.service.end("later", "FAILED" if "failure" in changes else "SUCCEEDED", "lost")
    world.follow()
    later = read_ledger(world.path)[-1]
    held = world.ledger.is_paused(world.trigger.name)
    assert held or later.retry_of or later.afterwards == "done"


def test_a_run_of_the_time_before_still_counts_as_open(tmp_path: Path) -> None:
    world = Launches(make_trigger(tmp_path, existing="run"))
    world.arrive("a")
    world.launch_due()
    world.trigger = replace(world.trigger, limits=LimitsTable(open_runs=1))
    world.restart()
    later = world.arrive("b")
    assert isinstance(world.launch(later), Held)
    world.service.end("a")
    world.follow()
    assert world.launch(later) is None


@pytest.mark.parametrize(
    "changes",
    [{"pattern": "nothing*"}, {"ignore": ("run*",)}, {"depth": 2}, {"regex": "x(?P<run>.*)"}],
    ids=["pattern", "ignore", "depth", "regex"],
)
def test_what_had_its_run_has_no_other_when_a_setting_is_changed_and_back(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    trigger = make_trigger(tmp_path, existing="run", settle=0.0)
    make_event(trigger.directory / "run1")
    make_event(trigger.directory / "run2")
    client, ledger = MemoryRunClient(), tmp_path / "ledger.db"
    with watching([trigger], ledger, client) as watch:
        watch.wait_for(Started, 2)
    with watching([replace(trigger, **changes)], ledger, client) as watch:
        watch.wait_for(Watching)
        # Its directory is compared at the same step, before anything else is done.
    with watching([trigger], ledger, client) as watch:
        make_event(trigger.directory / "run3")
        watch.wait_for(Started, name="run3")
    assert client.names == ["run1", "run2", "run3"]
    states = {record.path: record.present for record in read_ledger(ledger)}
    assert states["/incoming/run1/"]
    assert states["/incoming/run2/"]


def test_an_attempt_in_a_collection_of_before_takes_no_place(tmp_path: Path) -> None:
    world = Launches(make_trigger(tmp_path, existing="run", limits=LimitsTable(open_runs=1)))
    world.service.fail = lambda moment: ConnectionError("lost") if moment == "after" else None
    world.arrive("a")
    world.launch_due()
    world.service.fail = lambda moment: None
    assert isinstance(world.launch(world.arrive("b")), Held), "the first may have its run"
    world.trigger = replace(world.trigger, collection="disk")
    world.restart()
    assert world.launch(world.arrive("c")) is None


def test_a_clock_that_was_ahead_holds_nothing_for_long(tmp_path: Path) -> None:
    world = Launches(make_trigger(tmp_path, existing="run", limits=LimitsTable(starts_per_hour=1)))
    world.now += timedelta(days=400)
    world.arrive("a")
    world.launch_due()
    world.now -= timedelta(days=400)
    assert world.launch(world.arrive("b")) is None
    assert isinstance(world.launch(world.arrive("c")), Held)
