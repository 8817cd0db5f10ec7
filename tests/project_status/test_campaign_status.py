"""Campaigns in the status of a project: in one line each, and with what somebody should know."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.campaigns.campaign_access import ledger_path
from headrace.campaigns.driver.project_driver import driver_claims
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger import CampaignLedger, NewMember
from headrace.ledger_file.claims import Claims
from headrace.project import Project, load_project
from headrace.project_status.campaign_status import (
    CampaignState,
    campaign_findings,
    read_campaigns,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text('name = "small"\n')
    return load_project(tmp_path)


def fill(project: Project, name: str, state: str, *, days_ago: float = 0.0) -> None:
    moment = datetime.now(UTC) - timedelta(days=days_ago)
    with (
        CampaignLedger(ledger_path(project, "local"), now=lambda: moment) as ledger,
        ledger.transaction() as tables,
    ):
        row = tables.campaigns.add(name, {"title": name}, "sha")
        tables.members.add(row.id, map(NewMember, ("a", "b", "c")), step="run")
        for key, found in (("b", "failed"), ("a", "done")):
            tables.database.execute(
                "UPDATE members SET state = ? WHERE campaign = ? AND key = ?", (found, row.id, key)
            )
        tables.campaigns.set_state(row.id, state)  # type: ignore[arg-type]


def test_without_a_ledger_there_are_none(project: Project) -> None:
    assert read_campaigns(project, "local") == []


def test_campaigns_under_way_and_those_that_have_just_ended_are_told(project: Project) -> None:
    fill(project, "napa", "started")
    fill(project, "ended", "ended")
    fill(project, "long_ago", "ended", days_ago=3)
    fill(project, "draft", "draft")
    found = {each.name: each for each in read_campaigns(project, "local")}
    assert set(found) == {"napa", "ended"}
    assert str(found["napa"]) == "napa: started, 1 of 3 done, 1 failed"
    assert json.dumps(found["napa"].document())
    assert not found["napa"].driven


def test_a_driver_that_holds_its_claim_drives(project: Project) -> None:
    fill(project, "napa", "started")
    with Claims(driver_claims(ledger_path(project, "local")), CampaignError) as claims:
        claims.try_one("driver")
        assert read_campaigns(project, "local")[0].driven
    assert not read_campaigns(project, "local")[0].driven


def test_what_somebody_should_know_of_is_found() -> None:
    campaigns = [
        CampaignState("a", "paused", "10 members failed in a row"),
        CampaignState("b", "started", members={"ready": 5}, driven=False),
        CampaignState("c", "started", members={"asking": 2, "running": 1, "failed": 3}),
        CampaignState("d", "started", lost_lanes={"hpc": "offline"}),
        CampaignState("e", "ended", members={"done": 5}, driven=False),
    ]
    found = [(each.word, each.text, each.command) for each in campaign_findings(campaigns)]
    assert found == [
        (
            "act",
            "the campaign a is paused: 10 members failed in a row",
            "headrace campaign resume a",
        ),
        (
            "act",
            "the campaign b is started, and no process drives it",
            "headrace service install campaigns",
        ),
        (
            "act",
            "2 members wait for a person in the campaign c",
            "headrace campaign list c --state asking",
        ),
        ("look", "3 of 6 members of the campaign c have failed", "headrace campaign why c"),
        ("look", "the campaign d has lost its lane hpc: offline", ""),
    ]
