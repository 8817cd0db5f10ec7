"""One schema for each provider: whole, and in words that a person can use."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft7Validator

from headrace.flowlang.providers import body_problems, nearest_address, provider_of, providers
from tests.support.repository import REPOSITORY

TRANSFER = "https://transfer.actions.globus.org/"
COMPUTE = "https://compute.actions.globus.org"
ID = str(uuid4())
# What the checker follows in these files; a further one must be taught to it first.
KEYWORDS = {
    "additionalProperties",
    "allOf",
    "const",
    "description",
    "else",
    "enum",
    "format",
    "if",
    "items",
    "minItems",
    "minLength",
    "minimum",
    "not",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "then",
    "title",
    "type",
}
SOUND: dict[str, dict[str, Any]] = {
    f"{TRANSFER}transfer": {
        "source_endpoint": ID,
        "destination_endpoint": ID,
        "label": None,
        "sync_level": "checksum",
        "DATA": [{"source_path": "/a", "destination_path": "/b", "recursive": True}],
        "filter_rules": [{"method": "exclude", "name": "*.tmp"}],
    },
    f"{TRANSFER}delete": {"endpoint": ID, "DATA": [{"path": "/a/"}], "recursive": True},
    f"{TRANSFER}ls": {"endpoint_id": ID, "path": "/~/", "limit": 100, "filter": "name:~*.h5"},
    f"{TRANSFER}stat": {"endpoint_id": ID, "path": "/a"},
    f"{TRANSFER}mkdir": {"endpoint_id": ID, "path": "/a"},
    f"{TRANSFER}collection_info": {"endpoint_id": ID},
    f"{TRANSFER}manage_permission": {
        "operation": "CREATE",
        "endpoint_id": ID,
        "path": "/shared/",
        "principal_type": "identity",
        "principal": ID,
        "permissions": "r",
    },
    f"{COMPUTE}/v3": {
        "endpoint_id": ID,
        "tasks": [{"function_id": ID, "args": [], "kwargs": {"n": 1}}],
        "user_endpoint_config": {"walltime": "1:00:00"},
    },
    COMPUTE: {"tasks": [{"endpoint": ID, "function": ID, "payload": {"n": 1}}]},
    "https://actions.globus.org/hello_world": {"echo_string": "hi", "sleep_time": 0},
    "https://actions.globus.org/expression_eval": {"expression": "1 + a", "arguments": {"a": 1}},
    "https://actions.globus.org/search/ingest": {
        "search_index": ID,
        "subject": "run-7",
        "visible_to": ["public"],
        "content": {"n": 1},
    },
}


def schemas() -> list[Any]:
    return [s for p in providers().values() for s in (p.parameters, p.details) if s is not None]


def words(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for word in ("items", "if", "then", "else"):
        found |= words(schema.get(word))
    for word in ("allOf", "oneOf"):
        found |= {w for part in schema.get(word, []) for w in words(part)}
    return found | {w for part in schema.get("properties", {}).values() for w in words(part)}


def said(url: str, body: Any) -> list[str]:
    provider = provider_of(url)
    assert provider is not None
    return [str(problem) for problem in body_problems(provider, body)]


def test_every_schema_is_one_and_uses_what_the_checker_follows() -> None:
    for schema in schemas():
        Draft7Validator.check_schema(schema)
        assert words(schema) <= KEYWORDS


@pytest.mark.parametrize("url", SOUND)
def test_what_a_provider_takes_is_taken(url: str) -> None:
    assert said(url, SOUND[url]) == []


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        (
            f"{TRANSFER}transfer",
            {"source_endpoint_id": ID, "destination_endpoint": ID, "transfer_items": []},
            [
                "source_endpoint: required, in place of source_endpoint_id",
                "DATA: required, in place of transfer_items",
            ],
        ),
        (
            f"{TRANSFER}transfer",
            {"source_endpoint": ID, "destination_endpoint": ID, "DATA": []},
            ["DATA: at least one is required"],
        ),
        (
            f"{TRANSFER}delete",
            {"endpoint": ID, "DATA": ["/a"], "recursive": "yes"},
            [
                "DATA[0]: must be an object, not a string",
                "recursive: must be true or false, not a string",
            ],
        ),
        (
            f"{COMPUTE}/v3",
            {"endpoint_id": ID, "tasks": [{"function": ID}]},
            [
                "tasks[0].function: not a parameter of Compute; did you mean function_id?",
                "tasks[0].function_id: required, in place of function",
            ],
        ),
        (
            f"{COMPUTE}/v3",
            {"endpoint_id": ID, "tasks": {}},
            ["tasks: must be an array, not an object"],
        ),
        (COMPUTE, {"endpoint": ID}, ["function: required"]),
        (f"{TRANSFER}ls", {"endpoint_id": ID, "limit": -1}, ["limit: must be at least 0, not -1"]),
        (
            f"{TRANSFER}manage_permission",
            {"operation": "CREATE", "endpoint_id": ID, "path": "/", "principal_type": "group"},
            ["permissions: required"],
        ),
        (
            f"{TRANSFER}manage_permission",
            {"operation": "create", "endpoint_id": ID},
            ["operation: must be 'CREATE', 'UPDATE' or 'DELETE', not 'create'"],
        ),
        (
            "https://actions.globus.org/hello_world",
            [],
            ["the body: must be an object, not an array"],
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(url: str, body: Any, expected: list[str]) -> None:
    assert sorted(said(url, body)) == sorted(expected)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (f"{TRANSFER}transfr", f"{TRANSFER}transfer"),
        (f"{TRANSFER}transfer/run", f"{TRANSFER}transfer"),
        ("https://transfer.action.globus.org/ls", f"{TRANSFER}ls"),
        (f"{COMPUTE}/v4", f"{COMPUTE}/v3"),
        ("https://actions.globus.org/helloworld", "https://actions.globus.org/hello_world"),
    ],
)
def test_an_address_that_nearly_is_one(url: str, address: str) -> None:
    nearest = nearest_address(url, providers())
    assert nearest is not None
    assert nearest.address == address


@pytest.mark.parametrize(
    "url",
    [
        *SOUND,
        "https://example.org/transfer",
        "https://actions.globus.org/xtract",
        "https://flows.globus.org/flows/some-flow",
        "https://transfer.actions.preview.globus.org/transfer",
    ],
)
def test_of_others_nothing_is_said(url: str) -> None:
    assert nearest_address(url, providers()) is None


@pytest.mark.slow
def test_the_wheel_has_them(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "headrace/flowlang/providers/schemas/transfer.json" in names
