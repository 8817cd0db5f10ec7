"""Answers of web inputs, as the log of a run says them: one that is odd keeps no page away."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.runs.web_inputs import given_answer, option_values

LABELS = ("Yes", "No")
DOCUMENT: dict[str, Any] = {
    "id": "question",
    "run": {"id": "run"},
    "context": {"title": "Go on?"},
    "options": [{"option_id": label.lower(), "label": label} for label in LABELS],
}


class Log:
    """Services that have the log of one run.

    Args:
        entries: codes of its entries, with their details.
    """

    def __init__(self, *entries: tuple[str, Any]) -> None:
        self._entries = [{"code": code, "details": details} for code, details in entries]

    def read_items(self, path: str, member: str, query: Any = None) -> list[dict[str, Any]]:
        assert (path, member) == ("/runs/run/log", "entries")
        return self._entries


def body(**more: Any) -> dict[str, Any]:
    options = [{"Label": label, "Value": label.upper()} for label in LABELS]
    return {"Context": {"Title": "Go on?"}, "Options": options} | more


def log(asked: Any, waits: Any, answered: Any) -> Any:
    return Log(
        ("CreateWebInputStarted", asked),
        ("AwaitWebInputStarted", waits),
        ("AwaitWebInputCompleted", answered),
    )


ASKED = {"state_name": "Ask", "input": body()}
WAITS = {"state_name": "Wait", "input": {"web_input_id": "question"}}
ANSWERED = {"state_name": "Wait", "output": {"response": "NO"}}


def test_the_log_says_which_option_was_chosen() -> None:
    assert given_answer(log(ASKED, WAITS, ANSWERED), DOCUMENT) == DOCUMENT["options"][1]


@pytest.mark.parametrize("odd", ["input output", ["input"], 5, None, True])
def test_details_that_are_no_object_say_nothing(odd: Any) -> None:
    asked = log(odd, WAITS, ANSWERED)
    assert option_values(asked, DOCUMENT) == {}
    assert given_answer(asked, DOCUMENT) is None
    assert given_answer(log(ASKED, odd, ANSWERED), DOCUMENT) is None
    assert given_answer(log(ASKED, WAITS, odd), DOCUMENT) is None
    assert given_answer(log(ASKED, WAITS, {**ANSWERED, "output": odd}), DOCUMENT) is None
    for given in (
        {"state_name": "Ask", "input": odd},
        {"input": body(Context=odd)},
        {"input": body(Options=odd)},
        {"input": body(Options=[odd, odd])},
        {"input": body(Options=[{"Label": label} for label in LABELS])},
    ):
        assert option_values(log(given, WAITS, ANSWERED), DOCUMENT) == {}
