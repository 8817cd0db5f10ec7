"""Sections 3.1, 7.1 and 20: handlers of every form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.flowlang import StateError
from headrace.flowlang.action_urls import registered_api
from tests.support.flowlang.conformance.case import Accepted, Calls, Case, Ends, Refused
from tests.support.flowlang.flow_builders import HELLO, action, flow
from tests.support.ids import an_id

UUID = an_id("some flow")
URN = f"urn:globus:auth:identity:{UUID}"
EXTRA, MISSING = "value_error.extra", "value_error.missing"
PROVIDER = {"Type": "ActionProvider", "Url": HELLO}
REGISTERED = {"Type": "RegisteredAPI", "Id": UUID}
HANDLE = "urn:globus:flows:handle:globus:GROUPS.LIST_MY_GROUPS"
HANDLER = ["States", "A", "Handler"]


def handled(handler: Any, **more: Any) -> dict[str, Any]:
    return action(ActionUrl=None, Handler=handler, **more)


def refused(
    name: str, handler: Any, where: list[Any], message: str, kind: str = "value_error"
) -> Case:
    return Refused(
        "3.1", f"Handler: {name}", flow(A=handled(handler)), [*HANDLER, *where], message, kind
    )


HANDLERS = [
    Accepted("3.1", "Handler of an action provider", flow(A=handled({**PROVIDER, "Scope": "s"}))),
    Accepted("20", "a registered API", flow(A=handled(REGISTERED))),
    Accepted("20", "a hosted handle", flow(A=handled(HANDLE))),
    Accepted(
        "20",
        "a registered API may fail",
        flow(A=handled(REGISTERED, ExceptionOnActionFailure=False)),
    ),
    Calls(
        "3.1",
        "Handler of an action provider: its URL and scope",
        handled({**PROVIDER, "Scope": "s"}),
        {},
        {"url": HELLO, "scope": "s", "wait_time": 300},
    ),
    Calls(
        "20",
        "a registered API is addressed by its id",
        handled(REGISTERED, Parameters={"path": {"x.$": "$.x"}}),
        {"x": 1},
        {
            "url": f"urn:globus:flows:registered-api:{UUID}",
            "scope": None,
            "body": {"path": {"x": 1}},
        },
    ),
    Calls(
        "20",
        "a handle is addressed by its URN",
        handled(HANDLE, WaitTime=9),
        {},
        {"url": HANDLE, "wait_time": 9},
    ),
    Refused(
        "12.8",
        "ActionUrl and Handler",
        flow(A=action(Handler=PROVIDER)),
        ["States", "A"],
        "exactly one of ActionUrl",
    ),
    Refused(
        "3.1",
        "ActionScope beside Handler",
        flow(A=handled(PROVIDER, ActionScope="s")),
        ["States", "A", "ActionScope"],
        "'Scope'",
    ),
    refused("unknown Type", {"Type": "Lambda"}, [], "RegisteredAPI"),
    refused("no Type", {"Url": HELLO}, [], "ActionProvider"),
    refused("a number", 7, [], "handle's URN"),
    refused("no Url", {"Type": "ActionProvider"}, ["Url"], "field required", MISSING),
    refused(
        "Url is no string", {"Type": "ActionProvider", "Url": 1}, ["Url"], "str", "type_error.str"
    ),
    refused("http", {"Type": "ActionProvider", "Url": "http://example.org"}, ["Url"], "https://"),
    refused("Scope is no string", {**PROVIDER, "Scope": 1}, ["Scope"], "str", "type_error.str"),
    refused("another key", {**PROVIDER, "Id": UUID}, ["Id"], "extra", EXTRA),
    refused("Scope of a registered API", {**REGISTERED, "Scope": "s"}, ["Scope"], "extra", EXTRA),
    refused("no Id", {"Type": "RegisteredAPI"}, ["Id"], "field required", MISSING),
    refused(
        "Id is no UUID", {"Type": "RegisteredAPI", "Id": "mine"}, ["Id"], "uuid", "type_error.uuid"
    ),
    refused("a URN of another kind", URN, [], "urn:globus:flows:handle:"),
    refused(
        "a handle without a route", "urn:globus:flows:handle:globus:GROUPS", [], "SERVICE.ROUTE"
    ),
]

RESULTS = [
    Ends(
        "20",
        "the answer is placed bare",
        handled(REGISTERED),
        {},
        {"status": "SUCCEEDED", "details": {"n": 1}},
        {"r": {"n": 1}},
    ),
    Ends(
        "20",
        "an answer of any type",
        handled(HANDLE),
        {},
        {"status": "SUCCEEDED", "details": [1, None]},
        {"r": [1, None]},
    ),
    Ends(
        "20",
        "an action provider's is not",
        handled(PROVIDER),
        {},
        {"status": "SUCCEEDED", "details": {}},
        {"r": {"status": "SUCCEEDED", "details": {}, "state_name": "A"}},
    ),
    Ends(
        "20",
        "the template names the exception",
        handled(REGISTERED),
        {},
        {"status": "FAILED", "details": {"exception": "NoSuchGroup", "cause": {"id": 7}}},
        StateError("NoSuchGroup", {"id": 7}, "A"),
    ),
    Ends(
        "20",
        "the default template",
        handled(REGISTERED),
        {},
        {"status": "FAILED", "details": {"exception": "ActionUnableToRun", "cause": "body"}},
        StateError("ActionUnableToRun", "body", "A"),
    ),
    Ends(
        "20",
        "a template that names none",
        handled(REGISTERED),
        {},
        {"status": "FAILED", "details": "gone"},
        StateError("ActionUnableToRun", "gone", "A"),
    ),
    Ends(
        "20",
        "its exception is caught by name",
        handled(
            REGISTERED, Catch=[{"ErrorEquals": ["NoSuchGroup"], "Next": "B", "ResultPath": "$.e"}]
        ),
        {},
        {"status": "FAILED", "details": {"exception": "NoSuchGroup", "cause": 1}},
        {"e": {"state_name": "A", "exception": "NoSuchGroup", "cause": 1}},
        "B",
    ),
    Ends(
        "3.1",
        "a failure as a result",
        handled(REGISTERED, ExceptionOnActionFailure=False),
        {},
        {"status": "FAILED", "details": {"exception": "NoSuchGroup", "cause": 1}},
        {"r": {"exception": "NoSuchGroup", "cause": 1}},
    ),
    Ends(
        "7.1",
        "what could not run is no result",
        handled(REGISTERED, ExceptionOnActionFailure=False),
        {},
        {"status": "FAILED", "details": {"exception": "ActionUnableToRun", "cause": 1}},
        StateError("ActionUnableToRun", 1, "A"),
    ),
]


@dataclass(frozen=True)
class Address(Case):
    """Which registered API an address names."""

    url: str
    expected: str | None

    def check(self) -> None:
        assert registered_api(self.url) == self.expected


ADDRESSES = [
    Address(
        "20",
        "the id in a registered API's address",
        f"urn:globus:flows:registered-api:{UUID}",
        UUID,
    ),
    Address("20", "an action provider's address names none", HELLO, None),
]

CASES: list[Case] = [*HANDLERS, *RESULTS, *ADDRESSES]
