"""Sections 3.1, 6 and 7: actions, what goes wrong, and who catches it."""

from __future__ import annotations

from typing import Any

from headrace.flowlang import StateError
from tests.support.flowlang.conformance.case import Calls, Case, Ends, Fails, Raises
from tests.support.flowlang.flow_builders import HELLO, action

DONE: dict[str, Any] = {
    "action_id": "a",
    "status": "SUCCEEDED",
    "display_status": "SUCCEEDED",
    "creator_id": "urn:x",
    "details": {"hello": "w"},
    "label": None,
    "manage_by": [],
    "monitor_by": [],
    "release_after": None,
    "start_time": "2023-04-25T18:54:31.340484+00:00",
    "completion_time": "2023-04-25T18:54:32.340484+00:00",
}
FAILED = {**DONE, "status": "FAILED", "details": {"code": "x"}}
TOLD = {**DONE, "state_name": "A"}

ACTIONS = [
    Calls(
        "6",
        "an action is called with its body",
        action(ActionUrl=HELLO, Parameters={"echo_string.$": "$.who"}),
        {"who": "w"},
        {"url": HELLO, "body": {"echo_string": "w"}},
    ),
    Calls(
        "3.1",
        "defaults",
        action(),
        {},
        {"wait_time": 300, "run_as": "User", "scope": None, "private": frozenset()},
    ),
    Calls("3.1", "WaitTime", action(WaitTime=172_800), {}, {"wait_time": 172_800}),
    Calls("3.1", "RunAs the flow", action(RunAs="Flow"), {}, {"run_as": "Flow"}),
    Calls("16", "RunAs a role", action(RunAs="Publisher"), {}, {"run_as": "Publisher"}),
    Calls("3.1", "ActionScope", action(ActionScope="urn:s"), {}, {"scope": "urn:s"}),
    Ends(
        "6",
        "the status document and the state's name",
        action(),
        {"a": 1},
        DONE,
        {"a": 1, "r": TOLD},
    ),
    Ends(
        "4.2", "by default in place of the payload", action(ResultPath=None), {"a": 1}, DONE, TOLD
    ),
    Ends(
        "6",
        "the state's name is the run's, whatever the provider says",
        action(),
        {},
        {**DONE, "state_name": "Z"},
        {"r": TOLD},
    ),
    Ends("3.1", "it leads on", action(End=None, Next="B"), {}, DONE, {"r": TOLD}, "B"),
    Ends(
        "7.1",
        "a failed action is an exception",
        action(),
        {"a": 1},
        FAILED,
        StateError("ActionFailedException", {**FAILED, "state_name": "A"}, "A"),
    ),
    Ends(
        "3.1",
        "a failed action as a result",
        action(ExceptionOnActionFailure=False),
        {},
        FAILED,
        {"r": {**FAILED, "state_name": "A"}},
    ),
    Ends(
        "22.1",
        "failure raises by default",
        action(ExceptionOnActionFailure=None),
        {},
        FAILED,
        StateError("ActionFailedException", {**FAILED, "state_name": "A"}, "A"),
    ),
    Ends(
        "7.2",
        "a failed action is caught",
        action(
            Catch=[{"ErrorEquals": ["ActionFailedException"], "Next": "B", "ResultPath": "$.e"}]
        ),
        {"a": 1},
        FAILED,
        {
            "a": 1,
            "e": {
                "state_name": "A",
                "exception": "ActionFailedException",
                "cause": {**FAILED, "state_name": "A"},
            },
        },
        "B",
    ),
    Ends(
        "7.2",
        "a result that is no failure is not caught",
        action(
            ExceptionOnActionFailure=False, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]
        ),
        {},
        FAILED,
        {"r": {**FAILED, "state_name": "A"}},
    ),
    Ends(
        "4.2",
        "a result that cannot be placed",
        action(ResultPath="$.a.b"),
        {"a": "text"},
        DONE,
        StateError("States.ResultPathMatchFailure", "$.a.b: 'b' cannot be put into a string", "A"),
    ),
    Ends(
        "7.1",
        "a result that cannot be placed is caught",
        action(
            ResultPath="$.a.b",
            Catch=[
                {"ErrorEquals": ["States.ResultPathMatchFailure"], "Next": "B", "ResultPath": "$.e"}
            ],
        ),
        {"a": "text"},
        DONE,
        {
            "a": "text",
            "e": {
                "state_name": "A",
                "exception": "States.ResultPathMatchFailure",
                "cause": "$.a.b: 'b' cannot be put into a string",
            },
        },
        "B",
    ),
    Ends(
        "10",
        "a result that is too large is caught",
        action(Catch=[{"ErrorEquals": ["States.Runtime"], "Next": "B", "ResultPath": "$.e"}]),
        {"a": 1},
        {**DONE, "details": "x" * 200_000},
        {
            "a": 1,
            "e": {
                "state_name": "A",
                "exception": "States.Runtime",
                "cause": "the payload is too large: 200296 bytes of JSON, and at most 200000 are "
                "allowed; pass paths of files instead of their content",
            },
        },
        "B",
    ),
]


