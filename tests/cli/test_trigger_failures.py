"""Failed runs of arrivals through the installed program, at a real facility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.watch_project import deploy_waiting_project, run, write_trigger

pytestmark = pytest.mark.timeout(900)

FAIL = {
    "StartAt": "A",
    "States": {"A": {"Type": "Fail", "Error": "NodeLost", "Cause": "the node n42 was lost"}},
}


def document_of(root: Path, *arguments: str) -> Any:
    done = run(*arguments, "-C", str(root), "-F", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_failed_run_is_taken_up_once_and_then_holds_its_trigger(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    deploy_waiting_project(root, definition=FAIL)
    file = write_trigger(root, "in", "incoming")
    file.write_text(file.read_text() + '[failure]\nattempts = 2\nbackoff = 0.2\nthen = "hold"\n')
    (root / "data/incoming/one").write_text("1")
    try:
        done = run("watch", "--once", "--existing", "run", "-C", str(root))
        assert (
            "the node n42 was lost (NodeLost in state A); another takes it up in 0 s" in done.stderr
        )
        assert "in: starts nothing more: the run of one" in done.stderr
        assert done.returncode == 1
        (arrival,) = document_of(root, "trigger", "arrivals")
        assert (arrival["state"], arrival["run_status"]) == ("started", "FAILED")
        runs = {each["run_id"]: each for each in document_of(root, "run", "list")}
        assert len(runs) == 2
        retry = document_of(root, "run", "show", arrival["run_id"])
        assert retry["retry_of"]["run_id"] in runs
        (root / "data/incoming/two").write_text("2")
        run("watch", "--once", "-C", str(root))
        (_, waiting) = document_of(root, "trigger", "arrivals")
        assert waiting["state"] == "waiting"
        assert waiting["reason"].startswith("the trigger is held: run ")
        text = run("trigger", "arrivals", "-C", str(root)).stdout
        assert "FAILED the node n42 was lost" in text
    finally:
        stop_facility(root)
