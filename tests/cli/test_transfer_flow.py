"""The flow `transfer` of the repository, through the real command and facility."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command

INPUT: dict[str, Any] = {
    "source": {"collection": "here", "path": "/a/"},
    "destination": {"collection": "there", "path": "/b/c/"},
    "label": "a tree",
    "delete_extra": False,
    "filters": [],
}


@pytest.fixture
def root(tmp_path: Path, repository: Path):
    root = tmp_path / "project"
    shutil.copytree(repository / "flows" / "transfer", root / "flows" / "transfer")
    (root / "headrace.toml").write_text(
        '[collections.here]\nroot = "here"\n[collections.there]\nroot = "there"\n'
    )
    (root / "here" / "a" / "deep").mkdir(parents=True)
    (root / "there").mkdir()
    (root / "here" / "a" / "one").write_text("1")
    (root / "here" / "a" / "deep" / "two").write_text("22")
    (root / "here" / "a" / "half.tmp").write_text("")
    yield root
    stop_facility(root)


def run(headrace: Command, root: Path, **changes: Any) -> dict[str, Any]:
    (root / "input.json").write_text(json.dumps({**INPUT, **changes}))
    done = headrace("start", "transfer", "-i", "input.json", "--wait", "-F", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def names(root: Path) -> list[str]:
    there = root / "there" / "b" / "c"
    return sorted(str(path.relative_to(there)) for path in there.rglob("*") if path.is_file())


def test_a_tree_is_copied_again_only_where_it_differs(
    headrace: Command,
    root: Path,
):
    headrace("deploy")
    rule = {"method": "exclude", "name": "*.tmp", "type": "file"}
    first = run(headrace, root, filters=[rule])
    assert names(root) == ["deep/two", "one"]
    assert (first["summary"]["files_transferred"], first["summary"]["bytes_transferred"]) == (2, 3)
    assert first["results"]["directory"] == str(root / "there" / "b" / "c")
    (root / "here" / "a" / "one").write_text("3")
    again = run(headrace, root, filters=[rule])
    assert again["summary"]["files_transferred"] == 1


def test_what_the_source_has_no_more_is_removed_when_asked(
    headrace: Command,
    root: Path,
):
    headrace("deploy")
    run(headrace, root)
    (root / "here" / "a" / "one").unlink()
    run(headrace, root)
    assert names(root) == ["deep/two", "half.tmp", "one"]
    run(headrace, root, delete_extra=True)
    assert names(root) == ["deep/two", "half.tmp"]


def test_a_forgotten_input_is_named(headrace: Command, root: Path):
    headrace("deploy")
    (root / "input.json").write_text(json.dumps({**INPUT, "source": {"collection": "here"}}))
    done = headrace("start", "transfer", "-i", "input.json")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
