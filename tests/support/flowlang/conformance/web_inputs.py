"""Sections 3.7 and 21: web inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.flowlang import StateError
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.providers import body_problems, provider_of
from headrace.flowlang.web_inputs import (
    EXPIRED,
    context_of,
    input_schema,
    option_id,
    options_of,
    repeated_value,
)
from tests.support.flowlang.conformance.case import (
    END,
    Accepted,
    Becomes,
    Calls,
    Case,
    Ends,
    Raises,
    Refused,
)
from tests.support.flowlang.flow_builders import HELLO, action, flow
from tests.support.ids import an_id

UUID = an_id("some flow")
URN = f"urn:globus:auth:identity:{UUID}"
EXTRA, MISSING = "value_error.extra", "value_error.missing"
PROVIDER = {"Type": "ActionProvider", "Url": HELLO}
REGISTERED = {"Type": "RegisteredAPI", "Id": UUID}
HANDLE = "urn:globus:flows:handle:globus:GROUPS.LIST_MY_GROUPS"
HANDLER = ["States", "A", "Handler"]
CREATE = {
    "Type": "CreateWebInput",
    "Parameters": {
        "InputType": "Selection",
        "Context": {"Title.$": "$.title"},
        "Options": [{"Value.=": "first", "Label": "First"}],
    },
    "ResultPath": "$.q",
    "End": True,
}
AWAIT = {
    "Type": "AwaitWebInput",
    "Parameters": {"web_input_id.$": "$.q.web_input_id"},
    "ResultPath": "$.a",
    "End": True,
}


def handled(handler: Any, **more: Any) -> dict[str, Any]:
    return action(ActionUrl=None, Handler=handler, **more)


def refused(
    name: str, handler: Any, where: list[Any], message: str, kind: str = "value_error"
) -> Case:
    return Refused(
        "3.1", f"Handler: {name}", flow(A=handled(handler)), [*HANDLER, *where], message, kind
    )


STATES = [
    Accepted("3.7", "CreateWebInput", flow(A=CREATE)),
    Accepted("3.7", "AwaitWebInput", flow(A=AWAIT)),
    Accepted(
        "3.7",
        "InputPath",
        flow(A={"Type": "CreateWebInput", "InputPath": "$.question", "End": True}),
    ),
    Accepted("3.7", "no input is said", flow(A={"Type": "AwaitWebInput", "End": True})),
    Accepted(
        "3.7",
        "Catch",
        flow(A={**AWAIT, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}, B=END),
    ),
    *(
        Refused(
            "3.7",
            f"{name} on CreateWebInput",
            flow(A={**CREATE, name: value}),
            ["States", "A", name],
            "extra",
            EXTRA,
        )
        for name, value in {
            "WaitTime": 60,
            "RunAs": "Flow",
            "ActionUrl": HELLO,
            "ExceptionOnActionFailure": True,
            "Handler": REGISTERED,
        }.items()
    ),
    Refused(
        "3.7",
        "Parameters and InputPath",
        flow(A={**AWAIT, "InputPath": "$.a"}),
        ["States", "A"],
        "mutually exclusive",
    ),
    Calls(
        "3.7",
        "what CreateWebInput asks",
        CREATE,
        {"title": "Go on?", "first": "yes"},
        {
            "url": "urn:headrace:web-input:create",
            "run_as": "User",
            "scope": None,
            "body": {
                "InputType": "Selection",
                "Context": {"Title": "Go on?"},
                "Options": [{"Value": "yes", "Label": "First"}],
            },
        },
    ),
    Calls(
        "3.7",
        "what AwaitWebInput asks",
        AWAIT,
        {"q": {"web_input_id": "w"}},
        {"url": "urn:headrace:web-input:await", "body": {"web_input_id": "w"}},
    ),
    Calls(
        "23.2",
        "people may take a year",
        AWAIT,
        {"q": {"web_input_id": "w"}},
        {"wait_time": 31_536_000},
    ),
    Calls(
        "3.7",
        "the whole payload where no input is said",
        {"Type": "AwaitWebInput", "End": True},
        {"web_input_id": "w"},
        {"body": {"web_input_id": "w"}},
    ),
    Ends(
        "3.7",
        "the question is placed bare",
        CREATE,
        {"x": 1},
        {"status": "SUCCEEDED", "details": {"web_input_id": "w"}},
        {"x": 1, "q": {"web_input_id": "w"}},
    ),
    Ends(
        "3.7",
        "the answer is placed bare",
        AWAIT,
        {},
        {"status": "SUCCEEDED", "details": {"response": "yes"}},
        {"a": {"response": "yes"}},
    ),
    Ends(
        "3.7",
        "a question that cannot be put",
        CREATE,
        {},
        {"status": "FAILED", "details": {"code": "x"}},
        StateError("ActionUnableToRun", {"code": "x"}, "A"),
    ),
    Raises(
        "3.7",
        "a failure of a web input is caught",
        [{"ErrorEquals": ["ActionTimeout"], "Next": "B", "ResultPath": "$.e"}],
        ("ActionTimeout", {}),
        {"a": 1, "e": {"state_name": "A", "exception": "ActionTimeout", "cause": {}}},
        "B",
        state={**AWAIT, "ActionUrl": None},
    ),
    Ends(
        "3.7",
        "nobody answers in time",
        AWAIT,
        {},
        {"status": "FAILED", "details": {"exception": EXPIRED, "cause": "late"}},
        StateError("Flows.WebInputExpired", "late", "A"),
    ),
    Raises(
        "3.7",
        "that nobody answered in time is caught",
        [{"ErrorEquals": [EXPIRED], "Next": "B", "ResultPath": "$.e"}],
        (EXPIRED, "late"),
        {"a": 1, "e": {"state_name": "A", "exception": EXPIRED, "cause": "late"}},
        "B",
        state={**AWAIT, "ActionUrl": None},
    ),
    Becomes(
        "21",
        "an answer is compared as any member",
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a.response", "StringEquals": "yes", "Next": "B"}],
        },
        {"a": {"response": "yes"}},
        {"a": {"response": "yes"}},
        "B",
    ),
]


@dataclass(frozen=True)
class Body(Case):
    """The body of a web input's state, and what is said against it."""

    body: Any
    expected: list[str]
    awaits: bool = False

    def check(self) -> None:
        provider = provider_of(AWAIT_WEB_INPUT if self.awaits else CREATE_WEB_INPUT)
        assert provider is not None
        found = body_problems(provider, self.body)
        assert [problem.where for problem in found] == self.expected
        assert all(problem.message for problem in found)


