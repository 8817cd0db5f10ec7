"""Directories that are members: found by what they hold, within their collection."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, CampaignProblems, read_campaign
from headrace.campaigns.members import find_directories, read_members
from headrace.campaigns.tables.members import DirectoriesTable
from headrace.project import load_project


def made(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("")


def found(root: Path, start: str = "", with_start: bool = False, **rules: object) -> list[str]:
    table = DirectoriesTable("c", **{"find": ("exe/crtomo.cfg",), **rules})  # type: ignore[arg-type]
    return [
        "/".join(one.parts) + (f": {one.problem}" if one.problem else "")
        for one in find_directories(root / start, table, root, with_start=with_start)
    ]


def test_a_member_holds_all_of_some_files_and_none_of_others(tmp_path: Path) -> None:
    made(tmp_path, "a/exe/crtomo.cfg", "b/exe/crtomo.cfg", "b/inv/inv.ctr", "c/other.txt")
    made(tmp_path, "d/exe/crtomo.cfg/x", ".hidden/exe/crtomo.cfg", "file")
    assert found(tmp_path) == ["a", "b", "d"]
    assert found(tmp_path, without=("inv/inv.ctr",)) == ["a", "d"]
    assert found(tmp_path, find=("exe/crtomo.cfg", "inv/*.ctr")) == ["b"]
    assert found(tmp_path, find=("*/*.cfg",), without=("inv",)) == ["a", "d"]


def test_members_lie_as_deep_as_is_said_and_not_in_each_other(tmp_path: Path) -> None:
    made(tmp_path, "line1/p1/exe/crtomo.cfg", "line1/p2/exe/crtomo.cfg", "p0/exe/crtomo.cfg")
    made(tmp_path, "p0/inner/exe/crtomo.cfg", "x/y/z/exe/crtomo.cfg")
    assert found(tmp_path) == ["p0"]
    assert found(tmp_path, depth=2) == ["line1/p1", "line1/p2", "p0"]
    assert found(tmp_path, depth=3) == ["line1/p1", "line1/p2", "p0", "x/y/z"]
    assert found(tmp_path, start="line1") == ["p1", "p2"]


def test_the_directory_itself_may_be_a_member(tmp_path: Path) -> None:
    made(tmp_path, "p/exe/crtomo.cfg", "p/inner/exe/crtomo.cfg")
    assert found(tmp_path, start="p", with_start=True) == [""]
    assert found(tmp_path, start="p") == ["inner"]


def test_links_are_followed_where_it_is_said_and_never_out_of_the_collection(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    made(root, "a/exe/crtomo.cfg", "store/b/exe/crtomo.cfg")
    made(tmp_path, "outside/exe/crtomo.cfg")
    (root / "link").symlink_to(root / "store" / "b")
    (root / "again").symlink_to(root / "a")
    (root / "round").symlink_to(root)
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "broken").symlink_to(root / "none")
    assert found(root, depth=2) == ["a", "store/b"]
    followed = found(root, depth=2, links=True)
    assert followed == [
        "a",
        "store/b",
        "out: is a link that leads out of the collection's root",
    ]
    with pytest.raises(CampaignError, match="leads out of the collection's root"):
        found(root, start="out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every directory")
def test_a_directory_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    made(tmp_path, "a/exe/crtomo.cfg", "b/x")
    (tmp_path / "b").chmod(0)
    try:
        assert found(tmp_path) == ["a", "b: cannot be read: Permission denied"]
    finally:
        (tmp_path / "b").chmod(0o700)


@pytest.mark.service
def test_a_program_may_say_what_is_a_member(tmp_path: Path) -> None:
    made(tmp_path, "good/x", "other/x", "broken/x")
    program = tmp_path / "is_member.py"
    program.write_text(
        "import sys\nname = sys.argv[1].rpartition('/')[2]\n"
        "sys.exit('cannot say' if name == 'broken' else name != 'good')\n"
    )
    check = (sys.executable, str(program))
    assert found(tmp_path, find=(), check=check) == [
        "broken: members.directories.check: ended with 1: cannot say; it must end with 0 (a "
        "member) or 1 (none)",
        "good",
    ]
    (missing, *_) = found(tmp_path, find=(), check=("no-such-program",))
    assert missing.startswith("broken: members.directories.check: no-such-program: No such file")


def test_directories_are_members_of_a_campaign(tmp_path: Path) -> None:
    made(tmp_path / "data", "sims/line 1/p1/exe/crtomo.cfg", "sims/line 2/p2/exe/crtomo.cfg")
    (tmp_path / "headrace.toml").write_text('[collections.workstation]\nroot = "data"\n')
    (tmp_path / "campaigns").mkdir()
    file = tmp_path / "campaigns" / "ert.toml"
    file.write_text(
        '[start]\nflow = "ert"\n[members]\ngroup = "{folder}"\n[members.directories]\n'
        'collection = "workstation"\npath = "/sims"\nfind = ["exe/crtomo.cfg"]\ndepth = 2\n'
    )
    project = load_project(tmp_path)
    first, second = read_members(read_campaign(file), project)
    assert first.row == {
        "name": "p1",
        "path": "/sims/line 1/p1/",
        "folder": "/sims/line 1/",
        "source_collection": "workstation",
        "source_path": "/sims/line 1/p1/",
    }
    assert (first.key, first.group, first.source) == ("p1", "/sims/line 1/", "directory")
    assert second.key == "p2"
    made(tmp_path / "data", "sims/line 2/p1/exe/crtomo.cfg")
    with pytest.raises(CampaignProblems) as caught:
        list(read_members(read_campaign(file), project))
    assert "key 'p1' is that of directory line 1/p1, too" in str(caught.value)