def told(name: str, cause: Any = "why") -> dict[str, Any]:
    return {"state_name": "A", "exception": name, "cause": cause}


def catcher(*names: str, to: str = "B", path: str | None = "$.e") -> dict[str, Any]:
    return {"ErrorEquals": list(names), "Next": to, **({"ResultPath": path} if path else {})}


NAMES = (
    "ActionUnableToRun",
    "ActionFailedException",
    "ActionTimeout",
    "States.Runtime",
    "States.ParameterPathFailure",
    "States.ResultPathMatchFailure",
    "States.IntrinsicFailure",
    "NoTokenException",
    "EndpointError",
)
CATCH = [
    *(
        Raises(
            "7.1",
            f"{name} is caught by its name",
            [catcher(name)],
            (name, "why"),
            {"a": 1, "e": told(name)},
            "B",
        )
        for name in NAMES
    ),
    *(
        Raises(
            "7.1",
            f"{name} is caught by States.ALL",
            [catcher("States.ALL")],
            (name, "why"),
            {"a": 1, "e": told(name)},
            "B",
        )
        for name in NAMES
    ),
    Raises(
        "7.1",
        "States.All, as Gladier writes it",
        [catcher("States.All")],
        ("x", "why"),
        {"a": 1, "e": told("x")},
        "B",
    ),
    Raises(
        "7.1",
        "no other spelling",
        [catcher("states.all", "STATES.ALL", "*")],
        ("x", "why"),
        StateError("x", "why", "A"),
    ),
    Raises("7.2", "nobody catches", None, ("x", "why"), StateError("x", "why", "A")),
    Raises("7.2", "it is not named", [catcher("y")], ("x", "why"), StateError("x", "why", "A")),
    Raises(
        "7.2",
        "names are whole",
        [catcher("ActionTime", "ActionTimeout2")],
        ("ActionTimeout", 1),
        StateError("ActionTimeout", 1, "A"),
    ),
    Raises(
        "7.2",
        "one of several names",
        [catcher("y", "x")],
        ("x", "why"),
        {"a": 1, "e": told("x")},
        "B",
    ),
    Raises(
        "23.6",
        "the first that names it",
        [catcher("y"), catcher("x"), catcher("x", to="C")],
        ("x", "why"),
        {"a": 1, "e": told("x")},
        "B",
    ),
    Raises(
        "23.6",
        "States.ALL before the name",
        [catcher("States.ALL", to="C"), catcher("x")],
        ("x", "why"),
        {"a": 1, "e": told("x")},
        "C",
    ),
    Raises(
        "7.2",
        "without ResultPath it replaces the payload",
        [catcher("x", path=None)],
        ("x", "why"),
        told("x"),
        "B",
    ),
    Raises(
        "4.2",
        "ResultPath $ replaces the payload",
        [catcher("x", path="$")],
        ("x", "why"),
        told("x"),
        "B",
    ),
    Raises(
        "7.2",
        "ResultPath below",
        [catcher("x", path="$.e.f")],
        ("x", {"c": 1}),
        {"a": 1, "e": {"f": told("x", {"c": 1})}},
        "B",
    ),
    Raises(
        "4.2",
        "a catcher that cannot place it",
        [catcher("x", path="$.a.b"), catcher("States.ALL")],
        ("x", "why"),
        StateError("States.ResultPathMatchFailure", "$.a.b: 'b' cannot be put into a number", "A"),
    ),
    Raises(
        "7.2",
        "it may lead back",
        [catcher("x", to="A")],
        ("x", "why"),
        {"a": 1, "e": told("x")},
        "A",
    ),
    Fails(
        "7.2",
        "States.ALL takes no Fail",
        {"Type": "Fail", "Error": "x", "Cause": "c"},
        {},
        "x",
        "c",
    ),
]

CASES: list[Case] = [*ACTIONS, *CATCH]
