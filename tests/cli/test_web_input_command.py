"""``headrace web-input`` through the real command and a real facility."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command, document
from tests.support.waiting import wait_until

QUESTION = {
    "InputType": "Selection",
    "Context": {
        "Title": "Accept the model?",
        "PresentationStyle": "Table",
        "Rows": [{"Field": "misfit", "Value": "0.3"}],
    },
    "Options": [{"Value": "yes", "Label": "Accept"}, {"Value": "no", "Label": "Reject"}],
}
FLOW = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": QUESTION,
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
}


@pytest.fixture
def root(tmp_path: Path):
    root = tmp_path / "project"
    flow = root / "flows" / "ask"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text("")
    (flow / "definition.json").write_text(json.dumps(FLOW))
    (flow / "input_schema.json").write_text("{}")
    (flow / "flow.toml").write_text('title = "Ask"\n')
    yield root
    stop_facility(root)


def test_a_question_is_found_and_answered(headrace: Command):
    assert headrace("deploy").returncode == 0
    assert headrace("start", "ask").returncode == 0
    [found] = wait_until(lambda: document(headrace, "web-input", "list"), "the question")
    assert found["title"] == "Accept the model?"
    shown = headrace("web-input", "show", "last").stdout
    assert "misfit: 0.3" in shown
    assert "Reject" in shown
    run = headrace("run", "show", "last").stdout
    assert f"headrace web-input respond {found['id']}" in run
    for arguments, words in (
        (("last", "Perhaps"), "'Perhaps' is none of the options: Accept, Reject"),
        (("ffff", "Accept"), "none is 'ffff': see `headrace web-input list`"),
    ):
        refused = headrace("web-input", "respond", *arguments)
        assert refused.returncode == 1
        assert words in refused.stderr
    unsaid = headrace("web-input", "respond", "last")
    assert unsaid.returncode == 2
    assert "give one of the options: Accept, Reject" in unsaid.stderr
    told = headrace("web-input", "respond", found["id"][:8], "Reject")
    assert "answered with Reject" in told.stdout
    assert answered(headrace, "last") == "no"
    assert document(headrace, "web-input", "list") == []
    assert [each["id"] for each in document(headrace, "web-input", "list", "--all")] == [
        found["id"]
    ]


def answered(headrace: Command, run: str) -> str:
    """What the flow saw, once the run has ended."""

    def ended() -> dict | None:
        view = document(headrace, "run", "show", run)
        return view if view["status"] != "ACTIVE" else None

    output = wait_until(ended, "the end")["details"]["output"]
    return output["answer"]["response"]


def test_an_option_goes_by_label_value_and_id(headrace: Command):
    headrace("deploy")
    for word in ("Accept", "yes", "option_id"):
        run = document(headrace, "start", "ask")["run_id"]
        mine = ("web-input", "list", "--flow", "ask", "--run", run[:8])
        [found] = wait_until(lambda named=mine: document(headrace, *named), "the question")
        if word == "option_id":
            word = document(headrace, "web-input", "show", found["id"])["options"][0][word]
        told = document(headrace, "web-input", "respond", found["id"], word)
        assert told["label"] == "Accept"
        assert answered(headrace, run) == "yes"
