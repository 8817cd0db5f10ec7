"""Fields of states: times that cannot be, names of failures from elsewhere, lost ways."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import GONE, Mistake, edit

STATES: dict[str, Mistake] = {
    "a negative WaitTime": edit("there_and_back", "d/States/Stage/WaitTime", -5),
    "a WaitTime in quotes": edit("there_and_back", "d/States/Stage/WaitTime", "86400"),
    "a WaitTime of half a second": edit("there_and_back", "d/States/Stage/WaitTime", 0.5),
    "a WaitTime as a truth": edit("there_and_back", "d/States/Stage/WaitTime", True),
    "a WaitTime in milliseconds": edit("there_and_back", "d/States/Stage/WaitTime", 86_400_000),
    "a WaitTime beyond the life of a run": edit(
        "there_and_back", "d/States/Stage/WaitTime", 10**10),
    "a negative Seconds": edit("tried_again", "d/States/Pause/Seconds", -5),
    "Seconds in quotes": edit("tried_again", "d/States/Pause/Seconds", "600"),
    "half a second": edit("tried_again", "d/States/Pause/Seconds", 0.5),
    "Seconds of two years": edit("tried_again", "d/States/Pause/Seconds", 63_072_000),
    "Seconds and SecondsPath": edit("polling", "d/States/Wait/Seconds", 5),
    "Seconds from a path": ("tried_again", [("d/States/Pause/Seconds", "$.attempt.number")]),
    "a Wait in minutes": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                          ("d/States/Pause/Minutes", 10)]),
    "SecondsPath of a negative constant": edit(
        "polling", "d/States/Begin/Result/seconds", -60),
    "SecondsPath of a text": edit("polling", "d/States/Begin/Result/seconds", "60"),
    "a day as a Timestamp": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                             ("d/States/Pause/Timestamp", "2031-05-01")]),
    "a Timestamp without a zone": ("tried_again", [
        ("d/States/Pause/Seconds", GONE), ("d/States/Pause/Timestamp", "2031-05-01T00:00:00")]),
    "a Timestamp with a month 13": ("tried_again", [
        ("d/States/Pause/Seconds", GONE), ("d/States/Pause/Timestamp", "2031-13-01T00:00:00Z")]),
    "a Timestamp as a number": ("tried_again", [("d/States/Pause/Seconds", GONE),
                                                ("d/States/Pause/Timestamp", 1935360000)]),
    "RunAs in lower case": edit("there_and_back", "d/States/Stage/RunAs", "user"),
    "RunAs an unknown role": edit("there_and_back", "d/States/Stage/RunAs", "Admin"),
    "RunAs a role in a flow whose input admits more": ("there_and_back", [
        ("s/additionalProperties", GONE), ("d/States/Stage/RunAs", "Administrator")]),
    "ExceptionOnActionFailure in quotes": edit(
        "there_and_back", "d/States/Stage/ExceptionOnActionFailure", "false"),
    "Catch as an object": edit("with_a_handler", "d/States/Stage/Catch",
                               {"ErrorEquals": ["States.ALL"], "Next": "Failed"}),
    "ErrorEquals as a text": edit("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals",
                                  "States.ALL"),
    "ErrorEquals of nothing": edit("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", []),
    "a catch-all as a star": edit("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["*"]),
    "a catch-all as ALL": edit("with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["ALL"]),
    "a failure of Amazon's tasks": edit(
        "with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["States.TaskFailed"]),
    "a time-out of Amazon's": edit(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["States.Timeout"]),
    "a Python exception": edit(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["TimeoutError"]),
    "a status as a failure": edit(
        "with_a_handler", "d/States/Stage/Catch/0/ErrorEquals", ["FAILED"]),
    "the catch-all before others": edit(
        "with_a_handler", "d/States/Process/Catch/0/ErrorEquals", ["States.ALL"]),
    "a catcher back to its own state": edit(
        "with_a_handler", "d/States/Stage/Catch/0/Next", "Stage"),
    "Retry": edit("there_and_back", "d/States/Stage/Retry",
                  [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 3}]),
    "OutputPath": edit("there_and_back", "d/States/Stage/OutputPath", "$.details"),
    "Next and End": edit("there_and_back", "d/States/Stage/End", True),
    "neither Next nor End": edit("there_and_back", "d/States/Stage/Next", GONE),
    "End false": ("there_and_back", [("d/States/Told/End", False)]),
    "a state that nothing leads to": edit("there_and_back", "d/States/Stage/Next", "Publish"),
    "a result in place of an input that is read later": edit(
        "there_and_back", "d/States/Stage/ResultPath", "$.scratch"),
    "a result in place of the function's ids": edit(
        "several_tasks", "d/States/MakeDirectory/ResultPath", "$.functions"),
    "a result in place of an id": edit(
        "several_tasks", "d/States/MakeDirectory/ResultPath", "$.endpoint"),
    "a failure in place of the input": edit(
        "tried_again", "d/States/Try/Catch/0/ResultPath", "$.source"),
    "ResultPath null": edit("there_and_back", "d/States/Stage/ResultPath", None),
    "ResultPath without $": edit("there_and_back", "d/States/Stage/ResultPath", "staged"),
    "ResultPath of an item": edit("there_and_back", "d/States/Stage/ResultPath", "$.staged[0]"),
    "ResultPath into the context": edit(
        "there_and_back", "d/States/Stage/ResultPath", "$._context.staged"),
    "Result beside Parameters": edit("there_and_back", "d/States/Told/Result", {"done": True}),
    "a path in a Result": edit("polling", "d/States/Begin/Result", {"seconds": "$.job"}),
    "an address without https": edit(
        "there_and_back", "d/States/Stage/ActionUrl", "transfer.actions.globus.org/transfer"),
    "an address with a blank at its end": edit(
        "there_and_back", "d/States/Stage/ActionUrl",
        "https://transfer.actions.globus.org/transfer "),
    "the web app as an address": edit(
        "there_and_back", "d/States/Stage/ActionUrl", "https://app.globus.org/file-manager"),
    "Transfer's API as an address": edit(
        "there_and_back", "d/States/Stage/ActionUrl",
        "https://transfer.api.globus.org/v0.10/transfer"),
    "a flow by its title": edit(
        "several_tasks", "d/States/Follow/ActionUrl", "https://flows.globus.org/flows/Follow up"),
    "a flow's page as an address": edit(
        "several_tasks", "d/States/Follow/ActionUrl", "https://app.globus.org/flows/follow-up"),
}  # fmt: skip
