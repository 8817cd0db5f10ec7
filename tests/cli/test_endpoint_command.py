"""``headrace endpoint`` where there is no real endpoint: what it refuses, and how."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command, command_in, document
from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until


def make_project(root: Path) -> Path:
    (root / "compute_functions").mkdir(parents=True)
    (root / "flows").mkdir()
    shutil.copytree(REPOSITORY / "endpoint_configs" / "local", root / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text('[endpoints.here]\ntemplate = "local"\n[endpoints.there]\n')
    return root


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = make_project(tmp_path / "project")
    yield root
    stop_facility(root)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A project whose facility is up; for commands that change nothing."""
    root = make_project(tmp_path_factory.mktemp("served") / "project")
    headrace = command_in(root)
    assert headrace("facility", "up").returncode == 0
    yield headrace
    stop_facility(root)


def test_endpoints_are_listed_with_and_without_a_facility(headrace: Command):
    rows = document(headrace, "endpoint", "list")
    assert [(r["name"], r["kind"], r["service"]) for r in rows] == [
        ("here", "hosted", "unknown"),
        ("there", "elsewhere", "unknown"),
    ]
    headrace("facility", "up")
    rows = document(headrace, "endpoint", "list")
    assert [(r["name"], r["service"]) for r in rows] == [
        ("here", "online"),
        ("there", "not registered"),
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("status", "nowhere"), "no endpoint 'nowhere' in"),
        (("log", "there"), "not created on this machine: run `headrace endpoint create there`"),
        (("create", "here"), "does not serve real endpoints: run `headrace facility up --compute`"),
        (("start", "here"), "is hosted by the facility: its first task starts it"),
        (("stop", "here"), "is hosted by the facility: it ends with `headrace facility down`"),
        (("stop", "there"), "does not serve real endpoints: run `headrace facility up --compute`"),
        (("monitor", "--watchdog", "none.json"), "none.json: no heartbeat"),
        (("delete", "here", "--yes"), "is hosted by the facility: it goes with its lines in"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    served: Command,
    command: tuple[str, ...],
    words: str,
):
    done = served("endpoint", *command)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_hosted_endpoint_has_a_log_and_is_renewed(headrace: Command, root: Path):
    headrace("facility", "up")
    assert headrace("endpoint", "log", "here").stdout == "The log is empty.\n"
    assert headrace("endpoint", "restart", "here").stdout == "Endpoint here was not running.\n"
    (root / "compute_functions" / "double.py").write_text(
        'def double(number: int) -> int:\n    """Double a number."""\n    return 2 * number\n'
    )
    assert headrace("deploy").returncode == 0
    called = headrace("function", "run", "double", "-e", "here", "-s", "number=4")
    assert called.returncode == 0, called.stderr
    row = document(headrace, "endpoint", "status", "here")
    assert row["configuration"]["in_use"] == row["configuration"]["on_disk"]
    # The engine tells its workers at intervals, which the answer of a task does not wait for.
    status = ("endpoint", "status", "here")
    wait_until(lambda: document(headrace, *status)["workers"] == 1, "a worker that is told")
    done = headrace("endpoint", "restart", "here")
    assert "the next task starts it anew" in done.stdout
    assert headrace("endpoint", "log", "here", "--workers").returncode == 0
    assert document(headrace, "endpoint", "status", "here")["configuration"]["in_use"] == ""


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('template = "slrum"', "no template folder"),
        ('template = "local"\noptions = {workers = "many"}', "option workers: 'many' is not of"),
        ('template = "local"\noptions = {nodes = 2}', "unknown option nodes; it knows available_"),
    ],
)
def test_what_cannot_be_started_is_named_wherever_one_looks(
    headrace: Command,
    root: Path,
    toml: str,
    said: str,
):
    flow = root / "flows" / "nothing"
    flow.mkdir()
    (flow / "definition.json").write_text(
        '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
    )
    (flow / "input_schema.json").write_text('{"type": "object"}')
    (root / "headrace.toml").write_text(f"[endpoints.here]\n{toml}\n")
    deployed = headrace("deploy")
    assert deployed.returncode == 0, deployed.stderr
    assert "warning: endpoint here" in deployed.stderr
    assert said in deployed.stderr
    assert said in document(headrace, "endpoint", "list")[0]["warning"]
    assert said in headrace("endpoint", "status", "here").stdout
    assert said in headrace("config", "show").stderr
    checked = headrace("doctor", "nothing", "-s", "on.endpoint=here")
    assert checked.returncode == 1
    assert said in checked.stdout
    refused = headrace("endpoint", "restart", "here")
    assert refused.returncode == 1
    assert said in refused.stderr


def test_a_monitor_with_nothing_to_watch_says_so(served: Command):
    done = served("endpoint", "monitor", "--once")
    assert done.returncode == 0
    assert done.stdout == "No endpoint was created on this machine.\n"
