"""Next work as runs return it: what is none is refused in words, and nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.campaigns.driver.next_work import NextWork, NextWorkRefused, parse_next
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending


def test_what_may_be_asked_for() -> None:
    assert parse_next(None) == NextWork()
    assert parse_next({}) == NextWork()
    assert parse_next({"step": "run"}) == NextWork(steps=("run",))
    assert parse_next({"steps": ["a", "b"], "members": [{"x": 1}]}) == NextWork(
        ({"x": 1},), ("a", "b")
    )
    assert parse_next({"done": True}) == NextWork(done=True)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "must be an object with members, step, steps or done"),
        ({"stpe": "run"}, "has no 'stpe'; there are members, step, steps, done"),
        ({"done": "yes"}, "done must be true or false"),
        ({"members": {"x": 1}}, "members must be a list of rows, each an object"),
        ({"members": [1]}, "members must be a list of rows, each an object"),
        ({"step": "a", "steps": ["b"]}, "has both step and steps"),
        ({"step": 3}, "steps must be a list of names of steps"),
    ],
)
def test_what_is_none_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(NextWorkRefused) as refused:
        parse_next(value)
    assert str(refused.value) == problem


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        ({"stpe": "run"}, "results.next: has no 'stpe'"),
        ({"step": "nowhere"}, "has no step 'nowhere'"),
        ({"members": [{"key": "x"}], "steps": "run"}, "results.next: steps must be a list"),
        ({"members": [{"other": 1}]}, "members.key"),
    ],
)
def test_a_member_that_asks_for_nonsense_fails_and_says_so(
    world: CampaignWorld, asked: Any, cause: str
) -> None:
    text = """
[members]
key = "{key}"
[start]
flow = "md"
input = { key = "{key}" }
[results]
next = "output.next"
"""
    world.begin(text, "a")
    world.service.script = lambda request, earlier: Ending(output={"next": asked})
    world.drive_to_end()
    assert world.states() == {"a": "failed"}
    assert cause in world.member("a").cause
