"""Ends that cannot be taken: what was counted in memory is undone with what was written."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.campaigns.driver import following
from headrace.campaigns.driver.events import CampaignFault
from headrace.campaigns.ledger import NewMember
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, failed

RULES = """
[start]
flow = "md"
input = { key = "{key}" }
[limits]
stop_when = ["3 failures in a row"]
"""
PACK = """
[start]
flow = "md"
pack = 3
input = { members = "{members}" }
member = { key = "{key}", x = "{x:float}" }
[results]
members = "output.members"
"""


def test_failures_are_counted_once_though_a_page_of_ends_is_taken_twice(
    world: CampaignWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = following.write_end

    def fails_for_c(tables: Any, driven: Any, start: Any, ended: Any, *rest: Any) -> None:
        if ended.outcome.cause == "c":
            raise TypeError("what is this")
        write(tables, driven, start, ended, *rest)

    monkeypatch.setattr(following, "write_end", fails_for_c)
    world.begin(RULES, *"abc")
    world.service.script = lambda request, earlier: failed(request.body["key"], by_code=True)
    world.drive_until(lambda: bool(world.events_of(CampaignFault)))
    world.drive(5)
    assert world.states() == {"a": "failed", "b": "failed", "c": "running"}
    assert world.state() == "started"


def test_a_row_that_cannot_be_used_costs_the_others_of_its_pack_nothing(
    world: CampaignWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.campaigns.driver import run_requests

    render = run_requests.render

    def fails_for_odd(template: Any, texts: Any, where: str) -> Any:
        if texts.get("x") == "odd":
            raise TypeError("no such thing as odd")
        return render(template, texts, where)

    monkeypatch.setattr(run_requests, "render", fails_for_odd)
    members = [NewMember(key, {"x": x}) for key, x in (("a", "1"), ("odd", "odd"), ("b", "2"))]
    world.begin(PACK, *members)
    world.service.script = lambda request, earlier: Ending(
        output={"members": {each["key"]: {"state": "done"} for each in request.body["members"]}}
    )
    world.drive_until(lambda: bool(world.service.runs))
    # Before any end: what was refused has had no run.
    assert [world.member(key).free_attempts for key in "ab"] == [0, 0]
    world.drive_to_end()
    assert world.states() == {"a": "done", "odd": "failed", "b": "done"}
    assert world.member("odd").cause == "no such thing as odd"
