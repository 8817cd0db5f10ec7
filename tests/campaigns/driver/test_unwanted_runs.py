"""Runs that nobody waits for any more are cancelled, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from headrace.campaigns.ledger import CampaignLedger, LedgerTables, requests
from headrace.campaigns.ledger.member import Member
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, Unreachable, gone_for

SIMPLE = """
[start]
flow = "md"
input = { key = "{key}", lane = "{lane}" }
"""
LANES = """
[lanes.big]
endpoint = "hpc"
lost_after = "60 s"
[lanes.small]
endpoint = "workstation"
"""


def ask(world: CampaignWorld, change: Callable[[LedgerTables, int, Member], object]) -> None:
    """Change member a as somebody else does, beside the driver."""
    member = world.member("a")
    with (
        CampaignLedger(world.path, now=lambda: world.time, examine=False) as ledger,
        ledger.transaction() as tables,
    ):
        change(tables, member.campaign, member)


def drop(tables: LedgerTables, campaign: int, member: Member) -> None:
    requests.drop(tables, campaign, [member.id], who="ada")


def undo(tables: LedgerTables, campaign: int, member: Member) -> None:
    requests.undo(tables, campaign, who="ada")


def test_a_member_that_was_dropped_before_its_run_was_known(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b")
    world.service.script = lambda request, earlier: gone_for(1000)
    world.service.is_down = True
    world.drive_until(lambda: set(world.states().values()) == {"starting"})
    ask(world, drop)
    world.drive(3)
    world.service.is_down = False
    world.drive_until(lambda: world.states()["b"] == "running")
    world.drive(3)
    cancelled = {run.body["key"]: run.cancelled for run in world.service.runs.values()}
    assert cancelled == {"a": True, "b": False}


def test_a_drop_that_is_undone_starts_the_member_anew(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a")
    world.service.script = lambda request, earlier: Ending() if earlier else gone_for(1000)
    world.drive_until(lambda: world.states() == {"a": "running"})
    ask(world, drop)
    world.drive_until(lambda: world.service.runs["run-1"].cancelled)
    ask(world, undo)
    world.drive_to_end()
    assert world.states() == {"a": "done"}
    assert world.member("a").attempts == 0
    first, second = world.attempts("a")
    assert (first.state, first.cause_category) == ("superseded", "dropped")
    assert (second.state, second.accepted) == ("done", True)


def test_a_drop_that_is_undone_at_once_costs_nothing(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a")
    world.service.script = lambda request, earlier: Ending(seconds=50)
    world.drive_until(lambda: world.states() == {"a": "running"})
    ask(world, drop)
    ask(world, undo)
    world.drive_to_end()
    assert world.states() == {"a": "done"}
    assert len(world.service.runs) == 1


def test_runs_of_a_lost_lane_are_cancelled_once_the_service_answers(
    world: CampaignWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.begin(SIMPLE + LANES, "a", "b")
    world.service.script = lambda request, earlier: gone_for(
        1e5 if request.body["lane"] == "big" else 200
    )
    world.drive(3)
    (lost,) = (run for run in world.service.runs.values() if run.body["lane"] == "big")
    world.service.problems["hpc"] = "endpoint hpc: the service calls it offline"
    refused: list[Sequence[str]] = []

    def cancel(run_ids: Sequence[str]) -> None:
        refused.append(run_ids)
        raise Unreachable("nobody answered")

    with monkeypatch.context() as patch:
        patch.setattr(world.service, "cancel", cancel)
        world.drive_until(lambda: len(refused) > 1)
    assert not lost.cancelled
    world.drive_until(lambda: lost.cancelled)
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    first = world.attempts(lost.body["key"])[0]
    assert (first.state, first.cause_category) == ("superseded", "lost lane")
    assert first.cause.startswith("lane big is lost: ")
