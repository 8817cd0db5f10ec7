"""Expressions that are out for memory, time, Python or the payload end as failures of their run."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest

from headrace.flowlang import DefinitionError, Failed, Payload, enter, parse_flow
from tests.support.flowlang import expression_attacks as attacks
from tests.support.flowlang import expression_program
from tests.support.flowlang.flow_builders import flow

MOST_BYTES = 50 * 1000 * 1000
ERRORS = {"ExpressionError", "ExpressionSyntaxError", "BudgetError", "MissingPathError"}
TEXTS = [text for kind in attacks.ATTACKS.values() for text in kind]


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a child process of bounded memory says of every text."""
    texts = [*TEXTS, *attacks.ALLOWED]
    child = subprocess.run(
        [sys.executable, expression_program.__file__],
        input=json.dumps({"texts": texts, "payload": attacks.PAYLOAD}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2000:]
    answer: dict[str, Any] = json.loads(child.stdout)
    answer["by text"] = dict(zip(texts, answer["answers"], strict=True))
    return answer


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:50])
def test_an_attack_is_an_error_of_the_language(
    told: dict[str, Any], text: str, record_property: Any
) -> None:
    answer = told["by text"][text]
    record_property("seconds", answer["seconds"])
    record_property("bytes", answer["bytes"])
    assert answer["error"] in ERRORS
    assert answer["bytes"] < MOST_BYTES
    assert "\n" not in answer["line"]
    assert len(answer["line"]) < 500


@pytest.mark.parametrize("text", [*attacks.MEMORY, *attacks.TIME], ids=lambda text: text[:50])
def test_what_takes_time_or_memory_is_stopped_by_the_budget(
    told: dict[str, Any], text: str
) -> None:
    assert told["by text"][text]["error"] == "BudgetError"


@pytest.mark.parametrize("text", attacks.ALLOWED)
def test_what_is_large_and_allowed_stays_within_the_same_limits(
    told: dict[str, Any], text: str
) -> None:
    answer = told["by text"][text]
    assert answer["error"] is None, answer["line"]
    assert answer["bytes"] < MOST_BYTES


def test_all_of_them_left_the_payload_alone(told: dict[str, Any]) -> None:
    assert told["unchanged"]
    slowest = max(told["answers"], key=lambda answer: answer["seconds"])
    largest = max(told["answers"], key=lambda answer: answer["bytes"])
    print(f"slowest {slowest['seconds'] * 1e3:.1f} ms: {slowest['line'][:80]}")
    print(f"largest {largest['bytes'] / 1e6:.1f} MB: {largest['line'][:80]}")


@pytest.mark.parametrize("kind", ["Pass", "ExpressionEval"])
@pytest.mark.parametrize("text", TEXTS[::5], ids=lambda text: text[:50])
def test_a_run_fails_of_it_and_keeps_its_payload(kind: str, text: str) -> None:
    state = {"Type": kind, "Parameters": {"x.=": text}, "ResultPath": "$.r", "End": True}
    try:
        parsed = parse_flow(flow(A=state))
    except DefinitionError as error:
        where = error.entries[0]["loc"]
    else:
        where = None
    if where is not None:
        assert where == ["definition", "States", "A", "Parameters", "x.="]
        return
    payload = Payload.of(attacks.PAYLOAD)
    before = copy.deepcopy(payload.value)
    outcome = enter(parsed, "A", payload, {"run_id": "r"})
    assert isinstance(outcome, Failed)
    assert outcome.error.exception == "States.Runtime"
    assert payload.value == before
    json.dumps(outcome.error.document())
