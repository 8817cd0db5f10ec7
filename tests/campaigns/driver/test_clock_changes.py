"""Clocks that are set back while campaigns are driven."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, failed

SIMPLE = """
[start]
flow = "md"
input = { key = "{key}" }
"""
# Far less than the hours and the year by which the clocks are set back, in s.
SOON = 600.0


def test_ends_are_seen_at_once_after_the_clock_was_set_back(world: CampaignWorld) -> None:
    world.begin(SIMPLE + "[limits]\nopen = 2\n", *"abcdefgh")
    world.service.script = lambda request, earlier: Ending(seconds=5)
    world.drive_until(lambda: Counter(world.states().values())["done"] >= 4)
    back = timedelta(hours=2)
    world.time -= back
    for run in world.service.under_way():
        run.ends_at -= back
    began = world.seconds
    world.drive_to_end()
    assert world.seconds - began < SOON


def test_nobody_waits_for_a_time_of_a_clock_that_was_wrong(world: CampaignWorld) -> None:
    world.begin(SIMPLE + '[retries]\nbackoff = "1 min"\n', "a")
    world.service.script = lambda request, earlier: Ending() if earlier else failed("", "node lost")
    year = timedelta(days=365)
    world.time += year
    world.drive_until(lambda: world.member("a").not_before != "")
    world.time -= year
    began = world.seconds
    world.drive_to_end()
    assert world.states() == {"a": "done"}
    assert world.seconds - began < SOON
