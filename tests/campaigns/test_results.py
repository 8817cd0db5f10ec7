"""The directory of results: links that follow the members, the table, and the log."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.campaign_access import open_campaign
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.report import write_campaign_report
from headrace.campaigns.result_table import result_rows, write_table
from headrace.campaigns.results import ResultsUpdate, update_results
from tests.support.campaign_project import CampaignHistory, write_campaign_project


class World:
    """A campaign whose attempts leave directories in one place."""

    def __init__(self, root: Path) -> None:
        self.history = CampaignHistory(write_campaign_project(root))
        self.history.add(
            NewMember(f"r{n}", {"n": n, "state": "solid"}, group="wild/type") for n in range(6)
        )
        self.outputs = root / "data" / "outputs"
        self.directory = root / "data" / "campaigns" / "napa"

    def bring_back(self, directory: str) -> Path:
        path = self.outputs / directory
        path.mkdir(parents=True)
        (path / "energy.xvg").write_text(directory)
        return path

    def update(self, *, with_table: bool = False) -> ResultsUpdate:
        with open_campaign(self.history.project, "local", "napa") as found:
            return update_results(
                *(found.database, found.id, self.directory),
                lambda member: self.outputs / member.directory,
                with_table=with_table,
            )

    def links(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.directory)): str(path.resolve().relative_to(self.outputs))
            for path in sorted(self.directory.rglob("*"))
            if path.is_symlink()
        }


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_member_has_its_name_and_stands_under_state_group_and_lane(world: World) -> None:
    world.bring_back("r0/run-001.1")
    world.bring_back("r1/run-001.1")
    world.history.done(["r0"])
    world.history.failed(["r1"], "no convergence", "desk")
    world.update()
    assert world.links() == {
        "members/r0": "r0/run-001.1",
        "by/done/r0": "r0/run-001.1",
        "by/group/wild_type/r0": "r0/run-001.1",
        "by/lane/frontera/r0": "r0/run-001.1",
        "members/r1": "r1/run-001.1",
        "by/failed/r1": "r1/run-001.1",
        "by/group/wild_type/r1": "r1/run-001.1",
        "by/lane/desk/r1": "r1/run-001.1",
    }
    assert (world.directory / "members/r0/energy.xvg").read_text() == "r0/run-001.1"


def test_only_what_has_changed_is_looked_at(world: World) -> None:
    for n in range(3):
        world.bring_back(f"r{n}/run-001.1")
        world.history.pass_time(seconds=1)
        world.history.done([f"r{n}"])
    assert world.update().members == 3
    assert world.update().members == 1, "what ended in the last instant is looked at again"
    world.bring_back("r3/run-001.1")
    world.history.pass_time(seconds=1)
    world.history.done(["r3"])
    assert world.update().members == 2
    assert len([name for name in world.links() if name.startswith("members/")]) == 4


def test_links_that_were_lost_or_are_old_are_put_right(world: World) -> None:
    world.bring_back("r0/run-001.1")
    world.history.done(["r0"])
    world.update()
    (world.directory / "by/done/r0").unlink()
    (world.directory / "members/r0").unlink()
    (world.directory / "members/r0").symlink_to("elsewhere")
    (world.directory / "by/failed").mkdir()
    (world.directory / "by/failed/r0").symlink_to("elsewhere")
    (world.directory / ".links.json").write_text("half a fi")
    world.update()
    assert {"members/r0", "by/done/r0"} < set(world.links())
    assert not (world.directory / "by/failed/r0").is_symlink()


def test_what_somebody_has_put_there_stays(world: World) -> None:
    world.bring_back("r0/run-001.1")
    (world.directory / "members" / "r0").mkdir(parents=True)
    (world.directory / "members" / "r0" / "note").write_text("mine")
    world.history.done(["r0"])
    world.update()
    assert (world.directory / "members" / "r0" / "note").read_text() == "mine"


def test_the_log_is_appended_once_also_after_a_kill_within_a_line(world: World) -> None:
    world.update()
    log = world.directory / "campaign.jsonl"
    with world.history.ledger() as ledger, ledger.transaction() as tables:
        campaign = tables.campaigns.get("napa")
        member = tables.members.get(campaign.id, "r1")
        tables.log.add(campaign.id, "paused", "a dinner", who="ada")
        tables.log.add(campaign.id, "held", "µ looks odd", who="ada", member=member.id)
    before = len(log.read_text().splitlines())
    assert world.update().entries == 2
    assert world.update().entries == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()][before:]
    assert [(line["who"], line["what"], line["member"]) for line in lines] == [
        ("ada", "paused", None),
        ("ada", "held", "r1"),
    ]
    whole = log.read_bytes()
    log.write_bytes(whole[:-9])
    assert world.update().entries == 1
    assert log.read_bytes() == whole


def test_the_table_has_rows_and_facts_beside_what_became_of_members(
    world: World, tmp_path: Path
) -> None:
    world.history.done(["r0"], rms=0.5, n=7)
    world.history.failed(["r1"], "no convergence, at all")
    assert world.update(with_table=True).table == 6
    with (world.directory / "table.csv").open(newline="") as stream:
        rows = [*csv.DictReader(stream)]
    assert [row["key"] for row in rows] == [f"r{n}" for n in range(6)]
    assert (rows[0]["state"], rows[0]["row.state"], rows[0]["n"]) == ("done", "solid", "0")
    assert (rows[0]["rms"], rows[0]["facts.n"], rows[1]["rms"]) == ("0.5", "7", "")
    assert rows[1]["cause"] == "no convergence, at all"
    with open_campaign(world.history.project, "local", "napa") as found:
        write_table(found.database, found.id, tmp_path / "t.json")
        assert json.loads((tmp_path / "t.json").read_text()) == [
            *result_rows(found.database, found.id)
        ]
        with pytest.raises(CampaignError, match="the ending says the format"):
            write_table(found.database, found.id, tmp_path / "t.xls")
        with pytest.raises(CampaignError, match="no such directory"):
            write_table(found.database, found.id, tmp_path / "nowhere" / "t.csv")


def test_parquet_is_read_by_others(world: World, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    world.history.done(["r0"], rms=0.5)
    with open_campaign(world.history.project, "local", "napa") as found:
        assert write_table(found.database, found.id, tmp_path / "t.parquet") == 6
    columns = parquet.read_table(tmp_path / "t.parquet").to_pydict()
    assert columns["state"] == ["done", *["ready"] * 5]
    assert columns["rms"] == [0.5, *[None] * 5]
    assert columns["n"] == [*range(6)]


def test_the_report_holds_everything_and_loads_nothing(world: World, tmp_path: Path) -> None:
    for n in range(4):
        world.history.done([f"r{n}"], rms=n / 4)
    world.history.failed(["r4"], "no <b>convergence</b>")
    with open_campaign(world.history.project, "local", "napa") as found:
        path = write_campaign_report(
            found.database, found.row, found.campaign, tmp_path / "out" / "report.html"
        )
    page = path.read_text()
    assert "4 of 6 members are done (67 %), 1 failed" in page
    assert "no &lt;b&gt;convergence&lt;/b&gt;" in page
    assert "data:image/svg+xml;base64," in page
    assert "http" not in page.replace("http-equiv", "")
    assert ">rms<" in page


def test_names_of_groups_are_as_long_as_file_systems_take(world: World) -> None:
    world.history.add([NewMember("far", {"n": 9}, group="\u6c34" * 150)])
    world.bring_back("far/run-001.1")
    world.history.done(["far"])
    world.update()
    assert world.links()["members/far"] == "far/run-001.1"
    [group] = [name for name in world.links() if name.startswith("by/group/")]
    assert group.endswith("/far")


def test_a_cause_is_no_formula_for_a_spreadsheet(world: World) -> None:
    world.history.failed(["r1"], '=HYPERLINK("http://example.org")')
    world.update(with_table=True)
    with (world.directory / "table.csv").open(newline="") as stream:
        [cause] = {row["cause"] for row in csv.DictReader(stream)} - {""}
    assert cause == """'=HYPERLINK("http://example.org")"""


def test_facts_are_no_formulas_for_a_spreadsheet_and_numbers_stay(world: World) -> None:
    world.history.done(["r1"], said="=1+1", rms=-2.5, sign="minus")
    with open_campaign(world.history.project, "local", "napa") as found:
        plain = [*result_rows(found.database, found.id)][1]
        guarded = [*result_rows(found.database, found.id, for_spreadsheet=True)][1]
    assert (plain["said"], guarded["said"]) == ("=1+1", "'=1+1")
    assert (guarded["rms"], guarded["sign"], guarded["key"]) == (-2.5, "minus", "r1")


def test_the_log_of_two_that_update_at_once_has_each_entry_once(world: World) -> None:
    with world.history.ledger() as ledger, ledger.transaction() as tables:
        for _ in range(20):
            tables.log.add(tables.campaigns.get("napa").id, "paused", "a dinner", who="ada")
    with ThreadPoolExecutor(8) as pool:
        for update in [pool.submit(world.update, with_table=True) for _ in range(16)]:
            update.result()
    lines = (world.directory / "campaign.jsonl").read_text().splitlines()
    numbers = [json.loads(line)["id"] for line in lines]
    assert len(set(numbers)) == len(numbers) == 20
