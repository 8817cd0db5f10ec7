"""Start of a campaign: its members are taken in once, whatever is said again."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, CampaignProblems, load_campaign
from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
from headrace.campaigns.campaign_start import StartedCampaign, start_campaign
from headrace.project import Project
from tests.support.campaign_project import write_campaign_project, write_rows

DIRECTORIES = """
[members.directories]
collection = "here"
path = "/sims/"
find = ["input"]
[start]
flow = "say"
[start.input]
word = "{name}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_campaign_project(tmp_path)


def start(project: Project) -> StartedCampaign:
    with change_campaign_ledger(project, "local") as ledger:
        return start_campaign(project, load_campaign(project, "napa"), ledger, "ada")


def test_a_table_is_taken_in_and_new_rows_at_the_next_start(project: Project) -> None:
    first = start(project)
    assert (first.added.added, first.total, first.state) == (4, 4, "started")
    rows = [{"name": f"r{n:03d}", "protein": "wild" if n < 3 else "k305a"} for n in range(1, 7)]
    write_rows(project.root / "campaigns" / "napa.csv", rows)
    again = start(project)
    assert (again.added.added, again.added.unchanged, again.total) == (2, 4, 6)
    with open_campaign(project, "local", "napa") as found:
        log = found.database.execute("SELECT who, what, detail FROM log").fetchall()
        assert [tuple(row) for row in log] == [("ada", "started", "4 members")]


def test_a_paused_campaign_stays_paused(project: Project) -> None:
    start(project)
    with change_campaign_ledger(project, "local") as ledger, ledger.transaction() as tables:
        tables.campaigns.set_state(tables.campaigns.get("napa").id, "paused", "dinner")
    assert start(project).state == "paused"


def test_a_row_that_cannot_be_used_starts_nothing(project: Project) -> None:
    table = project.root / "campaigns" / "napa.csv"
    table.write_text(table.read_text() + "r 9,wild\n")
    with pytest.raises(CampaignProblems, match="line 6: key 'r 9' has ' '"):
        start(project)
    with (
        pytest.raises(CampaignError, match="has no members yet"),
        open_campaign(project, "local", "napa"),
    ):
        pass


def test_an_empty_table_is_told(project: Project) -> None:
    (project.root / "campaigns" / "napa.csv").write_text("name,protein\n")
    with pytest.raises(CampaignError, match="has no members: its table is empty"):
        start(project)


def test_directories_that_are_members_already_stay_as_they_are(tmp_path: Path) -> None:
    project = write_campaign_project(tmp_path, DIRECTORIES)
    for name in ("td1", "td2"):
        (tmp_path / "data" / "sims" / name).mkdir(parents=True)
        (tmp_path / "data" / "sims" / name / "input").write_text("1")
    assert start(project).added.added == 2
    with change_campaign_ledger(project, "local") as ledger, ledger.transaction() as tables:
        tables.database.execute("UPDATE members SET priority = 9 WHERE key = 'td1'")
    (tmp_path / "data" / "sims" / "td3").mkdir()
    (tmp_path / "data" / "sims" / "td3" / "input").write_text("1")
    assert start(project).added.added == 1
    with open_campaign(project, "local", "napa") as found:
        assert found.members.get(found.id, "td1").priority == 9.0
