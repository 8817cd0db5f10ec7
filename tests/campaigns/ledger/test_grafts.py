"""Grafts follow each leg, member, group and campaign once, also what was done before them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.ledger import AttemptEnd, GraftAfter, NewMember, NewStart
from tests.support.campaigns.filled_ledger import FilledLedger


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FilledLedger]:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        world.add(NewMember("a", group="g"), NewMember("b", group="g"), "c")
        yield world


AFTER: tuple[GraftAfter, ...] = ("leg", "member", "group", "campaign")


def add_all(world: FilledLedger) -> None:
    with world.transaction() as tables:
        for after in AFTER:
            tables.grafts.add(world.campaign, after, {"flow": f"after_{after}"})


def due(world: FilledLedger) -> dict[str, list[str]]:
    with world.transaction() as tables:
        return {
            graft.after: [each.subject for each in tables.grafts.due(graft.id, 10)]
            for graft in tables.grafts.all(world.campaign)
        }


def do_all(world: FilledLedger) -> None:
    a = world.member("a").id
    world.end(world.run("a"), "SUCCEEDED", AttemptEnd(a, done=True, then="ready", leg=2))
    world.finish("a", "b")


EXPECTED = {
    "leg": ["a/start-001", "a/start-002", "b/start-001"],
    "member": ["a", "b"],
    "group": ["g"],
    "campaign": [],
}


def test_grafts_follow_what_becomes_done(world: FilledLedger) -> None:
    add_all(world)
    do_all(world)
    assert due(world) == EXPECTED
    world.finish("c")
    assert due(world)["campaign"] == [""]


def test_a_graft_that_is_added_later_follows_what_is_done_already(world: FilledLedger) -> None:
    do_all(world)
    add_all(world)
    add_all(world)
    assert due(world) == EXPECTED


def test_a_graft_is_started_once_and_again_on_request(world: FilledLedger) -> None:
    add_all(world)
    world.finish("a")
    with world.transaction() as tables:
        _, graft, *_ = tables.grafts.all(world.campaign)
        (one,) = tables.grafts.due(graft.id, 10)
        (start,) = tables.starts.begin(world.campaign, [NewStart(graft.flow, graft_start=one.id)])
        assert (start.kind, start.size, tables.grafts.due(graft.id, 10)) == ("graft", 0, [])
        assert tables.grafts.find_start(start.id) == tables.grafts.get(one.id)
        with pytest.raises(CampaignError, match="is not due"):
            tables.starts.begin(world.campaign, [NewStart(graft.flow, graft_start=one.id)])
    with world.transaction() as tables:
        tables.starts.mark_open(start.id, "run-9")
        tables.starts.end(start.id, "FAILED", cause="no figure", core_hours=0.5)
        assert tables.grafts.counts(world.campaign)[graft.id] == {"failed": 1}
        assert tables.grafts.retry(graft.id) == 1
        (one,) = tables.grafts.due(graft.id, 10)
        tables.grafts.skip(one.id, "its condition is false")
        assert tables.grafts.counts(world.campaign)[graft.id] == {"skipped": 1}
    assert world.states()["a"] == "done"


def test_a_graft_knows_the_attempt_that_it_follows(world: FilledLedger) -> None:
    add_all(world)
    world.finish("a")
    with world.transaction() as tables:
        leg, member, *_ = tables.grafts.all(world.campaign)
        for graft in (leg, member):
            (one,) = tables.grafts.due(graft.id, 1)
            (attempt,) = tables.starts.attempts_of(one.member or 0)
            assert one.attempt == attempt.id
