"""Files and directories that get their names when they are finished."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.packs import file_trees
from headrace.compute.packs.file_trees import (
    put_in_place,
    remove_temporaries,
    temporary_beside,
    write_new,
)

LEAVES = """
import os, sys
from headrace.compute.packs.file_trees import temporary_beside
for name in sys.argv[1:]:
    os.mkdir(temporary_beside(name))
"""


def test_a_directory_that_cannot_be_removed_makes_room_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one with a read-only directory, or with a file that is open over a network."""

    def removes_nothing(place: str, ignore_errors: bool) -> None:
        assert ignore_errors

    target = tmp_path / "a"
    _make(target, "old")
    new = temporary_beside(str(target))
    _make(Path(new), "new")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", removes_nothing)
        put_in_place(new, str(target))
    assert (target / "file").read_text() == "new"
    [old] = tmp_path.glob(".a.*.tmp")
    assert (old / "file").read_text() == "old"


def test_a_directory_that_cannot_be_moved_leaves_the_one_that_was_there(tmp_path: Path) -> None:
    _make(tmp_path / "a", "old")
    with pytest.raises(FileNotFoundError):
        put_in_place(str(tmp_path / "absent"), str(tmp_path / "a"))
    assert (tmp_path / "a" / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_processes_that_have_ended_left_unfinished_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, other = str(tmp_path / "a"), str(tmp_path / "a.b")
    subprocess.run([sys.executable, "-c", LEAVES, target, target, other], check=True)
    ours = temporary_beside(target)
    _make(Path(ours), "unfinished")
    monkeypatch.setattr(file_trees, "_machine", lambda: "0123abcd")
    elsewhere = temporary_beside(target)
    _make(Path(elsewhere), "of another machine")
    monkeypatch.undo()
    (tmp_path / ".a.notes.tmp").write_text("a user's own")
    remove_temporaries(target)
    left = {path.name for path in tmp_path.iterdir()}
    [others] = [name for name in left if name.startswith(".a.b.")]
    assert left == {Path(ours).name, ".a.notes.tmp", others}
    remove_temporaries(str(tmp_path / "absent" / "a"))


def test_names_of_what_is_unfinished_are_never_the_same(tmp_path: Path) -> None:
    assert len({temporary_beside(str(tmp_path / "a")) for _ in range(1_000)}) == 1_000


def test_a_directory_of_many_members_is_listed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Any] = []
    listing = os.listdir

    def counted(place: str) -> list[str]:
        listed.append(place)
        return listing(place)

    monkeypatch.setattr(file_trees, "_LISTED_SECONDS", 1e9)
    monkeypatch.setattr(os, "listdir", counted)
    for number in range(100):
        remove_temporaries(str(tmp_path / str(number)))
    assert listed == [str(tmp_path)]


def test_a_new_file_is_no_other_name_of_one_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("precious")
    os.link(tmp_path / "other", tmp_path / "link")
    (tmp_path / "symbolic").symlink_to("other")
    for name in ("link", "symbolic"):
        write_new(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
    assert (tmp_path / "other").read_text() == "precious"


def _make(directory: Path, text: str) -> None:
    directory.mkdir()
    (directory / "file").write_text(text)
