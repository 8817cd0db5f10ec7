"""Definitions as wholes; what single members may be is in the conformance suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.flowlang import DefinitionError, parse_flow
from tests.support.flowlang.flow_builders import END, action, flow


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_flow({"States": {"A": {"Type": "Pass"}, "B": {"Type": "Nothing"}}})
    assert [entry["loc"] for entry in caught.value.entries] == [
        ["definition", "StartAt"],
        ["definition", "States", "A"],
        ["definition", "States", "B", "Type"],
    ]
    assert "2 more" in str(caught.value)


def test_http_on_this_machine_can_be_forbidden() -> None:
    with pytest.raises(DefinitionError):
        parse_flow(flow(A=action(ActionUrl="http://localhost/x")), allow_http_loopback=False)


def test_a_definition_nested_without_end_is_refused() -> None:
    value: Any = {}
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(DefinitionError, match="nested deeper"):
        parse_flow(flow(A=action(Parameters=value)))


def test_a_rule_nested_without_end_is_refused() -> None:
    rule: dict[str, Any] = {"Variable": "$.x", "IsNull": True}
    for _ in range(55):
        rule = {"Not": rule}
    with pytest.raises(DefinitionError, match="one inside the other"):
        parse_flow(flow(A={"Type": "Choice", "Choices": [{**rule, "Next": "B"}]}, B=END))


def test_a_flow_tells_a_state_s_type_and_its_private_parameters() -> None:
    parameters = {"__Private_Parameters": ["a"], "a": 1, "b": {"__Private_Parameters": ["c.$"]}}
    parsed = parse_flow(flow(A=action(Parameters=parameters, End=None, Next="B"), B=END))
    assert (parsed.kind("A"), parsed.kind("B")) == ("Action", "Pass")
    assert parsed.private("A") == {"a", "c"}
    assert parsed.private("B") == frozenset()


def test_the_pipelines_of_this_repository_parse(repository: Path) -> None:
    files = sorted(repository.glob("flows/*/definition.json"))
    assert files
    for file in files:
        assert parse_flow(json.loads(file.read_text())).states
