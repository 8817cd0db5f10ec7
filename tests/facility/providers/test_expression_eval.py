"""The Expression Evaluation action provider."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.facility.providers.addresses import EXPRESSION_EVAL
from headrace.facility.providers.expression_eval import ExpressionEvalProvider
from tests.support.facility.scripted_engine import Bench


@pytest.fixture
def evaluated(bench: Bench) -> Any:
    bench.engine._registry.register([ExpressionEvalProvider()])

    def run(body: dict[str, Any]) -> Any:
        state = {
            "Type": "Action",
            "ActionUrl": EXPRESSION_EVAL,
            "InputPath": "$.body",
            "ResultPath": "$.r",
        }
        run_id = bench.start({"A": {**state, "End": True}}, {"body": body})
        if bench.ended(run_id).status == "FAILED":
            return bench.details(run_id)["details"]["cause"]["description"]
        return bench.payload(run_id)["r"]["details"]

    return run


def test_results(evaluated: Any) -> None:
    assert evaluated({"expression": "x + 1", "arguments": {"x": 2}}) == {"result": 3}
    assert evaluated({"expression": "'a' * 2", "result_path": "$.deep.er"}) == {
        "deep": {"er": "aa"}
    }
    several = [{"expression": "1", "result_path": "a"}, {"expression": "2", "result_path": "a"}]
    assert evaluated({"expressions": several}) == {"a": 2}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "expression: required"),
        ({"expression": "x", "other": 1}, "other: not a parameter"),
        ({"expression": "x"}, "'x' is not in the payload"),
        ({"expression": "().__class__"}, "cannot be used"),
        ({"expression": "1", "result_path": "$.a[*]"}, "must lead to one place"),
        ({"expression": 7}, "must be a string"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(evaluated: Any, body: Any, words: str) -> None:
    assert words in evaluated(body)
