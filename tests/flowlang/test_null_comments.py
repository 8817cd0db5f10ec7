"""Clients write ``"Comment": null`` for a step that has none, Gladier for one of six tools."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.flowlang import DefinitionError, parse_flow
from headrace.flowlang.drawing import graph_of, to_dot, to_mermaid, to_svg


def definition(comment: Any) -> dict[str, Any]:
    action = {
        "Type": "Action",
        "Comment": comment,
        "ActionUrl": "https://actions.globus.org/hello_world",
        "Parameters": {},
        "ResultPath": "$.a",
        "Next": "Eval",
    }
    rule = {"Variable": "$.n", "NumericEquals": 1, "Next": "Wait", "Comment": comment}
    return {
        "Comment": comment,
        "StartAt": "Action",
        "States": {
            "Action": action,
            "Eval": {
                "Type": "ExpressionEval",
                "Comment": comment,
                "Parameters": {"n": 1},
                "ResultPath": "$",
                "Next": "Choice",
            },
            "Choice": {
                "Type": "Choice",
                "Comment": comment,
                "Choices": [rule],
                "Default": "Fail",
            },
            "Wait": {"Type": "Wait", "Comment": comment, "Seconds": 0, "Next": "Ask"},
            "Ask": {
                "Type": "CreateWebInput",
                "Comment": comment,
                "ResultPath": "$.q",
                "Next": "Get",
            },
            "Get": {
                "Type": "AwaitWebInput",
                "Comment": comment,
                "ResultPath": "$.r",
                "Next": "Pass",
            },
            "Pass": {"Type": "Pass", "Comment": comment, "End": True},
            "Fail": {"Type": "Fail", "Comment": comment},
        },
    }


def test_null_is_no_comment_wherever_one_may_stand() -> None:
    parse_flow(definition(None))


@pytest.mark.parametrize("comment", [7, True, ["a"], {}])
def test_what_is_neither_text_nor_null_is_refused_at_each_place(comment: Any) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_flow(definition(comment))
    places = {tuple(entry["loc"][1:]) for entry in caught.value.entries}
    states = definition(None)["States"]
    assert {("Comment",), *(("States", name, "Comment") for name in states)} <= places


def test_no_drawing_shows_null() -> None:
    graph = graph_of(definition(None))
    for draw in (to_dot, to_mermaid, to_svg):
        assert "None" not in draw(graph)
