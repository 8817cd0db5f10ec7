"""Start of a campaign: its members are taken in once, whatever is said again."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, CampaignProblems, load_campaign
from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
from headrace.campaigns.campaign_start import StartedCampaign, start_campaign, take_in
from headrace.campaigns.start_check import StartCheck
from headrace.config.lock_file import Lock
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


def refused(project: Project) -> str:
    with (
        change_campaign_ledger(project, "local") as ledger,
        pytest.raises(CampaignProblems) as caught,
    ):
        start_campaign(project, load_campaign(project, "napa"), ledger, "ada", target="local")
    with pytest.raises(CampaignError, match="not started"), open_campaign(project, "local", "napa"):
        pass
    return str(caught.value)


def test_what_would_keep_members_from_being_started_is_told_before_anything_is(
    project: Project,
) -> None:
    deployed = project.lock()
    project.write_lock(Lock())
    assert "flow 'say' is not deployed at local: run `headrace deploy`" in refused(project)
    project.write_lock(deployed)
    file = project.root / "campaigns" / "napa.toml"
    whole = file.read_text()
    file.write_text(whole.replace('word = "{name}"', "word = 3"))
    told = refused(project)
    assert "member r001: start.input.word: 3 is not of type 'string'" in told
    assert told.endswith("`headrace campaign check napa`")
    file.write_text(
        whole.replace("open = 60", 'open = 60\ntakes = ["gpu"]').replace(
            '[lanes.desk]\nendpoint = "machine"', ""
        )
    )
    assert "no lane takes members without a category: 4 members would wait" in refused(project)


def test_members_that_could_not_be_started_are_not_added_to_what_is_under_way(
    project: Project, tmp_path: Path
) -> None:
    start(project)
    project.write_lock(Lock())
    more = tmp_path / "more.csv"
    write_rows(more, [{"name": "r009", "protein": "wild"}])
    campaign = load_campaign(project, "napa")
    check = StartCheck(project, campaign, "local")
    with (
        change_campaign_ledger(project, "local") as ledger,
        pytest.raises(CampaignProblems, match="is not deployed"),
        ledger.transaction() as tables,
    ):
        take_in(tables, project, campaign, table=more, check=check)
    with open_campaign(project, "local", "napa") as found:
        assert found.members.find(found.id, "r009") is None
