"""Sections 3.7 and 21: web inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flowlang.conformance.case import END, Accepted, Becomes, Calls, Case, Ends, Raises, Refused
from flowlang.flow_builders import HELLO, action, flow
from some_ids import an_id

from headrace.flowlang import StateError
from headrace.flowlang.web_inputs import (
    awaiting_entries,
    creation_entries,
    input_schema,
    options_of,
)

UUID = an_id("some flow")
URN = f"urn:globus:auth:identity:{UUID}"
EXTRA, MISSING = "value_error.extra", "value_error.missing"
PROVIDER = {"Type": "ActionProvider", "Url": HELLO}
REGISTERED = {"Type": "RegisteredAPI", "Id": UUID}
HANDLE = "urn:globus:flows:handle:globus:GROUPS.LIST_MY_GROUPS"
HANDLER = ["States", "A", "Handler"]
CREATE = {
    "Type": "CreateWebInput",
    "Parameters": {"context": {"title.$": "$.title"}, "options": [{"label.=": "first"}]},
    "ResultPath": "$.q",
    "End": True,
}
AWAIT = {
    "Type": "AwaitWebInput",
    "Parameters": {"WebInputId.$": "$.q.id"},
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
            "body": {"context": {"title": "Go on?"}, "options": [{"label": "yes"}]},
        },
    ),
    Calls(
        "3.7",
        "what AwaitWebInput asks",
        AWAIT,
        {"q": {"id": "w"}},
        {"url": "urn:headrace:web-input:await", "body": {"WebInputId": "w"}},
    ),
    Calls("23.2", "people may take a year", AWAIT, {"q": {"id": "w"}}, {"wait_time": 31_536_000}),
    Calls(
        "3.7",
        "the whole payload where no input is said",
        {"Type": "AwaitWebInput", "End": True},
        {"WebInputId": "w"},
        {"body": {"WebInputId": "w"}},
    ),
    Ends(
        "3.7",
        "the question is placed bare",
        CREATE,
        {"x": 1},
        {"status": "SUCCEEDED", "details": {"id": "w"}},
        {"x": 1, "q": {"id": "w"}},
    ),
    Ends(
        "3.7",
        "the answer is placed bare",
        AWAIT,
        {},
        {
            "status": "SUCCEEDED",
            "details": {"id": "w", "status": "closed", "response": {"value": "yes"}},
        },
        {"a": {"id": "w", "status": "closed", "response": {"value": "yes"}}},
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
    Becomes(
        "21",
        "an answer is compared as any member",
        {
            "Type": "Choice",
            "Choices": [{"Variable": "$.a.response.value", "StringEquals": "yes", "Next": "B"}],
        },
        {"a": {"response": {"value": "yes"}}},
        {"a": {"response": {"value": "yes"}}},
        "B",
    ),
]


@dataclass(frozen=True)
class Body(Case):
    """The body of a web input's state, and what is said against it."""

    body: Any
    expected: list[tuple[list[Any], str]]
    awaits: bool = False

    def check(self) -> None:
        entries = (awaiting_entries if self.awaits else creation_entries)(self.body)
        assert [(entry["loc"], entry["type"]) for entry in entries] == self.expected
        assert all(entry["msg"] for entry in entries)


@dataclass(frozen=True)
class Resource(Case):
    """What the resource shows of a body."""

    body: dict[str, Any]
    options: list[dict[str, Any]]

    def check(self) -> None:
        assert creation_entries(self.body) == []
        assert options_of(self.body) == self.options
        schema = input_schema(self.body)
        assert schema["type"] == "string"
        assert [one["const"] for one in schema["oneOf"]] == [o["option_id"] for o in self.options]
        assert [one["title"] for one in schema["oneOf"]] == [o["label"] for o in self.options]


TEXT = {"title": "Go on?", "presentation_style": "text", "text": "All is well."}
TABLE = {
    "title": "Go on?",
    "presentation_style": "table",
    "rows": [{"field": "misfit", "value": 0.1}],
}
YES_NO = [{"label": "yes"}, {"label": "no", "option_id": "stop", "description": "End here."}]
BODY = {"context": TEXT, "options": YES_NO}


