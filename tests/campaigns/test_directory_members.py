"""Directories that become members wherever they lie, and results that go back to them."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, directory_addition
from headrace.campaigns.campaign_access import open_campaign
from headrace.campaigns.directory_addition import AddedDirectory, DirectoryAddition
from headrace.campaigns.directory_copies import copy_file, read_content
from headrace.campaigns.fetching import FetchedMember, ResultFetcher
from headrace.campaigns.ledger import AttemptEnd, CampaignLedger
from headrace.campaigns.ledger.member import Member
from headrace.campaigns.member_addition import AdditionOptions
from headrace.campaigns.receipts import Receipt, read_receipt, write_receipt
from tests.support.campaign_project import CampaignHistory, write_campaign_project

CAMPAIGN = """\
title = "Resistivity"

[members.directories]
collection = "here"
path = "/sims/"
find = ["exe/crtomo.cfg"]
without = ["inv/inv.ctr"]

[start]
flow = "say"

[start.input]
word = "{source_path}"

[results]
directory = "here:/back/{attempt_directory}/"

[lanes.cluster]
endpoint = "machine"
"""
LOCAL = '\n[lanes.local]\nendpoint = "machine"\n'


class World:
    """A project with a campaign of directories, and a user's own directories beside it."""

    def __init__(self, base: Path, text: str = CAMPAIGN) -> None:
        (base / "project").mkdir()
        self.project = write_campaign_project(base / "project", text)
        self.history = CampaignHistory(self.project)
        self.data = self.project.root / "data"
        self.home = base / "home"

    def tomodir(self, path: Path, volt: str = "1 2 3\n") -> Path:
        """Make a directory as CRTomo has it."""
        for inside, text in (
            ("exe/crtomo.cfg", "../grid/elem.dat\n"),
            ("mod/volt.dat", volt),
            ("grid/elem.dat", "4 1\n"),
        ):
            (path / inside).parent.mkdir(parents=True, exist_ok=True)
            (path / inside).write_text(volt if inside == "mod/volt.dat" else text)
        (path / "inv").mkdir(exist_ok=True)
        return path

    def add(self, *paths: Path, **options: object) -> list[AddedDirectory]:
        with CampaignLedger(self.history.path) as ledger:
            given = AdditionOptions(**options)  # type: ignore[arg-type]
            addition = DirectoryAddition(
                self.project, "local", self.history.campaign, ledger, given
            )
            return addition.add(paths)

    def member(self, key: str) -> Member:
        with open_campaign(self.project, "local", "napa") as found:
            return found.members.get(found.id, key)

    def bring_back(self, key: str, *, leg: int = 1, **files: str) -> None:
        directory = self.data / "back" / key / f"run-{leg:03d}.1"
        for name, text in files.items():
            place = directory / name.replace("__", "/").replace("_dat", ".dat")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    def get(self, *keys: str, to: Path | None = None, force: bool = False) -> list[FetchedMember]:
        with open_campaign(self.project, "local", "napa") as found:
            ids = [found.members.get(found.id, key).id for key in keys] or None
            fetcher = ResultFetcher(self.project, "local", found.campaign, to=to, force=force)
            return fetcher.fetch(found.database, found.id, ids)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def outcomes(found: list[AddedDirectory]) -> list[tuple[str, str]]:
    return [(each.outcome, each.member) for each in found]


def test_every_directory_below_that_is_one_is_copied_queued_and_gets_a_receipt(
    world: World,
) -> None:
    first = world.tomodir(world.home / "line 1" / "td1")
    second = world.tomodir(world.home / "td2", "2\n")
    finished = world.tomodir(world.home / "td3", "3\n")
    (finished / "inv" / "inv.ctr").write_text("***finished***\n")
    (world.home / "notes").mkdir()
    assert outcomes(world.add(world.home)) == [("added", "td1"), ("added", "td2")]
    member = world.member("td1")
    assert member.state == "ready"
    assert (member.row["source_collection"], member.row["source_path"]) == ("here", "/sims/td1/")
    assert (member.row["origin"], member.source) == (str(first), "directory")
    assert (world.data / "sims/td2/mod/volt.dat").read_text() == "2\n"
    assert (world.data / "sims/td1/inv").is_dir()
    receipt = read_receipt(second)
    assert receipt is not None
    assert (receipt.member, receipt.host) == ("td2", socket.gethostname())
    assert (
        receipt.digest
        == read_content(second).digest
        == read_content(world.data / "sims/td2").digest
    )


