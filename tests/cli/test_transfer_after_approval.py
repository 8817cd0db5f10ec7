"""The flow `transfer_after_approval` of the repository, through the real command and facility."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command
from tests.support.waiting import wait_until

INPUT: dict[str, Any] = {
    "source": {"collection": "here", "path": "/a/"},
    "destination": {"collection": "there", "path": "/b/"},
    "label": "a tree",
    "reason": "the paper wants it",
    "approvers": [],
    "delete_extra": False,
    "filters": [],
}


@pytest.fixture
def root(tmp_path: Path, repository: Path):
    root = tmp_path / "project"
    name = "transfer_after_approval"
    shutil.copytree(repository / "flows" / name, root / "flows" / name)
    (root / "headrace.toml").write_text(
        '[collections.here]\nroot = "here"\n[collections.there]\nroot = "there"\n'
    )
    (root / "here" / "a").mkdir(parents=True)
    (root / "there").mkdir()
    (root / "here" / "a" / "one").write_text("1")
    (root / "input.json").write_text(json.dumps(INPUT))
    yield root
    stop_facility(root)


def document_of(headrace: Command, *arguments: str) -> Any:
    done = headrace(*arguments, "-F", "json")
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def ask(headrace: Command) -> tuple[str, dict[str, Any]]:
    headrace("deploy")
    run_id = document_of(headrace, "start", "transfer_after_approval", "-i", "input.json")["run_id"]
    wait_until(lambda: document_of(headrace, "web-input", "list"), "a question")
    [question] = document_of(headrace, "web-input", "list")
    return run_id, document_of(headrace, "web-input", "show", question["id"])


def test_nothing_is_copied_before_somebody_approves(headrace: Command, root: Path):
    run_id, question = ask(headrace)
    assert question["context"]["title"] == "Transfer: a tree"
    rows = {row["field"]: row["value"] for row in question["context"]["rows"]}
    assert rows["Why"] == "the paper wants it"
    assert rows["From"].endswith(" /a/")
    assert not (root / "there" / "b").exists()
    assert headrace("web-input", "respond", question["id"], "Approve").returncode == 0
    ended = document_of(headrace, "run", "wait", run_id)
    assert ended["status"] == "SUCCEEDED"
    assert ended["summary"]["files_transferred"] == 1
    assert (root / "there" / "b" / "one").read_text() == "1"


def test_what_is_refused_is_not_copied(headrace: Command, root: Path):
    run_id, question = ask(headrace)
    assert headrace("web-input", "respond", question["id"], "Refuse").returncode == 0
    ended = document_of(headrace, "run", "wait", run_id)
    assert ended["status"] == "FAILED"
    assert "not approved" in ended["failure"]
    assert not (root / "there" / "b").exists()
