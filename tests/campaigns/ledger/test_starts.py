"""Starts and attempts: written before they are sent, and of each leg one attempt counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.ledger import AttemptEnd, EndedStart, NewMember, QueueName
from tests.support.campaigns.filled_ledger import FilledLedger


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FilledLedger]:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        yield world


def test_a_member_goes_from_leg_to_leg_until_it_is_done(world: FilledLedger) -> None:
    world.add("a")
    start = world.begin("a", lane="frontera")
    assert start.tag == f"headrace:c:{world.ledger.ledger_id[:12]}:{start.id}"
    assert (start.state, start.size, start.lane) == ("intent", 1, "frontera")
    member = world.member("a")
    assert (member.state, member.lane, member.start) == ("starting", "frontera", start.id)
    with world.transaction() as tables:
        tables.starts.mark_open(start.id, "run-1")
        tables.starts.mark_open(start.id, "run-1")
        assert tables.starts.find_run("run-1") == tables.starts.get(start.id)
        assert tables.starts.open_by_lane(world.campaign) == {"frontera": 1}
    assert (world.member("a").state, world.member("a").run_id) == ("running", "run-1")
    end = AttemptEnd(
        member.id, done=True, then="ready", leg=2, facts={"ns": 10}, core_hours=1.5, host="c1"
    )
    assert world.end(start, "SUCCEEDED", end, core_hours=1.5) == EndedStart((member.id,))
    member = world.member("a")
    assert (member.state, member.leg, member.attempt) == ("ready", 2, 0)
    assert (member.facts, member.core_hours) == ({"ns": 10}, 1.5)
    assert member.accepted_directory == "a/start-001.1"
    start = world.run("a")
    world.end(start, "SUCCEEDED", replace(end, then="done", leg=None, facts={"rms": 0.2}))
    member = world.member("a")
    assert (member.state, member.leg, member.core_hours) == ("done", 2, 3.0)
    assert (member.facts, member.accepted_directory) == ({"ns": 10, "rms": 0.2}, "a/start-002.1")
    with world.transaction() as tables:
        assert [each.leg for each in tables.starts.attempts_of(member.id) if each.accepted] == [
            1,
            2,
        ]
        assert tables.starts.under_way(world.campaign) == []
        assert tables.campaigns.get("napa").spent_core_hours == 1.5


def test_failures_count_as_they_are_told_and_each_attempt_has_its_directory(
    world: FilledLedger,
) -> None:
    world.add("a")
    a = world.member("a").id
    lost = AttemptEnd(a, done=False, then="ready", cause="node lost", cause_category="node lost")
    world.end(world.run("a", lane="one"), "FAILED", replace(lost, avoided_lane="one"))
    assert (world.member("a").free_attempts, world.member("a").avoided_lane) == (1, "one")
    wrong = AttemptEnd(
        a, done=False, then="ready", cause="exit 3", counted=True, grow={"memory": 2}
    )
    world.end(world.run("a"), "FAILED", wrong)
    world.end(world.run("a"), "FAILED", replace(wrong, then="failed", grow=None))
    member = world.member("a")
    assert (member.state, member.attempts, member.free_attempts) == ("failed", 2, 1)
    assert (member.cause, member.grow, member.accepted_directory) == ("exit 3", {"memory": 2}, "")
    with world.transaction() as tables:
        attempts = tables.starts.attempts_of(a)
    assert [each.directory for each in attempts] == [
        f"a/start-001.{number}" for number in (1, 2, 3)
    ]
    assert [each.counted for each in attempts] == [False, True, True]


def test_an_attempt_that_comes_late_changes_nothing(world: FilledLedger) -> None:
    world.add("a")
    a = world.member("a").id
    lost = world.run("a", lane="one")
    again = AttemptEnd(a, done=False, then="ready", cause="lane lost", cause_category="lost lane")
    with world.transaction() as tables:
        assert tables.starts.supersede(lost.id, [again]) == (a,)
        assert tables.starts.supersede(lost.id, [again]) == ()
        assert tables.starts.open_by_lane(world.campaign) == {}
        assert [start.id for start in tables.starts.under_way(world.campaign)] == [lost.id]
    assert (world.member("a").state, world.member("a").free_attempts) == ("ready", 1)
    second = world.run("a", lane="two")
    before = world.member("a")
    late = AttemptEnd(a, done=True, then="done", facts={"wrong": 1}, core_hours=3)
    assert world.end(lost, "SUCCEEDED", late, core_hours=3) == EndedStart((), (a,))
    assert world.member("a") == before
    world.end(second, "SUCCEEDED", AttemptEnd(a, done=True, then="done"))
    assert (world.member("a").facts, world.member("a").state) == ({}, "done")
    with world.transaction() as tables:
        first, last = tables.starts.attempts_of(a)
        assert tables.campaigns.get("napa").spent_core_hours == 3
    assert (first.state, first.accepted, first.core_hours) == ("superseded", False, 3)
    assert (last.state, last.accepted) == ("done", True)


def test_the_end_of_a_start_is_written_once(world: FilledLedger) -> None:
    world.add("a")
    start = world.run("a")
    end = AttemptEnd(world.member("a").id, done=True, then="ready", leg=2)
    world.end(start, "SUCCEEDED", end, core_hours=2)
    before = world.member("a")
    assert world.end(start, "SUCCEEDED", end, core_hours=2) == EndedStart()
    assert world.member("a") == before
    with world.transaction() as tables:
        assert tables.campaigns.get("napa").spent_core_hours == 2


def test_of_a_pack_each_member_has_its_own_end(world: FilledLedger) -> None:
    world.add("a", "b", "c")
    pack = world.run("a", "b", "c")
    assert pack.size == 3
    a, b, c = (world.member(key).id for key in "abc")
    done = AttemptEnd(a, done=True, then="done")
    failed = AttemptEnd(b, done=False, then="failed", cause="no input", counted=True)
    with pytest.raises(CampaignError, match=f"nothing is said of member {c}"):
        world.end(pack, "SUCCEEDED", done, failed)
    assert set(world.states().values()) == {"running"}
    world.end(pack, "SUCCEEDED", done, failed, replace(done, member=c))
    assert world.states() == {"a": "done", "b": "failed", "c": "done"}


def test_what_is_not_ready_is_not_started(world: FilledLedger) -> None:
    world.add("a", "b", NewMember("c", needs=("b",)))
    world.run("a")
    for pack in (["b", "a"], ["c"], ["b", "b"]):
        with pytest.raises(CampaignError, match="no run of it may be started"):
            world.begin(*pack)
    assert world.states() == {"a": "running", "b": "ready", "c": "waiting"}


def test_a_refused_start_has_no_run(world: FilledLedger) -> None:
    world.add("a")
    start = world.begin("a")
    end = AttemptEnd(world.member("a").id, done=False, then="failed", cause="400", counted=True)
    with world.transaction() as tables:
        tables.starts.refuse(start.id, "the flow refuses its input", [end])
        assert tables.starts.get(start.id).state == "refused"
        with pytest.raises(CampaignError, match="is refused, with run none, and got run r"):
            tables.starts.mark_open(start.id, "r")
    assert world.states() == {"a": "failed"}


def test_a_run_that_asks_is_told(world: FilledLedger) -> None:
    world.add("a")
    start = world.run("a")
    with world.transaction() as tables:
        tables.starts.mark_asking(start.id, "log in again")
    assert (world.member("a").state, world.member("a").cause) == ("asking", "log in again")
    with world.transaction() as tables:
        tables.starts.mark_asking(start.id, "")
    assert world.states() == {"a": "running"}


def test_what_is_done_lets_those_begin_that_need_it(world: FilledLedger) -> None:
    world.add("a", "b", NewMember("c", needs=("a", "b")), NewMember("s", hash="h"))
    world.add(NewMember("t", hash="h"), NewMember("u", needs=("t",)))
    world.finish("a")
    assert world.member("c").waits_for == 1
    world.finish("b", "s")
    assert (world.states()["c"], world.states()["u"]) == ("ready", "ready")
    with world.transaction() as tables:
        other = tables.campaigns.add("figures", {}, "sha").id
        tables.members.add(other, [NewMember("f", needs=("napa:*", "napa:a"))], step="start")
        assert tables.members.get(other, "f").waits_for == 1
    world.finish("c", "u")
    with world.transaction() as tables:
        assert tables.members.get(other, "f").state == "ready"


def test_a_member_that_is_done_again_counts_by_its_later_attempt(world: FilledLedger) -> None:
    world.add("a")
    a = world.member("a").id
    again = AttemptEnd(a, done=True, then="ready")
    world.end(world.run("a"), "SUCCEEDED", again)
    world.end(world.run("a"), "SUCCEEDED", again)
    with world.transaction() as tables:
        assert [each.accepted for each in tables.starts.attempts_of(a)] == [False, True]


def test_queues_are_read_by_priority_and_by_who_may_take_them(world: FilledLedger) -> None:
    world.add(
        *(NewMember(f"g{number}", category="gpu", priority=number % 3) for number in range(6)),
        NewMember("any"),
        NewMember("late"),
    )
    with world.transaction() as tables:
        names = [*tables.queue.names(world.campaign)]
        assert names == [QueueName("", ""), QueueName("gpu", "")]
        first = tables.queue.read(world.campaign, QueueName("gpu", ""), 5)
        assert [member.key for member in first] == ["g2", "g5", "g1", "g4", "g0"]
    moment = world.time.replace(hour=13).isoformat()
    late = AttemptEnd(world.member("late").id, done=False, then="ready", not_before=moment)
    world.end(world.run("late"), "FAILED", late)
    with world.transaction() as tables:
        assert tables.queue.wake(world.campaign) == moment
        assert [one.key for one in tables.queue.read(world.campaign, names[0], 9)] == ["any"]
    world.wait(3600)
    with world.transaction() as tables:
        assert tables.queue.wake(world.campaign) == ""
        assert [one.key for one in tables.queue.read(world.campaign, names[0], 9)] == [
            "any",
            "late",
        ]
