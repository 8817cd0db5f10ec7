"""Modules that a command imports: those that only ask the facility wait for no client of Globus."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from headrace.cli import headrace
from tests.support.command_process import command_in
from tests.support.repository import REPOSITORY
from tests.support.small_project import write_project

PROGRAM = """
import json, sys
sys.argv[0] = "headrace"
from headrace.cli import main
try:
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
TRIGGER = """
title = "New"
[watch]
collection = "here"
path = "/incoming/"
what = "directory"
settle = 1
[start]
flow = "say"
[start.input]
word = "{name}"
"""
CAMPAIGN = """
[members]
table = "words.csv"
[start]
flow = "say"
[start.input]
word = "{word}"
"""
CLIENTS = {"globus_sdk", "globus_compute_sdk", "requests", "urllib3", "jwt", "cryptography"}
# Neither reads a document nor checks a flow; each takes longer to import than all that is needed.
OTHERS = {
    *("importlib.metadata", "http.client", "email", "jsonschema", "starlette", "parsl", "rich"),
    *("headrace.compute.scheduler", "headrace.flowlang.checker", "headrace.facility.engine"),
    *("numpy", "asyncio", "ssl"),
}
ASKING = (
    "run list",
    "run report",
    "run show last",
    "run log last",
    "run output last",
    "notify list",
    "web-input list",
    "flow list",
    "function list",
    "function show double",
    "endpoint list",
    "endpoint status machine",
    "endpoint log machine",
    "config show",
    "config schema",
    "trigger list",
    "trigger check",
    "trigger arrivals",
    "facility status",
    "status",
    "campaign status words",
    "campaign list words",
    "facility env",
    "facility check",
)
CHECKER = {"headrace.flowlang.checker", "headrace.flowlang.checker.check"}
# Of what commands do when they are called, a help page needs nothing.
WORK = {
    *("logging", "subprocess", "sqlite3", "tomllib", "psutil", "httptools", "uuid", "hashlib"),
    *("headrace.project", "headrace.config.project_config", "headrace.seismic", "headrace.runs"),
}
_ROOT = click.Context(headrace)
GROUPS = [
    name
    for name in headrace.list_commands(_ROOT)
    if isinstance(headrace.get_command(_ROOT, name), click.Group)
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose facility runs, with one run."""
    root = write_project(tmp_path_factory.mktemp("project"))
    template = "endpoint_configs/local"
    shutil.copytree(REPOSITORY / template, root / template, dirs_exist_ok=True)
    (root / "data" / "incoming").mkdir()
    (root / "triggers" / "new.toml").write_text(TRIGGER)
    (root / "campaigns").mkdir()
    (root / "campaigns" / "words.toml").write_text(CAMPAIGN)
    (root / "campaigns" / "words.csv").write_text("word\na\n")
    call = command_in(root)
    begin = "campaign start words --no-driver"
    try:
        for command in ("facility up", "deploy", "start say --wait --set word=a", begin):
            done = call(*command.split())
            assert done.returncode == 0, done.stderr
        yield root
    finally:
        assert call("facility", "down").returncode == 0


def imported(root: Path, command: str, code: int = 0) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split()],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["endpoint list", "flow check", "deploy"])
def test_checking_imports_neither_a_client_nor_the_service(root: Path, command: str) -> None:
    service = {"headrace.facility.engine", "pika", "starlette", "asyncio"}
    assert imported(root, command) & (CLIENTS | service) == set()


@pytest.mark.parametrize("project", ["small", "shipped"])
def test_checking_sound_flows_imports_no_validator(root: Path, project: str) -> None:
    modules = imported(root if project == "small" else REPOSITORY, "flow check")
    assert modules & (CLIENTS | OTHERS) - CHECKER == set()


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_help_page_imports_nothing_of_the_work(group: str, tmp_path: Path) -> None:
    assert imported(tmp_path, f"{group} --help") & (CLIENTS | OTHERS | WORK) == set()


@pytest.mark.parametrize("command", ASKING)
def test_asking_the_facility_imports_no_client(root: Path, command: str) -> None:
    # The run has no task whose output there would be; the campaign has no driver.
    code = 1 if command in ("run output last", "status") else 0
    assert imported(root, command, code) & (CLIENTS | OTHERS) == set()
