"""The unmodified Globus CLI against a facility, from an environment made by pip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.hosted_developer import FLOW, SCHEMA
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Globus:
    """Runs `globus` with the variables that `headrace facility env` prints."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "project"
        self.root.mkdir()
        (self.root / "headrace.toml").write_text("")
        environment = directory / "cli"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [environment / "bin/python", "-m", "pip", "install", "-q", "globus-cli"]
        subprocess.run(pip, check=True)
        self.program = environment / "bin" / "globus"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))}
        self.environment = {**clean, "HOME": str(directory / "home")}
        (directory / "home").mkdir()
        self.headrace("facility", "up")
        self.environment |= json.loads(self.headrace("facility", "env", "-F", "json"))

    def headrace(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "headrace.cli", "-C", str(self.root), *arguments]
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def document(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "-F", "json"))


@pytest.fixture(scope="module")
def globus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Globus]:
    globus = Globus(tmp_path_factory.mktemp("globus"))
    yield globus
    stop_facility(globus.root)


def test_flows_and_runs(globus: Globus, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(FLOW))
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "input.json").write_text(json.dumps({"word": "hello"}))
    flow = globus.document(
        "flows", "create", "Say a word", str(tmp_path / "flow.json"),
        "--input-schema", str(tmp_path / "schema.json"),
    )  # fmt: skip
    assert flow["title"] == "Say a word"
    assert "Say a word" in globus("flows", "list")
    assert "Say a word" in globus("flows", "show", flow["id"])
    run = globus.document(
        "flows", "start", flow["id"], "--input", str(tmp_path / "input.json"), "--label", "mine"
    )
    globus.headrace("run", "wait", run["run_id"], "--timeout", "60")
    shown = globus("flows", "run", "show", run["run_id"])
    assert "SUCCEEDED" in shown
    assert "mine" in shown
    assert "FlowSucceeded" in globus("flows", "run", "show-logs", run["run_id"])
    assert run["run_id"] in globus("flows", "run", "list")
    globus("flows", "run", "delete", run["run_id"])
    globus("flows", "delete", flow["id"])


def test_a_mistake_is_shown_as_the_cli_shows_mistakes(globus: Globus, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps({**FLOW, "StartAt": "Sai"}))
    told = globus("flows", "create", "Wrong", str(tmp_path / "flow.json"), code=1)
    assert "422" in told
    assert "Traceback" not in told


QUESTION: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title": "Take the next step?",
                    "Rows": [{"Field": "misfit", "Value.$": "$.misfit"}],
                },
                "Options": [
                    {"Value": "yes", "Label": "Take it"},
                    {"Value": "no", "Label": "Leave it", "Description": "End here."},
                ],
            },
            "ResultPath": "$.asked",
            "Next": "Await",
        },
        "Await": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.asked.web_input_id"},
            "ResultPath": "$.answer",
            "End": True,
        },
    },
}


def test_a_question_is_listed_shown_and_answered(globus: Globus, tmp_path: Path) -> None:
    (tmp_path / "ask.json").write_text(json.dumps(QUESTION))
    (tmp_path / "input.json").write_text(json.dumps({"misfit": 0.5}))
    flow = globus.document("flows", "create", "Ask", str(tmp_path / "ask.json"))
    run = globus.document("flows", "start", flow["id"], "--input", str(tmp_path / "input.json"))
    asked = ("flows", "web-input", "list", "--filter-run-id", run["run_id"])
    [found] = wait_until(lambda: globus.document(*asked)["web_input_summaries"], "the question")
    shown = globus.document("flows", "web-input", "show", found["id"])
    assert shown["context"]["rows"] == [{"field": "misfit", "value": 0.5}]
    assert "Take it" in globus("flows", "web-input", "show", found["id"])
    option = next(one for one in shown["options"] if one["label"] == "Leave it")
    other = globus("flows", "web-input", "respond", found["id"], found["id"], code=1)
    assert "422" in other
    globus("flows", "web-input", "respond", found["id"], option["option_id"])
    globus.headrace("run", "wait", run["run_id"], "--timeout", "60")
    ended = globus.document("flows", "run", "show", run["run_id"])
    assert ended["details"]["output"]["answer"] == {"response": "no"}
    again = globus("flows", "web-input", "respond", found["id"], option["option_id"], code=1)
    assert "409" in again
