"""SIGKILL of the driver and the facility in the middle of a campaign: each member is run once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.campaigns.driven_project import DrivenProject
from tests.support.waiting import wait_until

CAMPAIGN = """
[members]
table = "words.csv"
[start]
flow = "say"
pack = PACK
input = { word = "good", members = "{members}" }
member = { key = "{key}", directory = "{attempt_directory}" }
[limits]
open = OPEN
"""


@pytest.fixture
def driven(tmp_path: Path) -> Iterator[DrivenProject]:
    project = DrivenProject(tmp_path / "project")
    yield project
    project.stop()


def drive_with_kills(driven: DrivenProject, log: Path, kills: int, seconds: float) -> int:
    """Drive the campaign to its end, and kill the driver or the facility now and then."""
    chance = random.Random(20261128)
    done = 0
    driver = driven.begin_driver(log, "words")
    while True:
        # The kill is to fall anywhere: a time is waited for, not a condition.
        pause = chance.expovariate(1 / seconds) if done < kills else 600.0
        try:
            code = driver.wait(pause)
        except subprocess.TimeoutExpired:
            assert done < kills, log.read_text()[-3000:]
            if chance.random() < 0.3 and driven.is_up:
                driven.kill_facility()
            else:
                os.kill(driver.pid, signal.SIGKILL)
                driver.wait()
                driver = driven.begin_driver(log, "words")
            done += 1
            continue
        assert code == 0, log.read_text()[-3000:]
        return done


def check_each_was_run_once(driven: DrivenProject, members: int) -> None:
    assert driven.states() == {"done": members}
    tags = driven.tags()
    assert set(tags.values()) == {1}
    ((starts,),) = driven.query("SELECT count(*) FROM starts WHERE state = 'ended'")
    assert len(tags) == starts
    # One attempt of each, in one run.
    assert driven.query("SELECT count(*), count(DISTINCT member) FROM attempts") == [
        (members, members)
    ]


@pytest.mark.timeout(600)
def test_kills_of_driver_and_facility_run_no_member_twice_and_leave_none_out(
    driven: DrivenProject, tmp_path: Path
) -> None:
    text = CAMPAIGN.replace("PACK", "3").replace("OPEN", "60")
    driven.begin(text, [{"name": f"m{n:04d}"} for n in range(1500)])
    kills = drive_with_kills(driven, tmp_path / "log", 8, 1.5)
    assert kills > 2
    check_each_was_run_once(driven, 1500)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_kills_among_a_hundred_thousand_members(
    driven: DrivenProject, tmp_path: Path
) -> None:
    text = CAMPAIGN.replace("PACK", "20").replace("OPEN", "1000")
    driven.begin(text, [{"name": f"m{n:06d}"} for n in range(100_000)])
    kills = drive_with_kills(driven, tmp_path / "log", 100, 4.0)
    assert kills > 20
    check_each_was_run_once(driven, 100_000)


@pytest.mark.timeout(300)
def test_a_driver_that_is_asked_to_end_ends_cleanly(driven: DrivenProject, tmp_path: Path) -> None:
    text = CAMPAIGN.replace('flow = "say"', 'flow = "rest"')
    driven.begin(text.replace("PACK", "2").replace("OPEN", "5"), [{"name": "a"}, {"name": "b"}])
    driver = driven.begin_driver(tmp_path / "log")
    wait_until(lambda: driven.states()["running"] == 2, "two runs")
    os.kill(driver.pid, signal.SIGTERM)
    assert driver.wait(60) == 0
    assert driven.states() == {"running": 2}
