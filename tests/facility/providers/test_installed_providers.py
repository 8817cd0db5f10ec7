"""Action providers of other packages: one file and an entry point add one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.action_providers import installed_providers
from headrace.facility import facility_status
from headrace.testing import FlowTest, FlowTestError
from tests.support.repository import SUPPORT
from tests.support.waiting import wait_until

MODULE = SUPPORT / "extensions" / "tape_recall.py"
URL = "https://actions.example.org/tape/recall"
UNUSABLE = {
    "absent": ("tape_absent:Provider", "No module named 'tape_absent'"),
    "function": ("json:dumps", "no subclass of headrace.action_providers.ActionProvider"),
    "raising": ("tape_raising:Provider", "RuntimeError: no licence"),
    "taken": ("tape_taken:Provider", f"{URL} is the address of recall"),
    "hosted": ("tape_hosted:Provider", "https://actions.globus.org/hello_world is the address"),
    "schema": ("tape_schema:Provider", "input_schema is wrong at $.type"),
    "partial": ("tape_partial:Provider", "it has no status"),
}
MODULES = {
    "tape_raising": "raise RuntimeError('no licence')",
    "tape_taken": "from tape_recall import TapeRecallProvider as Provider",
    "tape_hosted": """
from tape_recall import TapeRecallProvider
class Provider(TapeRecallProvider):
    url = "https://actions.globus.org/hello_world"
""",
    "tape_schema": """
from tape_recall import TapeRecallProvider
class Provider(TapeRecallProvider):
    url = "https://actions.example.org/tape/schema"
    input_schema = {"type": "objekt"}
""",
    "tape_partial": """
from headrace.action_providers import ActionProvider
class Provider(ActionProvider):
    url, title, input_schema = "https://actions.example.org/tape/partial", "Partial", {}
    def run(self, action_id, body): ...
""",
    "tape_opening": """
from tape_recall import TapeRecallProvider
class Provider(TapeRecallProvider):
    url = "https://actions.example.org/tape/opening"
    def __init__(self, directory):
        raise OSError("the tape robot is away")
""",
}
Install = Callable[[dict[str, str]], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package with the modules above, and these entry points."""
    site = tmp_path / "site"
    site.mkdir()
    shutil.copy(MODULE, site)
    for name, text in MODULES.items():
        (site / f"{name}.py").write_text(text)
    info = site / "tapes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tapes\nVersion: 1.0\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(site)

    def write(points: dict[str, str]) -> Path:
        lines = [f"{name} = {value}" for name, value in points.items()]
        text = "\n".join(["[headrace.action_providers]", *lines, ""])
        (info / "entry_points.txt").write_text(text)
        return site

    return write


@pytest.fixture
def recall(install: Install) -> None:
    install({"recall": "tape_recall:TapeRecallProvider"})


def flow(parameters: dict[str, Any], **members: Any) -> dict[str, Any]:
    state = {
        "Type": "Action",
        "ActionUrl": URL,
        "Parameters": parameters,
        "ResultPath": "$.recalled",
        "WaitTime": 3600,
        "Next": "B",
    }
    after = {"Type": "Pass", "Parameters": {"path.$": "$.recalled.details.path"}, "End": True}
    return {"StartAt": "A", "States": {"A": {**state, **members}, "B": after}}


def request(root: Path) -> Path:
    directory = root / ".headrace" / "action_providers" / "recall"
    return wait_until(lambda: next(directory.glob("*.request"), None), "a request to the robot")


def answer(asked: Path, **details: Any) -> None:
    unfinished = asked.with_suffix(".new")
    unfinished.write_text(json.dumps(details))
    unfinished.rename(asked.with_suffix(".answer"))


def test_the_facility_runs_an_action_to_its_result(recall: None, start: Any) -> None:
    facility = start()
    run_id = facility.start(facility.deploy(flow({"data_set": "shots"})), {})
    asked = request(facility.root)
    assert json.loads(asked.read_text()) == {"data_set": "shots"}
    answer(asked, path="/data/shots/", bytes=7)
    run = facility.wait(run_id)
    assert run["status"] == "SUCCEEDED", run["details"]
    assert run["details"]["output"] == {"path": "/data/shots/"}
    wait_until(lambda: not any(asked.parent.iterdir()), "the release of the action")


def test_a_body_that_does_not_fit_is_refused_before_run(recall: None, start: Any) -> None:
    facility = start()
    run = facility.run(flow({"data_set": "shots", "copies": 0}), {})
    assert run["status"] == "FAILED"
    assert "copies: must be at least 1" in json.dumps(run["details"])
    assert not any((facility.root / ".headrace" / "action_providers" / "recall").iterdir())


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"error": "no such data set"}, "no such data set"),
        ({"path": "/data/shots/", "bytes": "many"}, "details.bytes: 'many' is not of type"),
    ],
)
def test_a_failure_or_a_wrong_result_ends_the_action(
    recall: None, start: Any, details: dict[str, Any], expected: str
) -> None:
    facility = start()
    run_id = facility.start(facility.deploy(flow({"data_set": "shots"})), {})
    answer(request(facility.root), **details)
    run = facility.wait(run_id)
    assert run["status"] == "FAILED"
    assert expected in json.dumps(run["details"])


