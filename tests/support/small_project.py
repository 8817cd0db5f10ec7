"""A small project and a small service, and their fixtures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.hosted import Services, services_at
from headrace.project import Project, load_project
from tests.support.flows_service import TOKEN, Service
from tests.support.ids import an_id

CONFIG = f"""\
name = "small"

[collections.here]
root = "data"

[collections.there]
id = "{an_id("there")}"
root = "/scratch/there"

[endpoints.machine]
template = "local"
project = "/home/me/small"

[endpoints.machine.options]
workers = 2

[notify]
command = "mail me@example.org"
"""
DEFINITION = {
    "StartAt": "Say",
    "States": {"Say": {"Type": "Pass", "Parameters": {"said.$": "$.word"}, "End": True}},
}
SCHEMA = {
    "type": "object",
    "required": ["word"],
    "additionalProperties": False,
    "properties": {
        "word": {"type": "string"},
        "count": {"type": "integer"},
        "place": {"type": "object"},
        "function": {"type": "string", "format": "uuid"},
    },
}
FUNCTION = '''\
def double(number: int) -> int:
    """Doubles a number."""
    return 2 * number
'''


def write_project(root: Path) -> Path:
    (root / "headrace.toml").write_text(CONFIG)
    flow = root / "flows" / "say"
    flow.mkdir(parents=True)
    (flow / "definition.json").write_text(json.dumps(DEFINITION, indent=1))
    (flow / "input_schema.json").write_text(json.dumps(SCHEMA))
    (flow / "flow.toml").write_text('title = "Say a word"\nkeywords = ["words"]\n')
    functions = root / "compute_functions"
    functions.mkdir()
    (functions / "double.py").write_text(FUNCTION)
    for name in ("data", "triggers", "endpoint_configs/local"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
def project(root: Path) -> Project:
    return load_project(root)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def services(service: Service) -> Services:
    return services_at(service.url, TOKEN)
