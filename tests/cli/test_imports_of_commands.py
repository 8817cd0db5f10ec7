"""Modules that a command imports: those that only ask the facility wait for no client of Globus."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_process import command_in
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
CLIENTS = {"globus_sdk", "globus_compute_sdk", "requests", "urllib3", "jwt", "cryptography"}
# Neither reads a document nor checks a flow; each takes longer to import than all that is needed.
OTHERS = {"importlib.metadata", "http.client", "email", "jsonschema", "starlette", "parsl", "rich"}
ASKING = (
    "run list",
    "run show last",
    "run log last",
    "web-input list",
    "flow list",
    "function list",
    "config show",
    "trigger list",
    "facility status",
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose facility runs, with one run."""
    root = write_project(tmp_path_factory.mktemp("project"))
    call = command_in(root)
    try:
        for command in ("facility up", "deploy", "start say --wait --set word=a"):
            done = call(*command.split())
            assert done.returncode == 0, done.stderr
        yield root
    finally:
        assert call("facility", "down").returncode == 0


def imported(root: Path, command: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command.split()],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["endpoint list", "flow check", "deploy"])
def test_checking_imports_neither_a_client_nor_the_service(root: Path, command: str) -> None:
    service = {"headrace.facility.engine", "pika", "starlette", "asyncio"}
    assert imported(root, command) & (CLIENTS | service) == set()


@pytest.mark.parametrize("command", ASKING)
def test_asking_the_facility_imports_no_client(root: Path, command: str) -> None:
    assert imported(root, command) & (CLIENTS | OTHERS) == set()