def test_a_second_time_says_what_is_there_and_adds_nothing(world: World) -> None:
    world.tomodir(world.home / "td1")
    world.add(world.home)
    [again] = world.add(world.home / "td1")
    assert (again.outcome, again.member, again.reason) == ("there", "td1", "it has a receipt")
    assert [path.name for path in (world.data / "sims").iterdir()] == ["td1"]


def test_what_lies_in_a_collection_already_stays_where_it_is(world: World) -> None:
    inside = world.tomodir(world.data / "sims" / "line" / "td1")
    elsewhere = world.tomodir(world.data / "archive" / "td2", "2\n")
    assert outcomes(world.add(inside, elsewhere)) == [("added", "td1"), ("added", "td2")]
    assert world.member("td1").row["source_path"] == "/sims/line/td1/"
    assert world.member("td2").row["source_path"] == "/archive/td2/"
    assert not (world.data / "sims" / "td2").exists()


def test_equal_content_is_not_run_twice(world: World) -> None:
    world.tomodir(world.home / "td1")
    world.tomodir(world.home / "td2")
    first, second = world.add(world.home)
    assert (first.outcome, second.outcome) == ("added", "shared")
    assert second.reason == "its content equals that of td1, whose results it shares"
    assert world.member("td2").state == "shared"


def test_directories_of_one_name_are_members_of_their_own(world: World) -> None:
    world.tomodir(world.home / "a" / "td")
    world.tomodir(world.home / "b" / "td", "other\n")
    (_, one), (_, two) = outcomes(world.add(world.home))
    assert one == "td"
    assert two.startswith("td-")
    assert world.member(two).row["origin"] == str(world.home / "b" / "td")
    assert (
        world.data / world.member(two).row["source_path"].strip("/") / "mod/volt.dat"
    ).read_text() == ("other\n")


@pytest.mark.parametrize("moment", ["add_members", "write_receipt"])
def test_a_kill_at_any_moment_leaves_what_the_same_command_finishes(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: object, **__: object) -> None:
        raise Killed

    source = world.tomodir(world.home / "td1")
    with monkeypatch.context() as patch:
        patch.setattr(directory_addition, moment, kill)
        with pytest.raises(Killed):
            world.add(source)
    assert source.is_dir()
    [found] = world.add(source)
    assert found.member == "td1"
    assert found.outcome == ("added" if moment == "add_members" else "there")
    assert read_receipt(source) is not None
    assert [path.name for path in (world.data / "sims").iterdir()] == ["td1"]
    assert world.member("td1").state == "ready"


def test_priority_group_and_lane_may_be_given(tmp_path: Path) -> None:
    world = World(tmp_path, CAMPAIGN + LOCAL)
    world.add(world.tomodir(world.home / "td1"), priority=7.0, group="urgent", lane="local")
    member = world.member("td1")
    assert (member.priority, member.group, member.wanted_lane) == (7.0, "urgent", "local")


def test_a_lane_that_is_not_there_is_told(world: World) -> None:
    [found] = world.add(world.tomodir(world.home / "td1"), lane="local")
    assert found.outcome == "refused"
    assert "has no lane for this machine: write [lanes.local]" in found.reason


def test_what_leads_out_of_a_directory_is_refused_and_the_others_are_added(world: World) -> None:
    outside = world.home / "secret"
    outside.parent.mkdir(parents=True)
    outside.write_text("key")
    bad = world.tomodir(world.home / "bad")
    (bad / "mod" / "link").symlink_to(outside)
    pipe = world.tomodir(world.home / "pipe", "p\n")
    os.mkfifo(pipe / "mod" / "queue")
    world.tomodir(world.home / "td1")
    found = world.add(world.home)
    assert [each.outcome for each in found] == ["refused", "refused", "added"]
    assert "leads out of" in found[0].reason
    assert "neither a file nor a directory" in found[1].reason
    assert not (world.data / "sims" / "bad").exists()
    assert read_receipt(bad) is None


