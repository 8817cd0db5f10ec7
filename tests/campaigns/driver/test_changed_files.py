"""Campaign files that are changed while their campaigns are under way."""

from __future__ import annotations

from headrace.campaigns.campaign_loading import read_campaign
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, ScriptedRun

SIMPLE = """
[start]
flow = "md"
input = { key = "{key}" }
"""


def change_file(world: CampaignWorld, text: str) -> None:
    campaign = read_campaign(world.write(text))
    with world.ledger.transaction() as tables:
        tables.campaigns.add("napa", campaign.definition, campaign.definition_sha)


def runs(world: CampaignWorld) -> list[ScriptedRun]:
    return [*world.service.runs.values()]


def test_a_start_that_may_be_sent_is_asked_for_under_its_own_flow(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b")
    world.service.script = lambda request, earlier: Ending(seconds=100)
    world.service.lose_answers = 1
    world.drive()
    change_file(world, SIMPLE.replace('"md"', '"longer_md"'))
    world.restart()
    world.drive_until(lambda: set(world.states().values()) == {"running"})
    # A service knows a request by its flow, too: under another one it would be another run.
    assert world.service.flows == {run.request.tag: {"md"} for run in runs(world)}


def test_runs_of_a_flow_that_the_file_names_no_more_are_followed(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a")
    world.service.script = lambda request, earlier: Ending(seconds=5)
    world.drive_until(lambda: world.states() == {"a": "running"})
    change_file(world, SIMPLE.replace('"md"', '"longer_md"'))
    world.restart()
    # Not by comparing all runs that are open, one by one.
    world.drive_until(lambda: world.states() == {"a": "done"})
    assert world.service.calls["read"] == 0
