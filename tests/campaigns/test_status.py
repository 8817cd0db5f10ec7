"""How a campaign stands, from a ledger in which some of its members are done and some are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.campaign_access import open_campaign, read_campaign_ledger
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.page_data import (
    chain_document,
    member_strip,
    members_between,
    next_command,
    read_chain,
    state_bars,
)
from headrace.campaigns.status import CampaignStatus, group_counts, read_status
from tests.support.campaign_project import CampaignHistory, write_campaign_project

Read = Callable[[], CampaignStatus]


def rows(count: int) -> list[NewMember]:
    return [NewMember(f"r{n:03d}", {"n": n}, group=f"g{n % 2}") for n in range(1, count + 1)]


@pytest.fixture
def history(tmp_path: Path) -> CampaignHistory:
    history = CampaignHistory(write_campaign_project(tmp_path))
    history.add([*rows(20), NewMember("late", {"n": 0}, needs=("r013",))])
    for n in range(1, 11):
        history.pass_time(minutes=2)
        history.done([f"r{n:03d}"], rms=n / 10)
    history.failed(["r011", "r012", "r013"], "segmentation fault", host="c7")
    history.done(["r014"], "desk")
    history.start(["r015", "r016"], "desk")
    return history


@pytest.fixture
def read(history: CampaignHistory) -> Read:
    def read() -> CampaignStatus:
        with open_campaign(history.project, "local", "napa") as found:
            return read_status(found.database, found.row, found.campaign, history.now)

    return read


def test_members_lanes_and_costs_are_counted(read: Read) -> None:
    status = read()
    counts = {state: count for state, count in status.counts.items() if count}
    assert counts == {"waiting": 1, "ready": 4, "running": 2, "done": 11, "failed": 3}
    assert (status.total, status.finished, status.state) == (21, 11, "started")
    assert (status.core_hours, status.core_hours_limit) == (14.0, 1000.0)
    frontera, desk = status.lanes
    assert (frontera.name, frontera.open, frontera.limit) == ("frontera", 0, 60)
    assert (frontera.done, frontera.failed, frontera.hosts) == (10, 3, {"frontera-1": 10})
    assert (desk.name, desk.open, desk.limit, desk.done) == ("desk", 2, None, 1)
    assert frontera.core_hours == 13.0


def test_the_end_is_expected_at_the_pace_of_those_that_are_done(
    read: Read, history: CampaignHistory
) -> None:
    forecast = read().forecast
    assert forecast.counted == 11
    assert forecast.at is not None
    # 10 intervals in 18 minutes, 7 members are left.
    assert forecast.at - history.now == timedelta(minutes=7 * 1.8)


def test_what_ended_more_than_an_hour_ago_is_not_of_the_last_hour(
    read: Read, history: CampaignHistory
) -> None:
    history.pass_time(hours=2)
    assert [lane.done for lane in read().lanes] == [0, 0]


def test_what_waits_for_a_person_is_told_with_the_way_out(
    read: Read, history: CampaignHistory
) -> None:
    assert read().people == (
        "3 failed; `headrace campaign why napa`",
        "1 member waits for others that failed or were dropped; `headrace campaign why napa`",
    )
    with history.ledger() as ledger, ledger.transaction() as tables:
        tables.campaigns.set_state(
            tables.campaigns.get("napa").id, "paused", "10 failures in a row"
        )
    status = read()
    assert status.people[0] == (
        "it is paused: 10 failures in a row; `headrace campaign resume napa`"
    )
    assert (status.forecast.at, status.forecast.reason) == (None, "it is paused")


def test_members_are_counted_by_group_lane_and_step(history: CampaignHistory) -> None:
    with open_campaign(history.project, "local", "napa") as found:
        groups = group_counts(found.database, found.id, "group")
        lanes = group_counts(found.database, found.id, "lane")
        steps = group_counts(found.database, found.id, "step")
    assert groups["g0"] == {"done": 6, "failed": 1, "running": 1, "ready": 2}
    assert state_bars(groups)[1] == (
        "g0",
        [("ready", 2), ("running", 1), ("done", 6), ("failed", 1)],
    )
    assert set(lanes) == {"", "frontera", "desk"}
    assert list(steps) == ["run"]


def test_the_strip_has_a_cell_for_each_member_or_for_several(history: CampaignHistory) -> None:
    with open_campaign(history.project, "local", "napa") as found:
        cells = member_strip(found.database, found.id)
        few = member_strip(found.database, found.id, 4)
        inside = members_between(found.database, found.id, few[1].first, few[1].last)
    assert [cell.state for cell in cells[9:14]] == ["done", "failed", "failed", "failed", "done"]
    assert len(few) == 4
    assert sum(sum(cell.counts.values()) for cell in few) == 21
    assert [cell.state for cell in few] == ["done", "failed", "failed", "ready"]
    assert [member.key for member in inside] == [f"r{n:03d}" for n in range(7, 13)]


def test_a_member_shows_its_chain(history: CampaignHistory) -> None:
    with open_campaign(history.project, "local", "napa") as found:
        failed = read_chain(found.database, found.id, "napa", "r013")
        late = read_chain(found.database, found.id, "napa", "late")
        done = read_chain(found.database, found.id, "napa", "r001")
        running = read_chain(found.database, found.id, "napa", "r015")
        with pytest.raises(CampaignError, match="no member 'r0131'; did you mean 'r013'"):
            read_chain(found.database, found.id, "napa", "r0131")
    assert [(a.state, a.cause, a.host) for a in failed.attempts] == [
        ("failed", "segmentation fault", "c7")
    ]
    assert failed.run_ids == ("run-13",)
    assert failed.needed_by == ("late",)
    assert late.needs == (("r013", False),)
    assert done.member.accepted_directory == "r001/run-001.1"
    commands = [next_command(chain, "napa", "local") for chain in (failed, late, done, running)]
    assert commands == [
        "headrace campaign retry napa r013",
        "",
        "headrace campaign get napa r001",
        f"headrace run output {running.member.run_id} --follow",
    ]
    held = replace(late, member=replace(late.member, state="held"))
    assert next_command(held, "napa", "local") == "headrace campaign release napa late"
    assert next_command(held, "napa", "globus").endswith(" release napa late --at globus")
    assert next_command(late, "napa", "globus") == ""
    assert chain_document(done)["tries"][0]["run_id"] == "run-1"


def test_a_campaign_that_was_never_started_is_told(tmp_path: Path) -> None:
    project = write_campaign_project(tmp_path)
    with (
        pytest.raises(CampaignError, match="started or given members at local yet"),
        read_campaign_ledger(project, "local"),
    ):
        pass
    with (
        pytest.raises(CampaignError, match="no campaign 'nap'"),
        open_campaign(project, "local", "nap"),
    ):
        pass
    CampaignHistory(project).add(rows(1))
    (tmp_path / "campaigns" / "other.toml").write_text("")
    for name, words in (("other", "has no members yet"), ("napb", "did you mean 'napa'")):
        with pytest.raises(CampaignError, match=words), open_campaign(project, "local", name):
            pass


def test_counts_of_the_last_hour_look_no_attempt_up(history: CampaignHistory) -> None:
    with open_campaign(history.project, "local", "napa") as found:
        asked: list[str] = []
        found.database.set_trace_callback(asked.append)
        read_status(found.database, found.row, found.campaign, history.now)
        found.database.set_trace_callback(None)
        [counted] = [text for text in asked if "sum(core_hours)" in text]
        plan = found.database.execute(f"EXPLAIN QUERY PLAN {counted}").fetchall()
    assert any("attempt_counts" in str(step["detail"]) for step in plan)
    assert not any(" attempts " in str(step["detail"]) for step in plan)
