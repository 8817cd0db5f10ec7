"""Ends of runs as arrivals, in simulated time: each once, whatever happens to watch and service."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import (
    ChainSet,
    Refused,
    pause_triggers,
    read_ledger,
    replay_arrivals,
    resume_triggers,
    retry_refused,
)
from headrace.triggers.tables.after import AfterTable
from headrace.triggers.trigger_cycles import chain_cycles
from tests.support.triggers.run_end_world import RunEndWorld
from tests.support.triggers.trigger_watch import make_trigger

FIRST = AfterTable(("first",))


def names(world: RunEndWorld) -> list[str]:
    return [arrival.name for arrival in world.started]


def test_each_end_has_one_run_through_kills_faults_and_late_answers(tmp_path: Path) -> None:
    world = RunEndWorld(tmp_path, FIRST, kill_chance=0.01, fault_chance=0.05)
    world.work(60)
    chance = random.Random(5)
    for number in range(300):
        world.end_run(f"r{number}", late=chance.choice((0.0, 0.0, 2.0, 20.0)))
        world.work(chance.choice((0.0, 1.0, 7.0)))
        if number % 50 == 49:
            world.be_away(chance.uniform(0.0, 5000.0))
    world.work(4000)
    assert world.runs == dict.fromkeys((f"r{number}" for number in range(300)), 1)
    assert world.kills > 20
    assert world.faults > 20
    records = read_ledger(tmp_path / "ledger.db")
    assert len(records) == 300
    assert {record.state for record in records} == {"started"}
    world.end()


def test_an_end_that_is_visible_very_late_or_by_a_clock_set_back_is_found(tmp_path: Path) -> None:
    world = RunEndWorld(tmp_path, FIRST)
    world.work(60)
    world.end_run("first")
    world.end_run("late", late=900)
    world.work(60)
    world.end_run("second")
    world.error = -timedelta(hours=30)
    world.work(60)
    world.end_run("set back")
    world.work(60)
    assert names(world) == ["first", "second"]
    world.work(5000)
    assert sorted(names(world)) == ["first", "late", "second", "set back"]
    world.error = timedelta(0)
    world.work(60)
    world.end_run("third")
    world.work(60)
    assert names(world)[-1] == "third"
    assert set(world.runs.values()) == {1}
    world.end()


@pytest.mark.parametrize("existing", ["skip", "run"])
def test_what_ended_before_the_first_watch(tmp_path: Path, existing: Any) -> None:
    world = RunEndWorld(tmp_path, AfterTable(("first",), existing=existing))
    for number in range(2500):
        world.end_run(f"r{number}")
        world.true += timedelta(milliseconds=1)
    world.work(300)
    expected = [f"r{number}" for number in range(2500)] if existing == "run" else []
    assert names(world) == expected
    (told,) = [event for event in world.events if isinstance(event, ChainSet)]
    assert told.skips is (existing == "skip")
    world.end_run("new")
    world.be_away(86400.0)
    world.work(60)
    assert names(world) == [*expected, "new"]
    world.end()


def test_only_runs_that_are_meant_are_arrivals(tmp_path: Path) -> None:
    after = AfterTable(("first", "second"), status="FAILED", label="event *", tag="big")
    world = RunEndWorld(tmp_path, after)
    world.work(1)
    right = {"label": "event 1", "status": "FAILED", "tags": ("other", "big")}
    world.end_run("of first", **right)
    world.end_run("of second", **{**right, "flow": "second"})
    for number, wrong in enumerate(
        [{"label": "an event 1"}, {"status": "SUCCEEDED"}, {"tags": ()}, {"flow": "third"}]
    ):
        world.end_run(f"wrong {number}", **{**right, **wrong})
    world.work(60)
    assert names(world) == ["of first", "of second"]
    assert dict(world.started[1].texts) == {
        "flow": "second",
        "label": "event 1",
        "name": "event 1",
        "run_id": "of second",
        "status": "FAILED",
    }
    world.set_after(AfterTable(("first", "third")))
    world.be_away(1.0)
    world.work(60)
    assert len(world.started) == 2, "another condition begins anew"
    world.end_run("of third", flow="third")
    world.work(60)
    assert names(world)[2:] == ["of third"]
    world.end()


@pytest.mark.parametrize("kill_chance", [0.0, 0.02])
def test_a_circle_ends_at_its_limit_and_is_told(tmp_path: Path, kill_chance: float) -> None:
    world = RunEndWorld(tmp_path, AfterTable(("first",)), kill_chance=kill_chance)
    world.own_ends = "first"
    world.work(60)
    world.end_run("begin")
    world.work(3000)
    assert [arrival.chain_depth for arrival in world.started] == [*range(1, 11)]
    told = [event.reason for event in world.events if isinstance(event, Refused)]
    assert told == [
        "10 runs in a row were each started by the end of the one before (after.max_depth of "
        "trigger new_event); does it go round without end?"
    ]
    last = read_ledger(tmp_path / "ledger.db")[-1]
    assert (last.state, last.chain_depth) == ("refused", 11)
    world.set_after(AfterTable(("first",), max_depth=12))
    world.be_away(1.0)
    retry_refused(tmp_path / "ledger.db", [last.id])
    world.work(3000)
    assert [arrival.chain_depth for arrival in world.started] == [*range(1, 13)]
    world.end()


def test_the_tags_carry_the_depth_where_the_ledger_is_another(tmp_path: Path) -> None:
    world = RunEndWorld(tmp_path, AfterTable(("first",)))
    world.work(1)
    world.end_run("of another project", tags=("chain:10", "chain:x", "arrival:a:b"))
    world.end_run("near", tags=("chain:9",))
    world.work(60)
    assert [(one.name, one.chain_depth) for one in world.started] == [("near", 10)]
    world.end()


def test_a_pause_holds_what_is_recorded_and_a_replay_keeps_its_values(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    world = RunEndWorld(tmp_path, FIRST, input={"id": "{output.id}"})
    world.work(1)
    pause_triggers(ledger, [world.trigger.name])
    world.end_run("one")
    world.end_run("failed", status="FAILED")
    world.work(60)
    assert not world.started
    assert [one.shown_state for one in read_ledger(ledger)] == ["waiting"]
    resume_triggers(ledger, [world.trigger.name])
    world.work(60)
    replay_arrivals(ledger, [1])
    world.work(60)
    first, second = world.started
    assert (first.generation, second.generation) == (1, 2)
    assert first.output == second.output == '{"id": "one"}'
    assert first.texts == second.texts
    assert second.chain_depth == 1
    world.end()


def test_circles_are_found_unless_one_says_how_long(tmp_path: Path) -> None:
    def chain(name: str, after: str, starts: str, depth: int | None = None) -> Any:
        table = AfterTable((after, "other"), max_depth=depth)
        return make_trigger(tmp_path, name=name, after=table, flow=starts)

    one, two, three = chain("one", "a", "b"), chain("two", "b", "c"), chain("three", "c", "a")
    assert chain_cycles([one, two]) == []
    (cycle,) = chain_cycles([one, two, three])
    assert [each.name for each in cycle] == ["one", "two", "three"]
    assert chain_cycles([one, two, chain("three", "c", "a", 5)]) == []
    (own,) = chain_cycles([chain("self", "a", "a")])
    assert [each.name for each in own] == ["self"]
    assert chain_cycles([make_trigger(tmp_path, flow="a"), one]) == []