def body(name: str, changes: dict[str, Any], *expected: tuple[list[Any], str]) -> Case:
    changed = {key: value for key, value in {**BODY, **changes}.items() if value is not ...}
    return Body("21", f"web input: {name}", changed, list(expected))


BODIES = [
    body("as text", {}),
    body("as a table", {"context": TABLE}),
    body("the least", {"context": {"title": "t"}, "options": [{"label": "ok"}]}),
    body(
        "everything",
        {"input_type": "selection", "roles": {"viewer_urns": [], "respondent_urns": [URN]}},
    ),
    Body("21", "web input: no object", [], [([], "type_error.dict")]),
    body("no context", {"context": ...}, (["context"], MISSING)),
    body("no options", {"options": ...}, (["options"], MISSING)),
    body("another member", {"colour": "red"}, (["colour"], EXTRA)),
    body("another type of input", {"input_type": "text"}, (["input_type"], "value_error")),
    body("context is no object", {"context": "t"}, (["context"], "type_error.dict")),
    body("no title", {"context": {"text": "t"}}, (["context", "title"], MISSING)),
    body(
        "an empty title",
        {"context": {"title": ""}},
        (["context", "title"], "value_error.any_str.min_length"),
    ),
    body(
        "unknown style",
        {"context": {"title": "t", "presentation_style": "list"}},
        (["context", "presentation_style"], "value_error"),
    ),
    body("rows beside text", {"context": {**TEXT, "rows": []}}, (["context", "rows"], EXTRA)),
    body(
        "a table without rows",
        {"context": {"title": "t", "presentation_style": "table"}},
        (["context", "rows"], MISSING),
    ),
    body(
        "a row without value",
        {"context": {**TABLE, "rows": [{"field": "f"}]}},
        (["context", "rows", 0, "value"], MISSING),
    ),
    body(
        "rows are no array",
        {"context": {**TABLE, "rows": {}}},
        (["context", "rows"], "type_error.list"),
    ),
    body("no option", {"options": []}, (["options"], "value_error.list.min_items")),
    body("options are no array", {"options": "yes"}, (["options"], "type_error.list")),
    body(
        "an option without label",
        {"options": [{"option_id": "a"}]},
        (["options", 0, "label"], MISSING),
    ),
    body(
        "a label that is no string",
        {"options": [{"label": 1}]},
        (["options", 0, "label"], "type_error.str"),
    ),
    body(
        "two options alike",
        {"options": [{"label": "a"}, {"label": "b", "option_id": "a"}]},
        (["options", 1], "value_error"),
    ),
    body(
        "an option with another member",
        {"options": [{"label": "a", "url": "u"}]},
        (["options", 0, "url"], EXTRA),
    ),
    body(
        "a respondent that is no principal",
        {"roles": {"respondent_urns": ["ada"]}},
        (["roles", "respondent_urns", 0], "value_error"),
    ),
    body("roles are no object", {"roles": []}, (["roles"], "type_error.dict")),
    Body("3.7", "AwaitWebInput: an id", {"WebInputId": UUID}, [], True),
    Body("3.7", "AwaitWebInput: no id", {}, [(["WebInputId"], MISSING)], True),
    Body(
        "3.7",
        "AwaitWebInput: a number",
        {"WebInputId": 7},
        [(["WebInputId"], "type_error.str")],
        True,
    ),
    Body(
        "3.7",
        "AwaitWebInput: another member",
        {"WebInputId": "w", "Seconds": 1},
        [(["Seconds"], EXTRA)],
        True,
    ),
    Resource(
        "21",
        "options without an id are known by their label",
        BODY,
        [
            {"option_id": "yes", "label": "yes", "description": None},
            {"option_id": "stop", "label": "no", "description": "End here."},
        ],
    ),
]

CASES: list[Case] = [*STATES, *BODIES]