def test_a_receipt_of_another_campaign_is_not_taken_over(world: World) -> None:
    source = world.tomodir(world.home / "td1")
    write_receipt(source, Receipt("/elsewhere", "local", "other", "td1", "0"))
    [found] = world.add(source)
    assert (found.outcome, "campaign other of /elsewhere" in found.reason) == ("refused", True)
    (source / ".headrace.json").write_text("half a")
    [found] = world.add(source)
    assert "is no receipt" in found.reason


def test_a_campaign_without_rules_for_directories_says_so(tmp_path: Path) -> None:
    project = write_campaign_project(tmp_path)
    history = CampaignHistory(project)
    with (
        CampaignLedger(history.path) as ledger,
        pytest.raises(CampaignError, match=r"write \[members.directories\]"),
    ):
        DirectoryAddition(project, "local", history.campaign, ledger, AdditionOptions())


def test_results_go_back_to_where_each_came_from(world: World) -> None:
    first = world.tomodir(world.home / "td1")
    world.tomodir(world.home / "td2", "2\n")
    world.add(world.home)
    world.history.done(["td1"], "cluster")
    world.history.failed(["td2"], "no convergence", "cluster")
    world.bring_back("td1", inv__rho_dat="100\n", mod__volt_dat="1 2 3\n")
    world.bring_back("td2", exe__error_dat="singular matrix\n")
    one, two = world.get()
    assert (one.member, one.outcome, one.files, one.directory) == ("td1", "fetched", 1, str(first))
    assert (first / "inv" / "rho.dat").read_text() == "100\n"
    assert (two.state, two.outcome) == ("failed", "fetched")
    assert (world.home / "td2/exe/error.dat").read_text() == "singular matrix\n"
    receipt = read_receipt(first)
    assert receipt is not None
    assert (receipt.state, receipt.attempt) == ("done", "td1/run-001.1")
    assert set(receipt.files) == {"inv/rho.dat", "mod/volt.dat"}
    assert [each.outcome for each in world.get()] == ["there", "there"]


def test_newer_files_stay_unless_they_are_forced(world: World) -> None:
    source = world.tomodir(world.home / "td1")
    old = datetime.now(UTC) - timedelta(hours=1)
    os.utime(source / "grid" / "elem.dat", (old.timestamp(), old.timestamp()))
    world.add(source)
    later = datetime.now(UTC) + timedelta(seconds=60)
    (source / "mod" / "volt.dat").write_text("edited since\n")
    os.utime(source / "mod" / "volt.dat", (later.timestamp(), later.timestamp()))
    (source / "inv" / "mine").write_text("mine")
    os.utime(source / "inv" / "mine", (later.timestamp(), later.timestamp()))
    world.history.done(["td1"], "cluster")
    world.bring_back("td1", mod__volt_dat="result", inv__mine="theirs", grid__elem_dat="new grid")
    [found] = world.get()
    assert (found.outcome, sorted(found.kept)) == ("kept", ["inv/mine", "mod/volt.dat"])
    assert (source / "inv" / "mine").read_text() == "mine"
    assert (source / "grid" / "elem.dat").read_text() == "new grid", "unchanged since it was added"
    [found] = world.get(force=True)
    assert found.outcome == "fetched"
    assert (source / "mod" / "volt.dat").read_text() == "result"


def test_what_was_brought_is_replaced_by_a_later_attempts_unless_it_was_edited(
    world: World,
) -> None:
    source = world.tomodir(world.home / "td1")
    world.add(source)
    world.history.failed(["td1"], "no convergence", "cluster")
    world.bring_back("td1", a_dat="first", b_dat="first")
    world.get()
    (source / "b.dat").write_text("edited")
    world.bring_back("td1", a_dat="second", b_dat="second")
    [found] = world.get()
    assert (found.files, found.kept) == (1, ("b.dat",))
    assert [(source / name).read_text() for name in ("a.dat", "b.dat")] == ["second", "edited"]


