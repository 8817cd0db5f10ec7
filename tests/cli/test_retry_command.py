"""``headrace run retry`` through the real command and a real facility."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command, document

FLOW: dict[str, Any] = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string.$": "$.who"},
            "ResultPath": "$.greeting",
            "Next": "Look",
        },
        "Look": {
            "Type": "Action",
            "ActionUrl": "https://transfer.actions.globus.org/ls",
            "Parameters": {"endpoint_id": "none", "path": "/"},
            "ResultPath": "$.listing",
            "Next": "Count",
        },
        "Count": {
            "Type": "ExpressionEval",
            "Parameters": {"files.=": "len(listing.details.DATA)"},
            "ResultPath": "$.count",
            "End": True,
        },
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    flow = root / "flows" / "look"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text("")
    (flow / "definition.json").write_text(json.dumps(FLOW))
    (flow / "input_schema.json").write_text("{}")
    (flow / "flow.toml").write_text('title = "Look"\n')
    yield root
    stop_facility(root)


def test_a_failed_run_is_taken_up_with_a_result_that_a_person_gives(headrace: Command, root: Path):
    assert headrace("deploy").returncode == 0
    failed = headrace("start", "look", "--set", "who=you", "--wait")
    assert failed.returncode == 1
    old = document(headrace, "run", "list")[0]["run_id"]

    again = document(headrace, "run", "retry", "last")
    assert again["retry_of"] == {"run_id": old, "state": "Look"}

    (root / "listing.json").write_text('{"DATA": [{"name": "a"}, {"name": "b"}]}')
    told = headrace("run", "retry", old, "--result", "listing.json")
    assert told.returncode == 0, told.stderr
    assert f"takes up {old} after Look" in told.stdout
    shown = document(headrace, "run", "show", "last")
    assert shown["status"] == "SUCCEEDED"
    assert shown["details"]["output"]["count"] == {"files": 2}
    assert shown["details"]["output"]["greeting"]["details"]["hello"] == "you"
    codes = [entry["code"] for entry in document(headrace, "run", "log", "last")]
    assert codes[:2] == ["FlowStarted", "ActionCompleted"]

    piped = document(headrace, "run", "retry", old, "--result", "-", stdin='{"DATA": []}')
    assert piped["status"] in {"ACTIVE", "SUCCEEDED"}
    from_start = document(headrace, "run", "retry", old, "--from", "Greet", "-l", "once more")
    assert (from_start["retry_of"]["state"], from_start["label"]) == ("Greet", "once more")

    for arguments, words in (
        (("retry", old, "--from", "Nowhere"), "never in a state 'Nowhere'; it was in: Greet, Look"),
        (("retry", old, "--from", "Count"), "never in a state 'Count'"),
        (("retry", old, "--result", "missing.json"), "missing.json: No such file"),
        (("retry", old, "--result", "headrace.toml"), "headrace.toml:1:1: not JSON"),
    ):
        refused = headrace("run", *arguments)
        assert refused.returncode == 1
        assert refused.stdout == ""
        [line] = refused.stderr.strip().splitlines()
        assert words in line


def test_a_run_is_waited_for_watched_and_deleted(headrace: Command, root: Path) -> None:
    headrace("deploy")
    run_id = document(headrace, "start", "look", "-s", "who=me")["run_id"]
    waited = headrace("run", "wait", run_id, "--timeout", "60")
    assert waited.returncode == 1
    assert "FAILED" in waited.stdout
    assert headrace("run", "watch", "last").returncode == 1
    assert "deleted" in headrace("run", "delete", run_id, "--yes").stdout
    assert document(headrace, "run", "list") == []


def test_a_run_that_goes_on_is_given_up_with_the_wanted_code(headrace: Command, root: Path) -> None:
    flow = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    (root / "flows/look/definition.json").write_text(json.dumps(flow))
    headrace("deploy")
    run_id = document(headrace, "start", "look")["run_id"]
    waited = headrace("run", "wait", run_id, "--timeout", "0.2", "--timeout-exit-code", "75")
    assert waited.returncode == 75
    assert "it goes on" in waited.stderr
    refused = headrace("run", "delete", run_id, "--yes")
    assert refused.returncode == 1
    assert "answered 409 STATE_CONFLICT)" in refused.stderr
    assert not refused.stderr.partition("error: ")[2].startswith("DELETE ")


def test_who_may_see_a_run_is_checked_before_anything_is_sent(headrace: Command) -> None:
    headrace("deploy")
    refused = headrace("start", "look", "-s", "who=me", "--monitor", "me@example.org")
    assert refused.returncode == 1
    assert "'me@example.org' is no principal: write urn:globus:auth:identity:ID" in refused.stderr
    assert document(headrace, "run", "list") == []
