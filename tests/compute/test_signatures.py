"""The JSON schema of a function's arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.compute import find_functions
from headrace.compute.signatures import arguments_schema, signature


def schema_of(directory: Path, head: str) -> dict[str, Any]:
    (directory / "one.py").write_text(
        f'def one({head}) -> dict:\n    """Doc."""\n    return {{}}\n'
    )
    return arguments_schema(find_functions(directory)["one"])


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("str", {"type": "string"}),
        ("float", {"type": "number"}),
        ("list[int]", {"type": "array", "items": {"type": "integer"}}),
        ("dict[str, bool]", {"type": "object", "additionalProperties": {"type": "boolean"}}),
        ("str | None", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ('"int"', {"type": "integer"}),
        ("complex", {}),
        ("dict", {"type": "object"}),
        ("object | None", {}),
    ],
)
def test_annotations(tmp_path: Path, annotation: str, schema: dict[str, Any]) -> None:
    assert schema_of(tmp_path, f"x: {annotation}")["properties"]["x"] == schema


def test_defaults_and_what_is_required(tmp_path: Path) -> None:
    found = schema_of(tmp_path, "a: str, b: int = 3, *, c: bool, d: list = []")
    assert found["required"] == ["a", "c"]
    assert found["properties"]["b"] == {"type": "integer", "default": 3}
    assert found["additionalProperties"] is False
    assert schema_of(tmp_path, "**more: int")["additionalProperties"] is True


def test_the_head_is_on_one_line(tmp_path: Path) -> None:
    schema_of(tmp_path, "a: str,\n    b: int = 3,\n")
    assert signature(find_functions(tmp_path)["one"]) == "one(a: str, b: int=3) -> dict"
