"""Requests of people: each is one transaction, tells what it left and why, and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.ledger import AttemptEnd, Change, LedgerTables, NewMember, requests
from tests.support.campaigns.filled_ledger import FilledLedger


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FilledLedger]:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        yield world


def ask(
    world: FilledLedger, request: Callable[..., Change], keys: str, *values: Any, **named: Any
) -> Change:
    ids = [world.member(key).id for key in keys]
    with world.transaction() as tables:
        return request(tables, world.campaign, ids, *values, who="ana", **named)


def undo(world: FilledLedger) -> Change:
    with world.transaction() as tables:
        return requests.undo(tables, world.campaign, who="ana")


def fail(world: FilledLedger, key: str) -> None:
    end = AttemptEnd(world.member(key).id, done=False, then="failed", cause="exit 3", counted=True)
    world.end(world.run(key), "FAILED", end)


def log(world: FilledLedger) -> list[str]:
    with world.transaction() as tables:
        return [f"{line.who} {line.what} {line.detail}" for line in tables.log.read(world.campaign)]


def test_members_are_held_and_released(world: FilledLedger) -> None:
    world.add("a", NewMember("b", needs=("a",)), "c")
    world.finish("c")
    start = world.run("a")
    change = ask(world, requests.hold, "abc", reason="beam time")
    assert (change.changed, change.left) == (("a", "b"), {"is done": ("c",)})
    assert world.states() == {"a": "running", "b": "held", "c": "done"}
    world.end(start, "SUCCEEDED", AttemptEnd(world.member("a").id, done=True, then="ready", leg=2))
    assert world.states()["a"] == "held"
    assert ask(world, requests.hold, "ab").left == {"is held already": ("a", "b")}
    assert ask(world, requests.release, "abc").changed == ("a", "b")
    assert world.states() == {"a": "ready", "b": "waiting", "c": "done"}
    assert log(world) == ["ana hold a, b: beam time", "ana release a, b"]


def test_a_hold_that_did_not_come_to_pass_is_taken_back(world: FilledLedger) -> None:
    world.add("a")
    world.run("a")
    ask(world, requests.hold, "a")
    assert ask(world, requests.release, "a").changed == ("a",)
    assert not world.member("a").hold_requested


def test_what_failed_is_tried_again_with_all_its_attempts(world: FilledLedger) -> None:
    world.add("a", "b")
    fail(world, "a")
    change = ask(world, requests.retry, "ab")
    assert (change.changed, change.left) == (("a",), {"is ready": ("b",)})
    member = world.member("a")
    assert (member.state, member.attempts, member.attempt, member.cause) == ("ready", 0, 1, "")
    world.begin("a")
    assert world.member("a").attempt == 2


def test_what_is_done_is_done_again_from_a_step(world: FilledLedger) -> None:
    world.add("a", NewMember("b", needs=("a",)))
    world.finish("a")
    assert ask(world, requests.retry, "a").left == {"is done": ("a",)}
    assert ask(world, requests.retry, "a", step="start").changed == ("a",)
    assert world.states() == {"a": "ready", "b": "ready"}
    world.finish("a")
    with world.transaction() as tables:
        attempts = tables.starts.attempts_of(tables.members.get(world.campaign, "a").id)
    assert [attempt.accepted for attempt in attempts] == [False, True]


def test_a_wait_between_attempts_is_cut_short(world: FilledLedger) -> None:
    world.add("a")
    late = AttemptEnd(world.member("a").id, False, "ready", not_before="2100-01-01T00:00:00+00:00")
    world.end(world.run("a"), "FAILED", late)
    assert ask(world, requests.retry, "a").changed == ("a",)
    assert world.member("a").not_before == ""


def test_dropped_members_stay_on_record_and_their_runs_bring_nothing(world: FilledLedger) -> None:
    world.add("a", "b", "c")
    start = world.run("a")
    assert ask(world, requests.drop, "ab", reason="wrong input").changed == ("a", "b")
    assert ask(world, requests.retry, "a").left == {
        "was dropped while it ran, and its run has not ended yet": ("a",)
    }
    late = AttemptEnd(world.member("a").id, done=True, then="done", facts={"x": 1})
    assert world.end(start, "SUCCEEDED", late).superseded == (world.member("a").id,)
    assert world.member("a").facts == {}
    assert (world.states()["a"], world.member("b").cause) == ("dropped", "wrong input")
    assert ask(world, requests.retry, "a").changed == ("a",)
    assert world.states()["a"] == "ready"


def test_who_shares_the_work_of_a_dropped_member_does_it(world: FilledLedger) -> None:
    world.add(*(NewMember(key, hash="h") for key in "abc"), NewMember("d", needs=("c",)))
    assert world.states() == {"a": "ready", "b": "shared", "c": "shared", "d": "waiting"}
    ask(world, requests.drop, "a")
    assert world.states() == {"a": "dropped", "b": "ready", "c": "shared", "d": "waiting"}
    assert undo(world).changed == ("a", "b", "c")
    assert world.states() == {"a": "ready", "b": "shared", "c": "shared", "d": "waiting"}
    assert world.member("c").shared_with == world.member("a").id
    ask(world, requests.drop, "a")
    world.finish("b")
    assert world.states()["d"] == "ready"
    change = undo(world)
    assert change.changed == ("c",)
    assert change.left == {"is done by another member now": ("a",), "is done now": ("b",)}


def test_members_are_moved_and_given_priorities(world: FilledLedger) -> None:
    world.add("a", "b", "c")
    world.finish("c")
    moved = ask(world, requests.move, "abc", "frontera")
    assert (moved.changed, moved.subject) == (("a", "b"), "frontera")
    assert world.member("a").wanted_lane == "frontera"
    assert ask(world, requests.move, "a", "frontera").left == {
        "is wanted in frontera already": ("a",)
    }
    assert ask(world, requests.set_priority, "b", 2).changed == ("b",)
    assert (world.member("b").priority, world.member("a").priority) == (2.0, 0.0)
    undo(world)
    assert world.member("b").priority == 0.0
    undo(world)
    assert world.member("a").wanted_lane == ""
    with pytest.raises(CampaignError, match="nothing to undo"):
        undo(world)


def test_what_has_gone_on_is_not_undone_and_is_told(world: FilledLedger) -> None:
    world.add("a", "b")
    fail(world, "a")
    fail(world, "b")
    ask(world, requests.retry, "ab")
    world.run("a")
    change = undo(world)
    assert (change.changed, change.left) == (("b",), {"is running now": ("a",)})
    assert world.states() == {"a": "running", "b": "failed"}
    assert (world.member("b").attempts, world.member("b").cause) == (1, "exit 3")


def test_a_drop_is_undone_whatever_its_run_did(world: FilledLedger) -> None:
    world.add("a", "b", NewMember("c", needs=("other",)))
    start = world.begin("a")
    world.run("b")
    ask(world, requests.drop, "abc")
    with world.transaction() as tables:
        tables.starts.mark_open(start.id, "run-1")
    undo(world)
    assert world.states() == {"a": "running", "b": "running", "c": "waiting"}
    ask(world, requests.drop, "a")
    world.end(start, "SUCCEEDED", AttemptEnd(world.member("a").id, done=True, then="done"))
    undo(world)
    assert world.states()["a"] == "ready"


def test_a_need_that_is_met_meanwhile_does_not_keep_from_undoing(world: FilledLedger) -> None:
    world.add("a", NewMember("b", needs=("a",)))
    ask(world, requests.hold, "b")
    world.finish("a")
    assert undo(world).changed == ("b",)
    assert world.states()["b"] == "ready"


def test_a_campaign_is_paused_and_resumed(world: FilledLedger) -> None:
    def asked(request: Callable[..., Change], **named: Any) -> Change:
        with world.transaction() as tables:
            return request(tables, world.campaign, who="ana", **named)

    def row(name: str) -> str:
        with world.transaction() as tables:
            return str(getattr(tables.campaigns.get("napa"), name))

    with pytest.raises(CampaignError, match="napa is draft, not started; start it"):
        asked(requests.pause)
    with world.transaction() as tables:
        tables.campaigns.set_state(world.campaign, "started")
    assert not asked(requests.pause, reason="disk full").is_empty
    assert (row("state"), row("pause_reason")) == ("paused", "disk full")
    assert asked(requests.pause).is_empty
    undo(world)
    assert row("state") == "started"
    asked(requests.pause)
    asked(requests.resume)
    assert row("state") == "started"
    with world.transaction() as tables:
        tables.campaigns.set_state(world.campaign, "ended")
    with pytest.raises(CampaignError, match="was changed since"):
        undo(world)


def test_lanes_are_drained_and_limited(world: FilledLedger) -> None:
    def asked(request: Callable[..., Change], *values: Any, **named: Any) -> Change:
        with world.transaction() as tables:
            return request(tables, world.campaign, *values, who="ana", **named)

    def lane(tables: LedgerTables) -> tuple[bool, int | None, str]:
        state = tables.lanes.get(world.campaign, "frontera")
        return state.drained, state.open_limit, state.reason

    asked(requests.drain, "frontera", reason="maintenance")
    asked(requests.limit, "frontera", 5)
    assert asked(requests.limit, "frontera", 5).is_empty
    with world.transaction() as tables:
        assert lane(tables) == (True, 5, "maintenance")
    undo(world)
    with world.transaction() as tables:
        assert lane(tables) == (True, None, "maintenance")
    asked(requests.undrain, "frontera")
    with world.transaction() as tables:
        assert lane(tables) == (False, None, "")
    undo(world)
    with world.transaction() as tables:
        assert lane(tables) == (True, None, "maintenance")
    assert log(world)[:2] == ["ana drain frontera: maintenance", "ana limit frontera: 5"]


def test_ten_thousand_members_are_retried_and_undone_at_once(world: FilledLedger) -> None:
    world.add(*(f"m{number}" for number in range(10_000)))
    with world.transaction() as tables:
        tables.database.execute("UPDATE members SET state = 'failed', attempts = 3")
        ids = list(range(1, 10_001))
        assert len(requests.retry(tables, world.campaign, ids, who="ana").changed) == 10_000
        assert tables.members.counts(world.campaign) == {"ready": 10_000}
    assert len(undo(world).changed) == 10_000
    with world.transaction() as tables:
        assert tables.members.counts(world.campaign) == {"failed": 10_000}
