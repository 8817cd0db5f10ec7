"""``headrace doctor`` through the real command, facility and endpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command, command_in
from tests.support.repository import REPOSITORY

DEFINITION = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Action",
            "ActionUrl": "https://compute.actions.globus.org/v3",
            "Parameters": {
                "endpoint_id.$": "$.endpoint",
                "tasks": [{"function_id.$": "$.function", "kwargs": {"where.$": "$.data.path"}}],
            },
            "ResultPath": "$.call",
            "WaitTime": 600,
            "End": True,
        }
    },
}
SCHEMA = {
    "type": "object",
    "required": ["endpoint", "function", "data"],
    "properties": {
        "endpoint": {"type": "string", "format": "uuid"},
        "function": {"type": "string", "format": "uuid"},
        "data": {"type": "object"},
    },
}
INPUT: dict[str, Any] = {
    "endpoint": {"endpoint": "here"},
    "function": {"function": "look"},
    "data": {"collection": "disk", "path": "/in/"},
}


def make_project(root: Path) -> Path:
    flow = root / "flows" / "call"
    flow.mkdir(parents=True)
    (flow / "definition.json").write_text(json.dumps(DEFINITION))
    (flow / "input_schema.json").write_text(json.dumps(SCHEMA))
    shutil.copytree(REPOSITORY / "endpoint_configs" / "local", root / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text(
        '[collections.disk]\nroot = "data"\n[endpoints.here]\ntemplate = "local"\n'
        "[endpoints.there]\n"
    )
    (root / "compute_functions").mkdir()
    (root / "compute_functions" / "look.py").write_text(
        'def look(where: str) -> str:\n    """Look."""\n    return where\n'
    )
    (root / "campaigns").mkdir()
    (root / "campaigns" / "scan.toml").write_text(
        '[start]\nflow = "call"\n[lanes.one]\nendpoint = "here"\n'
    )
    (root / "data" / "in").mkdir(parents=True)
    (root / "input.json").write_text(json.dumps(INPUT))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = make_project(tmp_path / "project")
    yield root
    stop_facility(root)


@pytest.fixture(scope="module")
def deployed_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A deployed project, for tests that differ by their input only."""
    root = make_project(tmp_path_factory.mktemp("deployed") / "project")
    assert command_in(root)("deploy").returncode == 0
    yield root
    stop_facility(root)


def found(headrace: Command, *arguments: str) -> tuple[int, dict[str, list[str]]]:
    done = headrace("doctor", "call", "-i", "input.json", *arguments, "-F", "json")
    assert done.stdout, done.stderr
    by_health: dict[str, list[str]] = {}
    for row in json.loads(done.stdout):
        by_health.setdefault(row["health"], []).append(f"{row['what']}: {row['words']}")
    return done.returncode, by_health


def test_a_run_that_nothing_stands_in_the_way_of(headrace: Command, root: Path):
    headrace("deploy")
    code, told = found(headrace, "--canary", "--deadline", "120")
    assert (code, set(told)) == (0, {"good"})
    words = "\n".join(told["good"])
    assert "disk:/in/: is there; " in words
    assert "endpoint here: online" in words
    assert "campaign scan: its file has no fault" in words
    assert "endpoint here: the canary ran on " in words


def test_everything_that_is_wrong_is_told_at_once(headrace: Command, root: Path):
    headrace("deploy")
    (root / "input.json").write_text(json.dumps({**INPUT, "endpoint": {"endpoint": "there"}}))
    definition = {**DEFINITION, "Comment": "edited"}
    (root / "flows/call/definition.json").write_text(json.dumps(definition))
    shutil.rmtree(root / "data")
    campaign = root / "campaigns" / "scan.toml"
    campaign.write_text(campaign.read_text().replace('"here"', '"heer"'))
    code, told = found(headrace)
    assert code == 1
    bad = "\n".join(told["bad"])
    assert "is not a directory" in bad
    assert "lanes.one.endpoint: no endpoint 'heer' in headrace.toml; did you mean 'here'?" in bad
    assert "endpoint there: the service calls it not registered: start it where it runs" in bad
    assert any("changed since it was deployed" in line for line in told["warning"])


def test_one_bad_name_hides_no_other_finding(deployed_root: Path):
    more = [
        {"collection": "dsk", "path": "/"},
        {"collection": "disk", "path": "/in/"},
        {"endpoint": "heer"},
        {"endpoint": "there"},
    ]
    (deployed_root / "input.json").write_text(json.dumps({**INPUT, "data": {"more": more}}))
    _, told = found(command_in(deployed_root))
    bad = "\n".join(told["bad"])
    assert "dsk:/: " in bad
    assert "endpoint heer: " in bad
    assert "endpoint there: the service calls it not registered" in bad
    assert any(line.startswith("disk:/in/: is there") for line in told["good"])
    assert any(line.startswith("endpoint here: online") for line in told["good"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": 3}, "input: input of flow 'call': $.data: 3 is not of type 'object'"),
        ({"function": {"function": "lok"}}, "no function 'lok'"),
        ({"data": {"collection": "disk", "path": "/../x"}}, "must not leave its collection"),
        ({"data": {"collection": "dsk", "path": "/"}}, "no collection 'dsk'"),
    ],
)
def test_a_wrong_input_is_named(
    deployed_root: Path,
    change: dict[str, Any],
    words: str,
):
    (deployed_root / "input.json").write_text(json.dumps({**INPUT, **change}))
    code, told = found(command_in(deployed_root))
    assert code == 1
    assert words in "\n".join(told["bad"])


def test_a_flow_that_is_not_deployed_is_named(headrace: Command):
    headrace("facility", "up")
    code, told = found(headrace)
    assert code == 1
    assert any("is not deployed at local: run `headrace deploy`" in line for line in told["bad"])
