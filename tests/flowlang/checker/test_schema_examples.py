"""Examples and defaults in an input schema, checked in this process where they refer to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from headrace._internal import json_schema
from headrace.flowlang import check_flow
from tests.support.flowlang.flow_builders import END, flow

PATTERN = {"type": "string", "pattern": "^[a-z]+$"}


def messages(properties: dict[str, Any], **others: Any) -> list[str]:
    schema = {"type": "object", "properties": properties, **others}
    definition = flow(A={"Type": "Pass", **END})
    findings = check_flow(definition, schema)
    return [found.message for found in findings if found.code == "example-not-accepted"]


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise AssertionError("a process was started")

    monkeypatch.setattr(json_schema, "_worker", refuse)


@pytest.mark.usefixtures("no_process")
def test_a_part_without_references_needs_no_process() -> None:
    part = {**PATTERN, "default": "UPPER", "examples": ["lower", "12"]}
    told = messages({"word": part, "choice": {"enum": ["a", "b"], "default": "c"}})
    assert [message.partition(":")[0] for message in told] == [
        "the schema does not accept its own default",
        "the schema does not accept its own example",
        "the schema does not accept its own default",
    ]


def test_a_part_with_references_is_read_as_in_the_whole() -> None:
    part = {"type": "array", "items": {"$ref": "#/definitions/word"}, "default": ["a", "B"]}
    (told,) = messages({"words": part}, definitions={"word": PATTERN})
    assert told.startswith("the schema does not accept its own default: $[1]: 'B'")