@dataclass(frozen=True)
class Repeated(Case):
    """Whether two options have one value."""

    values: list[str]
    repeated: str | None

    def check(self) -> None:
        options = [{"Value": value, "Label": "A"} for value in self.values]
        assert repeated_value({**BODY, "Options": options}) == self.repeated


@dataclass(frozen=True)
class Resource(Case):
    """What the resource shows of a body."""

    body: dict[str, Any]
    context: dict[str, Any]
    options: list[dict[str, Any]]

    def check(self) -> None:
        assert context_of(self.body) == self.context
        options = options_of(UUID, self.body)
        assert options == self.options
        schema = input_schema(options)
        assert schema["type"] == "string"
        assert [one["const"] for one in schema["oneOf"]] == [o["option_id"] for o in options]
        assert [one["title"] for one in schema["oneOf"]] == [o["label"] for o in options]


TEXT = {"Title": "Go on?", "PresentationStyle": "Text", "Text": "All is well."}
TABLE = {
    "Title": "Go on?",
    "PresentationStyle": "Table",
    "Rows": [{"Field": "misfit", "Value": 0.1}],
}
YES_NO = [
    {"Value": "yes", "Label": "Yes"},
    {"Value": "stop", "Label": "No", "Description": "End here."},
]
BODY = {"InputType": "Selection", "Context": TEXT, "Options": YES_NO}
OPTION = {"Value": "a", "Label": "A"}


def body(name: str, changes: dict[str, Any], *expected: str) -> Case:
    changed = {key: value for key, value in {**BODY, **changes}.items() if value is not ...}
    return Body("21", f"web input: {name}", changed, list(expected))