def test_a_member_that_shares_gets_the_results_too_and_others_may_go_to_a_directory(
    world: World, tmp_path: Path
) -> None:
    world.tomodir(world.home / "td1")
    world.tomodir(world.home / "td2")
    world.add(world.home)
    world.history.done(["td1"], "cluster")
    world.bring_back("td1", inv__rho_dat="100\n")
    assert [each.outcome for each in world.get()] == ["fetched", "fetched"]
    assert (world.home / "td2/inv/rho.dat").read_text() == "100\n"
    [found] = world.get("td1", to=tmp_path / "out")
    assert (tmp_path / "out/td1/inv/rho.dat").read_text() == "100\n"
    assert found.directory == str(tmp_path / "out" / "td1")


def test_nothing_is_written_through_a_link_that_leads_out(world: World, tmp_path: Path) -> None:
    source = world.tomodir(world.home / "td1")
    world.add(source)
    world.history.done(["td1"], "cluster")
    world.bring_back("td1", out__rho_dat="100\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    (source / "out").symlink_to(outside)
    [found] = world.get()
    assert (found.outcome, "a link leads out of" in found.reason) == ("failed", True)
    assert [*outside.iterdir()] == []


def test_results_that_are_not_there_are_told(world: World) -> None:
    world.add(world.tomodir(world.home / "td1"))
    [none] = world.get("td1")
    assert (none.outcome, none.reason) == ("nothing", "it is ready")
    world.history.done(["td1"], "cluster")
    [found] = world.get()
    assert found.outcome == "failed"
    assert "here:/back/td1/run-001.1/" in found.reason


def test_a_file_that_changes_while_it_is_copied_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    with pytest.raises(CampaignError, match="has changed while it was copied"):
        copy_file(tmp_path / "a", tmp_path / "b", "0" * 64)
    assert not (tmp_path / "b").exists()


def test_the_digest_says_names_contents_and_programs(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("1")
    before = read_content(tmp_path / "x")
    assert (before.size, list(before.files)) == (1, ["a"])
    (tmp_path / "x" / ".headrace.json").write_text(json.dumps({}))
    assert read_content(tmp_path / "x").digest == before.digest
    (tmp_path / "x" / "a").chmod(0o755)
    assert read_content(tmp_path / "x").digest != before.digest


@pytest.mark.parametrize("change", [{"files": ["a"]}, {"added_at": "today"}, {"member": 3}])
def test_a_receipt_that_was_written_by_hand_is_refused(tmp_path: Path, change: object) -> None:
    write_receipt(tmp_path, Receipt("/p", "local", "napa", "r1", ""))
    path = tmp_path / ".headrace.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))  # type: ignore[dict-item]
    with pytest.raises(CampaignError, match="is no receipt of `headrace campaign add`"):
        read_receipt(tmp_path)


def test_the_legs_of_a_member_come_back_each_in_a_directory_of_its_own(
    world: World, tmp_path: Path
) -> None:
    world.tomodir(world.home / "td1")
    world.add(world.home)
    for leg in (1, 2):
        world.bring_back("td1", leg=leg, **{f"parts__{leg}_dat": f"frames of {leg}\n"})
        world.bring_back("td1", leg=leg, state_dat=f"after {leg}\n")
    first = world.history.start(["td1"])
    world.history.end(
        first, lambda member: AttemptEnd(member, done=True, then="ready", step="run", leg=2)
    )
    world.history.done(["td1"])
    to = tmp_path / "here"
    [found] = world.get("td1", to=to)
    assert (found.outcome, found.reason) == ("fetched", "")
    files = {str(p.relative_to(to / "td1")): p.read_text() for p in (to / "td1").rglob("*.dat")}
    assert files == {
        "run-001.1/state.dat": "after 1\n",
        "run-001.1/parts/1.dat": "frames of 1\n",
        "run-002.1/state.dat": "after 2\n",
        "run-002.1/parts/2.dat": "frames of 2\n",
    }
    assert [each.outcome for each in world.get("td1", to=to)] == ["there"]
