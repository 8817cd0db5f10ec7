"""``headrace status`` beside a real facility, and where nobody answers."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.config.ids import local_id
from headrace.facility import find_address, stop_facility
from headrace.hosted import HostedError
from headrace.project import load_project
from headrace.project_status import read_status, reading
from headrace.triggers import pause_triggers
from headrace.triggers.state_files import ledger_file
from tests.support.command_process import Command
from tests.support.waiting import wait_until

FLOWS = {
    "stop": {
        "StartAt": "Look",
        "States": {
            "Look": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.word", "StringEquals": "good", "Next": "Good"}],
                "Default": "Stop",
            },
            "Stop": {"Type": "Fail", "Error": "NoBeam", "Cause": "there is no beam"},
            "Good": {"Type": "Pass", "End": True},
        },
    },
    "list": {
        "StartAt": "List",
        "States": {
            "List": {
                "Type": "Action",
                "ActionUrl": "https://transfer.actions.globus.org/ls",
                "Parameters": {"endpoint_id": local_id("collection", "here"), "path.$": "$.word"},
                "ResultPath": "$.listed",
                "End": True,
            }
        },
    },
    "ask": {
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "CreateWebInput",
                "Parameters": {
                    "InputType": "Selection",
                    "Context": {"Title": "Go on?", "PresentationStyle": "Text", "Text": "?"},
                    "Options": [{"Value": "yes", "Label": "Yes"}, {"Value": "no", "Label": "No"}],
                },
                "ResultPath": "$.question",
                "Next": "Wait",
            },
            "Wait": {
                "Type": "AwaitWebInput",
                "Parameters": {"web_input_id.$": "$.question.web_input_id"},
                "ResultPath": "$.answer",
                "End": True,
            },
        },
    },
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    (tmp_path / "data").mkdir()
    (tmp_path / "headrace.toml").write_text('name = "small"\n[collections.here]\nroot = "data"\n')
    for name, definition in FLOWS.items():
        flow = tmp_path / "flows" / name
        flow.mkdir(parents=True)
        (flow / "definition.json").write_text(json.dumps(definition))
        (flow / "input_schema.json").write_text(json.dumps(schema))
        (flow / "flow.toml").write_text(f'title = "{name}"\n')
    yield tmp_path
    stop_facility(tmp_path)


@pytest.fixture
def served(root: Path, headrace: Command) -> Path:
    assert headrace("deploy").returncode == 0
    return root


def document_of(headrace: Command) -> dict[str, Any]:
    done = headrace("status", "-F", "json", "--fail-on", "never")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def wait_for(headrace: Command, word: str) -> dict[str, Any]:
    def has_it() -> dict[str, Any] | None:
        document = document_of(headrace)
        return document if document["word"] == word else None

    return wait_until(has_it, f"the word {word}")


def parts(document: dict[str, Any]) -> list[str]:
    return [each["part"] for each in document["findings"]]


def test_where_no_facility_runs_it_is_not_well(headrace: Command, root: Path) -> None:
    document = document_of(headrace)
    assert (document["word"], document["runs"]) == ("look", None)
    assert "headrace facility up" in document["reason"]
    shown = headrace("status")
    assert shown.returncode == 0
    assert shown.stdout.startswith("look: ")
    assert "Runs:       unknown" in shown.stdout
    assert find_address(root) is None


def test_a_failure_is_to_be_looked_at_until_a_retry_mends_it(
    headrace: Command, served: Path
) -> None:
    assert document_of(headrace)["word"] == "well"
    done = headrace("start", "list", "-s", "word=/new/", "--wait", "-F", "json")
    run_id = json.loads(done.stdout)["run_id"]
    document = document_of(headrace)
    assert (document["word"], parts(document)) == ("look", ["failures"])
    (group,) = document["failures"]["groups"]
    assert (group["runs"], group["example"], group["flows"]) == (1, run_id, {"list": 1})
    assert group["command"].startswith("headrace run retry ")
    assert document["runs"]["counts"]["FAILED"] == 1
    assert document["runs"]["finished_by_endpoint"] == {"": 1}
    (served / "data" / "new").mkdir()
    assert headrace(*shlex.split(group["command"])[1:]).returncode == 0
    document = wait_for(headrace, "well")
    assert (document["failures"]["groups"], document["failures"]["mended"]) == ([], 1)


def test_a_question_waits_for_a_person(headrace: Command, served: Path) -> None:
    run_id = json.loads(headrace("start", "ask", "-s", "word=x", "-F", "json").stdout)["run_id"]
    document = wait_for(headrace, "act")
    (waiting,) = document["waiting"]
    assert (waiting["run_id"], waiting["reason"]) == (run_id, "Go on?")
    shown = headrace("status")
    assert shown.returncode == 1
    assert shown.stdout.startswith("act: ask waits for you: Go on?\n")
    assert waiting["command"] in shown.stdout
    answer = [*waiting["command"].split()[1:], "yes"]
    assert headrace(*answer).returncode == 0
    wait_for(headrace, "well")


def test_a_facility_that_was_killed_is_dead_and_one_that_was_stopped_is_not(
    headrace: Command, served: Path
) -> None:
    address = find_address(served)
    assert address is not None
    os.kill(address.pid, signal.SIGKILL)
    wait_until(lambda: find_address(served) is None, "the end of the facility")
    document = document_of(headrace)
    assert document["word"] == "act"
    assert "the facility on" in document["reason"]
    assert "is dead" in document["reason"]
    assert headrace("facility", "up").returncode == 0
    assert document_of(headrace)["word"] == "well"
    assert headrace("facility", "down").returncode == 0
    assert document_of(headrace)["word"] == "look"


def test_what_cannot_be_asked_is_never_well_and_never_zero(
    served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise HostedError("the facility does not answer")

    monkeypatch.setattr(reading, "read_run_figures", refuse)
    status = read_status(load_project(served), "local")
    assert (status.word, status.runs) == ("look", None)
    assert status.reason == "runs: could not be asked: the facility does not answer"


def test_a_trigger_that_is_paused_needs_somebody(headrace: Command, served: Path) -> None:
    from headrace.triggers import Ledger

    path = ledger_file(load_project(served), "local")
    with Ledger(path):
        pass
    pause_triggers(path, ["new"])
    document = document_of(headrace)
    assert (document["word"], parts(document)) == ("act", ["triggers"])
    assert document["reason"] == "the trigger new is paused"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE pauses SET reason = 'the run of run7 failed'")
    assert document_of(headrace)["reason"] == "the trigger new is held: the run of run7 failed"


def test_unix_format_has_a_line_for_each_finding(headrace: Command, served: Path) -> None:
    assert headrace("status", "-F", "unix").stdout.startswith("well\t\tnothing waits for you\t")
    assert headrace("start", "stop", "-s", "word=bad", "--wait").returncode == 1
    done = headrace("status", "-F", "unix", "--fail-on", "look")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    word, part, text, command = line.split("\t")
    assert (word, part) == ("look", "failures")
    assert text == "1 run failed in the last day and nobody mended it"
    assert command.startswith("headrace run why --since ")
