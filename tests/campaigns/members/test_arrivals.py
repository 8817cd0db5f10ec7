"""Members made of a trigger's arrivals: each is one, once, whatever crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.campaigns import Campaign, CampaignError, read_campaign
from headrace.campaigns.ledger import CampaignLedger
from headrace.campaigns.members.arrivals import ARRIVAL, ArrivalFeed
from headrace.project import Project, load_project
from headrace.triggers import load_trigger
from headrace.triggers.record import Record
from headrace.triggers.state_files import ledger_file
from tests.support.triggers.launches import Launches
from tests.support.triggers.trigger_watch import make_event

TRIGGER = """
[watch]
collection = "workstation"
path = "/incoming/"
regex = '(?P<line>[a-z]+)_?(?P<number>\\d*)'
[start]
flow = "fetch"
"""
CAMPAIGN = """
[members]
trigger = "new_line"
group = "{line}"
[start]
flow = "ert"
input = { data = { collection = "{source_collection}", path = "{source_path}" } }
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text('[collections.workstation]\nroot = "data"\n')
    (tmp_path / "data" / "incoming").mkdir(parents=True)
    for folder, name, text in (
        ("triggers", "new_line", TRIGGER),
        ("campaigns", "ert", CAMPAIGN),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.toml").write_text(text)
    return load_project(tmp_path)


class Watched:
    """A trigger whose launcher starts runs in memory, and its ledger where the project has it."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        roots = {"workstation": project.root / "data"}
        trigger = load_trigger(project.triggers_dir / "new_line.toml", roots)
        self.launches = Launches(trigger)
        self.campaign: Campaign = read_campaign(project.root / "campaigns" / "ert.toml")
        monkeypatch.setattr(
            "headrace.campaigns.members.arrivals.ledger_file",
            lambda project, target: self.launches.path,
        )
        self.feed = ArrivalFeed(project, "local", self.campaign)
        self.ledger = CampaignLedger(project.root / "campaigns.db")
        with self.ledger.transaction() as tables:
            self.id = tables.campaigns.add("ert", {}, "").id

    def arrive(self, name: str) -> Record:
        make_event(self.launches.trigger.directory / name)
        return self.launches.arrive(name)

    def take(self, error: BaseException | None = None) -> list[str]:
        with self.ledger.transaction() as tables:
            members = self.feed.new_members(tables, self.id)
            tables.members.add(self.id, members, step="run")
            if error is not None:
                raise error
        return [member.key for member in members]


@pytest.fixture
def watched(project: Project, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(project, monkeypatch)


def test_an_arrival_is_a_member_once_its_run_is_started(watched: Watched) -> None:
    assert watched.take() == []
    record = watched.arrive("alpha_1")
    assert watched.take() == []
    watched.launches.launch(record)
    assert watched.take() == ["alpha_1"]
    assert watched.take() == []
    with watched.ledger.transaction() as tables:
        member = tables.members.get(watched.id, "alpha_1")
    assert (member.group, member.source) == ("alpha", "trigger")
    assert member.row["source_path"] == "/incoming/alpha_1/"
    assert member.row["source_collection"] == "workstation"
    assert member.row["number"] == "1"
    assert member.row[ARRIVAL] == record.tag
    assert member.row["run_id"]


def test_a_driver_that_was_killed_before_it_kept_them_takes_them_again(watched: Watched) -> None:
    watched.launches.launch(watched.arrive("alpha_1"))
    with pytest.raises(KeyboardInterrupt):
        watched.take(KeyboardInterrupt())
    watched.feed.forget()
    assert watched.take() == ["alpha_1"]
    watched.feed.forget()
    assert watched.take() == []


def test_another_driver_takes_what_the_first_has_not(watched: Watched, project: Project) -> None:
    for name in ("alpha_1", "beta"):
        watched.launches.launch(watched.arrive(name))
    assert watched.take() == ["alpha_1", "beta"]
    watched.launches.launch(watched.arrive("gamma"))
    watched.feed = ArrivalFeed(project, "local", watched.campaign)
    assert watched.take() == ["gamma"]


def test_an_arrival_in_the_place_of_another_is_a_member_of_its_own(watched: Watched) -> None:
    first = watched.arrive("alpha")
    watched.launches.launch(first)
    assert watched.take() == ["alpha"]
    directory = watched.launches.trigger.directory / "alpha"
    directory.rename(directory.with_name("moved"))
    watched.launches.ledger.mark_missing([first.id])
    second = watched.arrive("alpha")
    assert second.generation == 2
    watched.launches.launch(second)
    assert watched.take() == ["alpha.2"]


def test_an_arrival_that_cannot_be_a_member_is_told_once(watched: Watched) -> None:
    with watched.ledger.transaction() as tables:
        from headrace.campaigns.ledger import NewMember

        tables.members.add(watched.id, [NewMember("alpha")], step="run")
    watched.launches.launch(watched.arrive("alpha"))
    watched.launches.launch(watched.arrive("beta"))
    assert watched.take() == ["beta"]
    assert list(watched.feed.problems.values()) == [
        "arrival /incoming/alpha/: key 'alpha' is that of another member already"
    ]


def test_the_ledger_of_arrivals_is_where_the_watch_has_it(project: Project) -> None:
    campaign = read_campaign(project.root / "campaigns" / "ert.toml")
    feed = ArrivalFeed(project, "local", campaign)
    assert not ledger_file(project, "local").exists()
    with CampaignLedger(project.root / "c.db").transaction() as tables:
        row = tables.campaigns.add("ert", {}, "")
        assert feed.new_members(tables, row.id) == []


def test_a_trigger_that_is_not_there_is_named(project: Project) -> None:
    (project.triggers_dir / "new_line.toml").unlink()
    campaign = read_campaign(project.root / "campaigns" / "ert.toml")
    with pytest.raises(CampaignError, match=r"members.trigger: .*new_line.toml"):
        ArrivalFeed(project, "local", campaign)
