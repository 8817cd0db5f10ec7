"""Kills of the driver at its commits: no member is run twice, and none is left out."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from headrace.campaigns.ledger import NewMember
from tests.support.campaigns.campaign_world import CampaignWorld, Killed
from tests.support.campaigns.scripted_runs import Ending, failed

CAMPAIGN = """
[[steps]]
name = "setup"
flow = "setup"
pack = 4
input = { members = "{members}" }
member = { key = "{key}", directory = "{attempt_directory}" }
[[steps]]
name = "run"
flow = "md"
input = { key = "{key}", leg = "{leg:int}", directory = "{attempt_directory}" }
[steps.legs]
at_most = 2
[limits]
open = 9
[retries]
backoff = "1 s"
[after.leg]
flow = "look"
input = { key = "{key}", leg = "{leg:int}" }
[after.group]
flow = "compare"
input = { members = "{members_file}" }
"""
MEMBERS = [
    NewMember(f"m{number:02d}", group=f"g{number % 3}", needs=("m00",) if number > 15 else ())
    for number in range(60)
]


def drive_with_kills(world: CampaignWorld, random_: random.Random, kills: int) -> int:
    """Drive to the end; each process is killed at one of its first commits."""
    done = 0
    while True:
        killing = done < kills
        world.ledger.kill_at = random_.randint(1, 2) if killing else None
        world.ledger.before = random_.random() < 0.5
        world.ledger.commits = 0
        if random_.random() < 0.2:
            world.service.lose_answers = 1
        try:
            world.drive_to_end()
        except Killed:
            done += 1
            world.restart()
            continue
        return done


def script(request: object, earlier: int) -> Ending:
    body = request.body  # type: ignore[attr-defined]
    # Every seventh attempt is lost with its node.
    if body.get("directory", "").endswith("2.1") and int(body["key"][1:]) % 3 == 0:
        return failed("the node was lost", "node lost")
    return Ending(seconds=0.5)


@pytest.mark.parametrize("seed", range(2))
def test_a_hundred_kills_run_no_member_twice_and_leave_none_out(tmp_path: Path, seed: int) -> None:
    with CampaignWorld(tmp_path) as world:
        world.service.script = script
        world.begin(CAMPAIGN, *MEMBERS)
        kills = drive_with_kills(world, random.Random(seed), 100)
        assert kills == 100
        assert set(world.states().values()) == {"done"}
        tags = [run.request.tag for run in world.service.runs.values()]
        assert len(set(tags)) == len(tags) == len(world.starts())
        setups = Counter(
            each["key"] for body in world.service.bodies("setup") for each in body["members"]
        )
        assert setups == {member.key: 1 for member in MEMBERS}
        # One run for each attempt, and no directory twice.
        directories = Counter(body["directory"] for body in world.service.bodies("md"))
        assert set(directories.values()) == {1}
        legs = Counter((body["key"], body["leg"]) for body in world.service.bodies("look"))
        # The first leg of both steps, and the second one of the last.
        first = {(member.key, 1): 2 for member in MEMBERS}
        assert legs == first | {(member.key, 2): 1 for member in MEMBERS}
        assert len(world.service.bodies("compare")) == 3
        accepted = world.query("SELECT count(*) FROM attempts WHERE accepted")
        assert accepted == [(len(MEMBERS) * 3,)]


def test_a_kill_at_each_single_commit_changes_nothing(tmp_path: Path) -> None:
    text = '[start]\nflow = "md"\ninput = { key = "{key}" }\n'
    for before in (True, False):
        for commit in range(1, 12):
            directory = tmp_path / f"{before}-{commit}"
            directory.mkdir()
            with CampaignWorld(directory) as world:
                world.begin(text, "a", "b", NewMember("c", needs=("a",)))
                world.ledger.commits = 0
                world.ledger.kill_at, world.ledger.before = commit, before
                try:
                    world.drive_to_end()
                except Killed:
                    world.restart()
                    world.drive_to_end()
                assert world.states() == {"a": "done", "b": "done", "c": "done"}
                assert Counter(body["key"] for body in world.service.bodies()) == {
                    "a": 1,
                    "b": 1,
                    "c": 1,
                }
