"""Grafts: after legs, members, groups and campaigns, also added later, each exactly once."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from headrace.campaigns.driver import grafts
from headrace.campaigns.driver.events import GraftEnded
from headrace.campaigns.ledger import NewMember
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, failed

CAMPAIGN = """
[start]
flow = "md"
input = { key = "{key}" }
[start.legs]
at_most = 4
[results]
facts = "output.facts"
[after.leg]
flow = "look"
when = "leg % 2 == 0"
input = { key = "{key}", leg = "{leg:int}", directory = "{previous_directory}" }
[after.member]
flow = "analyse"
input = { key = "{key}" }
[after.group]
flow = "compare"
input = { group = "{group}", members = "{members_file}" }
[after.campaign]
flow = "report"
input = { members = "{members_file}" }
"""
MEMBERS = [
    NewMember(key, {"x": number}, group="ab"[number % 2]) for number, key in enumerate("mnop")
]


def test_each_end_starts_its_grafts_once(world: CampaignWorld) -> None:
    world.begin(CAMPAIGN, *MEMBERS)
    world.service.script = lambda request, earlier: Ending(output={"facts": {"rms": 1.5}})
    world.drive_to_end()
    legs = Counter((body["key"], body["leg"]) for body in world.service.bodies("look"))
    assert legs == {(key, leg): 1 for key in "mnop" for leg in (2, 4)}
    assert world.service.bodies("look")[0]["directory"] == "m/run-002.1"
    assert sorted(body["key"] for body in world.service.bodies("analyse")) == [*"mnop"]
    assert sorted(body["group"] for body in world.service.bodies("compare")) == ["a", "b"]
    (report,) = world.service.bodies("report")
    with Path(report["members"]).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [*"mnop"]
    assert {row["facts.rms"] for row in rows} == {"1.5"}
    assert [row["x"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0]["directory"] == "m/run-004.1"


def test_a_graft_that_fails_fails_no_member_and_delays_no_leg(world: CampaignWorld) -> None:
    world.begin(CAMPAIGN, *MEMBERS)
    world.service.script = lambda request, earlier: (
        failed("no picture") if request.flow == "look" else Ending()
    )
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    assert Counter(event.succeeded for event in world.events_of(GraftEnded))[False] == 8


def test_a_graft_that_is_refused_is_told_of(world: CampaignWorld) -> None:
    world.begin(CAMPAIGN, *MEMBERS)
    world.service.refuse = lambda request: "no such flow" * (request.flow == "analyse")
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    causes = {event.cause for event in world.events_of(GraftEnded) if not event.succeeded}
    assert causes == {"no such flow"}


def test_all_grafts_without_an_answer_are_asked_for_again(
    world: CampaignWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grafts, "PORTION", 2)
    world.begin(CAMPAIGN, *MEMBERS)
    world.service.put_off = lambda request: request.flow == "look"
    world.drive_until(lambda: set(world.states().values()) == {"done"})
    assert not world.service.bodies("look")
    world.service.put_off = lambda request: False
    world.drive_to_end()
    assert len(world.service.bodies("look")) == 8


def test_a_graft_that_is_added_later_runs_for_all_that_has_ended_before(
    world: CampaignWorld,
) -> None:
    id_ = world.begin(CAMPAIGN, *MEMBERS)
    world.drive_until(lambda: len(world.service.bodies("md")) >= 10)
    later = {"flow": "movie", "input": {"key": "{key}", "leg": "{leg:int}"}}
    with world.ledger.transaction() as tables:
        tables.grafts.add(id_, "leg", later)
    world.drive_to_end()
    legs = Counter((body["key"], body["leg"]) for body in world.service.bodies("movie"))
    assert legs == {(key, leg): 1 for key in "mnop" for leg in (1, 2, 3, 4)}


def test_a_graft_that_is_added_after_the_end_opens_the_campaign_again(
    world: CampaignWorld,
) -> None:
    id_ = world.begin(CAMPAIGN, *MEMBERS)
    world.drive_to_end()
    with world.ledger.transaction() as tables:
        tables.grafts.add(id_, "member", {"flow": "movie", "input": {"key": "{key}"}})
    world.restart()
    world.drive_until(lambda: len(world.service.bodies("movie")) == 4)
    world.drive_to_end()


def test_a_condition_that_cannot_be_evaluated_is_told_and_skipped(world: CampaignWorld) -> None:
    world.begin(CAMPAIGN.replace("leg % 2 == 0", "no_such_column > 1"), *MEMBERS)
    world.drive_to_end()
    assert not world.service.bodies("look")
    assert {event.flow for event in world.events_of(GraftEnded) if not event.succeeded} == {"look"}