BODIES = [
    body("as text", {}),
    body("as a table", {"Context": TABLE}),
    body("the least", {"Context": {"Title": "t"}, "Options": [OPTION]}),
    body("everything", {"RespondentUrns": [URN, URN.replace("auth:identity", "groups:id")]}),
    body(
        "a group as the service's examples write it",
        {"RespondentUrns": [URN.replace("auth:identity", "group:id")]},
    ),
    body("nobody is named", {"RespondentUrns": []}),
    Body("21", "web input: no object", [], ["the body"]),
    body("no type of input", {"InputType": ...}, "InputType"),
    body("no context", {"Context": ...}, "Context"),
    body("no options", {"Options": ...}, "Options"),
    body("another member", {"colour": "red"}, "colour"),
    body("a member of the resource", {"roles": {}}, "roles"),
    body("another type of input", {"InputType": "selection"}, "InputType"),
    body("context is no object", {"Context": "t"}, "Context"),
    body("no title", {"Context": {"Text": "t"}}, "Context.Title"),
    body(
        "an empty title",
        {"Context": {"Title": ""}},
        "Context.Title",
    ),
    body(
        "unknown style",
        {"Context": {"Title": "t", "PresentationStyle": "table"}},
        "Context.PresentationStyle",
    ),
    body("rows beside text", {"Context": {**TEXT, "Rows": []}}, "Context.Rows"),
    body(
        "a table without rows",
        {"Context": {"Title": "t", "PresentationStyle": "Table"}},
        "Context.Rows",
    ),
    body(
        "a row without value",
        {"Context": {**TABLE, "Rows": [{"Field": "f"}]}},
        "Context.Rows[0].Value",
    ),
    body(
        "rows are no array",
        {"Context": {**TABLE, "Rows": {}}},
        "Context.Rows",
    ),
    body("no option", {"Options": []}, "Options"),
    body("options are no array", {"Options": "yes"}, "Options"),
    body("an option without label", {"Options": [{"Value": "a"}]}, "Options[0].Label"),
    body("an option without value", {"Options": [{"Label": "a"}]}, "Options[0].Value"),
    body(
        "a value that is no string",
        {"Options": [{**OPTION, "Value": 1}]},
        "Options[0].Value",
    ),
    body("no description after all", {"Options": [{**OPTION, "Description": None}]}),
    body(
        "an option with another member",
        {"Options": [{**OPTION, "option_id": UUID}]},
        "Options[0].option_id",
    ),
    body(
        "a respondent that is no principal",
        {"RespondentUrns": ["ada"]},
        "RespondentUrns[0]",
    ),
    body("respondents are no array", {"RespondentUrns": URN}, "RespondentUrns"),
    Body("3.7", "AwaitWebInput: an id", {"web_input_id": UUID}, [], True),
    Body("3.7", "AwaitWebInput: no id", {}, ["web_input_id"], True),
    Body(
        "3.7",
        "AwaitWebInput: a number",
        {"web_input_id": 7},
        ["web_input_id"],
        True,
    ),
    Body(
        "3.7",
        "AwaitWebInput: another member",
        {"web_input_id": "w", "Seconds": 1},
        ["Seconds"],
        True,
    ),
    Repeated("21", "options of different values", ["a", "b"], None),
    Repeated("21", "two options alike", ["a", "b", "a"], "a"),
    body("a text beside a table", {"Context": {**TABLE, "Text": "t"}}, "Context.Text"),
    Resource(
        "21",
        "an option has an id of its own, and its value is not shown",
        BODY,
        {"title": "Go on?", "presentation_style": "text", "text": "All is well."},
        [
            {"option_id": option_id(UUID, "yes"), "label": "Yes", "description": None},
            {"option_id": option_id(UUID, "stop"), "label": "No", "description": "End here."},
        ],
    ),
    Resource(
        "21",
        "a table",
        {**BODY, "Context": TABLE, "Options": [OPTION]},
        {
            "title": "Go on?",
            "presentation_style": "table",
            "rows": [{"field": "misfit", "value": 0.1}],
        },
        [{"option_id": option_id(UUID, "a"), "label": "A", "description": None}],
    ),
]

CASES: list[Case] = [*STATES, *BODIES]