def test_a_cancelled_run_cancels_the_action(recall: None, start: Any) -> None:
    facility = start()
    run_id = facility.start(facility.deploy(flow({"data_set": "shots"})), {})
    asked = request(facility.root)
    facility.services.flows.cancel_run(run_id)
    wait_until(lambda: not asked.exists(), "the cancellation at the robot")
    assert facility.wait(run_id)["status"] == "FAILED"


def test_an_action_goes_on_after_the_facility_was_killed(recall: None, start: Any) -> None:
    facility = start()
    run_id = facility.start(facility.deploy(flow({"data_set": "shots"})), {})
    asked = request(facility.root)
    process = psutil.Process(facility.address.pid)
    os.kill(process.pid, signal.SIGKILL)
    psutil.wait_procs([process], 120)
    again = start()
    answer(asked, path="/data/shots/", bytes=7)
    assert again.wait(run_id)["status"] == "SUCCEEDED"


def test_an_unusable_provider_is_named_and_stops_no_other(install: Install, start: Any) -> None:
    points = {name: value for name, (value, _) in UNUSABLE.items()}
    install(
        {**points, "opening": "tape_opening:Provider", "recall": "tape_recall:TapeRecallProvider"}
    )
    facility = start()
    status = facility_status(facility.root)
    assert status is not None
    assert len(status["problems"]) == len(UNUSABLE) + 1
    log = Path(status["log"]).read_text()
    expected = {**{name: text for name, (_, text) in UNUSABLE.items()}, "opening": "OSError"}
    for name, text in expected.items():
        (problem,) = [p for p in status["problems"] if p.startswith(f"action provider {name}: ")]
        assert text in problem
        assert "of the package tapes cannot be used" in problem
        assert log.count(problem) == 1
    run_id = facility.start(facility.deploy(flow({"data_set": "shots"})), {})
    answer(request(facility.root), path="/data/shots/", bytes=7)
    assert facility.wait(run_id)["status"] == "SUCCEEDED"


def check(root: Path, definition: dict[str, Any]) -> tuple[int, str]:
    folder = root / "flows" / "recall"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "definition.json").write_text(json.dumps(definition))
    (folder / "input_schema.json").write_text('{"type": "object", "additionalProperties": false}')
    (root / "headrace.toml").write_text("")
    command = [sys.executable, "-m", "headrace.cli", "flow", "check", "recall", "--at", "local"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_flow_check_knows_the_parameters_and_the_result(recall: None, tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    code, text = check(root, flow({"data_set": "shots"}))
    assert code == 0, text
    assert "not-served" not in text
    code, text = check(root, flow({"data_sett": "shots"}))
    assert code == 1
    assert "data_sett is no parameter of Tape recall" in text
    assert "did you mean data_set?" in text
    definition = flow({"data_set": "shots"})
    definition["States"]["B"]["Parameters"] = {"path.$": "$.recalled.details.file"}
    code, text = check(root, definition)
    assert code == 1
    assert "$.recalled.details.file" in text
    definition = flow({"data_set": "shots"})
    del definition["States"]["A"]["WaitTime"]
    assert "WaitTime" in check(root, definition)[1]


def test_without_the_package_the_target_has_no_such_provider(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    assert "the target has no provider" in check(root, flow({"data_set": "shots"}))[1]


def test_the_test_kit_answers_for_it(recall: None) -> None:
    run = FlowTest(flow({"data_set": "shots"})).run()
    run.assert_succeeded()
    assert run.output == {"path": "/recalled/shots/"}
    FlowTest(flow({"data_set": 7})).run().assert_failed("ActionUnableToRun")


def test_the_test_kit_names_what_is_unusable(install: Install) -> None:
    install({"absent": "tape_absent:Provider"})
    with pytest.raises(FlowTestError, match="tape_absent:Provider of the package tapes"):
        FlowTest(flow({"data_set": "shots"})).run()


def test_doctor_names_what_is_unusable(install: Install) -> None:
    from headrace.diagnostics.doctor import unusable_providers

    install({"absent": "tape_absent:Provider"})
    (found,) = unusable_providers()
    assert found.health == "warning"
    assert found.message == installed_providers().problems["absent"]


def test_the_page_has_the_tested_file(repository: Path) -> None:
    page = (repository / "docs" / "add_an_action_provider.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert MODULE.read_text() in blocks
