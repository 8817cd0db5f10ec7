"""`--at globus`, pointed at a facility: the hosted way to log in, deploy and start, unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headrace.facility import stop_facility
from tests.support.hosted_developer import FLOW, SCHEMA, Developer


def write_project(root: Path) -> Path:
    flow = root / "flows" / "say"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text('name = "words"\n')
    (flow / "definition.json").write_text(json.dumps(FLOW))
    (flow / "input_schema.json").write_text(json.dumps(SCHEMA))
    (flow / "flow.toml").write_text('title = "Say a word"\n')
    functions = root / "compute_functions"
    functions.mkdir()
    (functions / "one.py").write_text('def one() -> int:\n    """One."""\n    return 1\n')
    return root


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Path]:
    """The directory of the facility that stands for the hosted services."""
    root = tmp_path / "service"
    root.mkdir()
    (root / "headrace.toml").write_text("")
    command = [sys.executable, "-m", "headrace.cli", "-C", str(root), "facility", "up"]
    subprocess.run(command, check=True, capture_output=True)
    yield root
    stop_facility(root)


@pytest.fixture
def developer(tmp_path: Path, service: Path) -> Developer:
    return Developer(write_project(tmp_path / "project"), service, tmp_path / "home")


def test_from_nothing_to_a_run_and_a_second_developer(
    developer: Developer, service: Path, tmp_path: Path
) -> None:
    assert "create    flow      say" in developer("deploy", "--dry-run")
    assert developer.document("deploy")["changes"] == 2
    assert developer.document("deploy")["changes"] == 0
    started = developer.document("start", "say", "-s", "word=hello", "--wait")
    assert started["status"] == "SUCCEEDED"
    assert any(tag.startswith("headrace:") for tag in started["tags"])
    assert developer.document("run", "wait", "last")["run_id"] == started["run_id"]

    again = developer.document("run", "retry", "last", "--label", "once more")
    assert again["retry_of"]["run_id"] == started["run_id"]
    assert developer.document("run", "wait", again["run_id"])["status"] == "SUCCEEDED"
    from_state = developer.document("run", "retry", "last", "--from", "Say")
    assert from_state["retry_of"] == {"run_id": again["run_id"], "state": "Say"}
    assert "never in a state" in developer("run", "retry", "last", "--from", "Sing", code=1)

    clone = Developer(write_project(tmp_path / "clone"), service, tmp_path / "home2")
    (clone.root / "headrace.lock").write_bytes((developer.root / "headrace.lock").read_bytes())
    assert clone.document("deploy", "--dry-run")["changes"] == 0
    assert clone.document("flow", "list")[0]["state"] == "deployed"
    again = clone.document("start", "say", "-s", "word=again", "--wait")
    assert again["status"] == "SUCCEEDED"


def test_drift_is_shown_as_a_diff(developer: Developer) -> None:
    developer("deploy")
    lock = json.loads((developer.root / "headrace.lock").read_text())
    flow_id = lock["targets"]["globus"]["flows"]["say"]["id"]
    program = (
        "import sys; from headrace.hosted import hosted_services\n"
        "hosted_services().flows.update_flow(sys.argv[1], title='Mine')"
    )
    subprocess.run(
        [sys.executable, "-c", program, flow_id],
        env=developer.environment,
        check=True,
        capture_output=True,
    )
    shown = developer("deploy", "--dry-run")
    assert "changed there by somebody" in shown
    assert '- title: "Mine"' in shown
    assert '+ title: "Say a word"' in shown


def test_a_wrong_secret_is_a_login_that_is_needed(developer: Developer) -> None:
    told = developer("deploy", code=4, GLOBUS_CLIENT_SECRET="wrong")
    assert len(told.strip().splitlines()) == 1
    assert "login" in told


def test_tokens_and_secrets_are_nowhere_but_in_their_files(
    developer: Developer, tmp_path: Path
) -> None:
    """All that a deploy, a run and failures wrote, and command lines meanwhile, are searched."""
    seen, ended = set[str](), threading.Event()

    def look_at_processes() -> None:
        while not ended.wait(0.02):
            for process in psutil.process_iter(["cmdline"]):
                seen.update(process.info["cmdline"] or ())

    looking = threading.Thread(target=look_at_processes)
    looking.start()
    said = [
        developer("deploy"),
        developer("start", "say", "-s", "word=hello", "--wait"),
        developer("run", "log", "last"),
        developer("run", "show", "last", "-F", "json"),
        developer("start", "say", "-s", "word=1", "-s", "more=2", code=1, HEADRACE_DEBUG="1"),
        developer("run", "show", "ffff", code=1, HEADRACE_DEBUG="1"),
        developer(
            "deploy",
            code=4,
            GLOBUS_CLIENT_SECRET="wrong",
            HEADRACE_DEBUG="1",
            XDG_STATE_HOME=str(tmp_path / "nobody"),
        ),
    ]
    ended.set()
    looking.join()
    assert "deploy" in seen
    said += seen
    kept = {"facility.json", "compute_client.json"}
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name not in kept and not path.name.startswith("tokens."):
            said.append(path.read_bytes().decode("utf-8", "replace"))
    for text in said:
        assert developer.token not in text
        assert developer.secret not in text
    tokens = [path for path in tmp_path.rglob("tokens.*") if path.is_file()]
    assert tokens
    assert {path.stat().st_mode & 0o077 for path in tokens} == {0}
