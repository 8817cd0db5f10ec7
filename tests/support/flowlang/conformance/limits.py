"""Sections 10 and 14: how large things may be, and what flows and runs may be called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.flowlang import Payload
from tests.support.flowlang.conformance.case import END, Becomes, Case, Described, Fails
from tests.support.flowlang.flow_builders import action
from tests.support.ids import an_id

BIG = "x" * 120_000
TWICE = {**END, "ResultPath": "$.again"}


@dataclass(frozen=True)
class Size(Case):
    """How many bytes a payload has."""

    payload: dict[str, Any]
    size: int

    def check(self) -> None:
        assert Payload.of(self.payload).size == self.size


def deep(levels: int) -> dict[str, Any]:
    """A payload of so many levels."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


LIMITS = [
    Size("10", "an empty payload", {}, 2),
    Size("10", "no blanks", {"a": [1, 2.5, None, True]}, len('{"a":[1,2.5,null,true]}')),
    Size("10", "bytes of UTF-8", {"é": "€"}, len('{"":""}') + 2 + 3),
    Size("10", "what is escaped", {"a": '"\n\x01'}, len('{"a":""}') + 2 + 2 + 6),
    Becomes(
        "10",
        "a payload of 200,000 bytes",
        {**END, "Result": {"x": "y" * 199_992}},
        {},
        {"x": "y" * 199_992},
    ),
    Fails(
        "10",
        "a payload of 200,001 bytes",
        {**END, "Result": {"x": "y" * 199_993}},
        {},
        "States.Runtime",
        "the payload is too large: 200001 bytes of JSON, and at most 200000 are allowed; "
        "pass paths of files instead of their content",
    ),
    Fails(
        "10",
        "a payload that grows too large",
        TWICE,
        {"a": BIG},
        "States.Runtime",
        "...240025 bytes of JSON",
    ),
    Fails(
        "10",
        "bytes, not characters",
        TWICE,
        {"a": "€" * 40_000},
        "States.Runtime",
        "...at most 200000",
    ),
    Fails(
        "10",
        "many small values",
        TWICE,
        {"a": [[]] * 60_000},
        "States.Runtime",
        "...at most 200000",
    ),
    Becomes(
        "10",
        "a large payload that becomes small",
        {**END, "InputPath": "$.b"},
        {"a": BIG, "b": {}},
        {},
    ),
    Fails(
        "10",
        "a body beyond the limit",
        action(Parameters={"a.$": "$.a", "b.$": "$.a"}),
        {"a": BIG},
        "States.Runtime",
        "...the action's body is too large",
    ),
    Becomes(
        "23.3",
        "64 levels",
        {**END, "InputPath": "$.d", "ResultPath": "$.x"},
        {"d": deep(63)},
        {"d": deep(63), "x": deep(63)},
    ),
    Fails(
        "23.3", "65 levels", TWICE, {"d": deep(63)}, "States.Runtime", "...deeper than 64 levels"
    ),
    Fails(
        "23.3",
        "a body of 65 levels",
        action(Parameters={"o": {"a.$": "$.d"}}),
        {"d": deep(63)},
        "States.Runtime",
        "...deeper than 64 levels",
    ),
]

URN = f"urn:globus:auth:identity:{an_id('somebody')}"
GROUP = f"urn:globus:groups:id:{an_id('somebody')}"
LONG, SHORT = "value_error.any_str.max_length", "value_error.any_str.min_length"


def unrecognised(
    principal: str, role: str, allowed: str = "<AuthGroupUrn>, <AuthIdentityUrn>"
) -> str:
    return (
        f'Unrecognized principal string: "{principal}". '
        f'Allowed principal types in role "{role}": [{allowed}]'
    )


def described(
    name: str, document: dict[str, Any], *expected: tuple[list[Any], str, str], section: str = "10"
) -> Case:
    return Described(section, f"flow: {name}", document, list(expected))


def labelled(
    name: str, document: dict[str, Any], *expected: tuple[list[Any], str, str], section: str = "10"
) -> Case:
    return Described(section, f"run: {name}", document, list(expected), "run")


METADATA = [
    described(
        "everything at its limit",
        {
            "title": "t" * 128,
            "subtitle": "s" * 128,
            "description": "d" * 4096,
            "keywords": ["k" * 512] * 2,
            "flow_viewers": ["public", URN, GROUP],
            "flow_starters": ["all_authenticated_users"],
            "flow_administrators": [URN],
            "run_managers": [GROUP],
            "run_monitors": [],
            "definition": {},
            "input_schema": {},
        },
    ),
    described("nothing is said", {}),
    described(
        "null is none",
        {"subtitle": None, "description": None, "keywords": None, "flow_viewers": None},
    ),
    described(
        "an empty title",
        {"title": ""},
        (["title"], "ensure this value has at least 1 characters", SHORT),
    ),
    described(
        "a title of null", {"title": None}, (["title"], "str type expected", "type_error.str")
    ),
    described(
        "a long title",
        {"title": "t" * 129},
        (["title"], "ensure this value has at most 128 characters", LONG),
    ),
    described(
        "a long subtitle",
        {"subtitle": "t" * 129},
        (["subtitle"], "ensure this value has at most 128 characters", LONG),
    ),
    described(
        "a long description",
        {"description": "t" * 4097},
        (["description"], "ensure this value has at most 4096 characters", LONG),
    ),
    described(
        "keywords of 1,025 characters",
        {"keywords": ["k" * 1000, "k" * 25]},
        (["keywords"], "the keywords have 1025 characters, and at most 1024 may be", "value_error"),
    ),
    described(
        "a keyword that is no string",
        {"keywords": ["k", 1]},
        (["keywords", 1], "str type expected", "type_error.str"),
    ),
    described(
        "keywords that are no array",
        {"keywords": "k"},
        (["keywords"], "value is not a valid list", "type_error.list"),
    ),
    described(
        "an administrator that is a bare id",
        {"flow_administrators": [an_id("somebody")]},
        (
            ["flow_administrators", 0],
            unrecognised(an_id("somebody"), "FlowAdministrator"),
            "value_error",
        ),
        section="14",
    ),
    described(
        "the public does not administrate",
        {"flow_administrators": [URN, "public"]},
        (["flow_administrators", 1], unrecognised("public", "FlowAdministrator"), "value_error"),
        section="14",
    ),
    described(
        "the public does not start",
        {"flow_starters": ["public"]},
        (
            ["flow_starters", 0],
            unrecognised(
                "public",
                "FlowStarter",
                '<AuthGroupUrn>, <AuthIdentityUrn>, "all_authenticated_users"',
            ),
            "value_error",
        ),
        section="14",
    ),
    described("sixteen managers", {"run_managers": [URN[:-2] + f"{n:02x}" for n in range(16)] * 2}),
    described(
        "seventeen managers",
        {"run_managers": [URN[:-2] + f"{n:02x}" for n in range(17)]},
        (["run_managers"], "ensure this value has at most 16 items", "value_error.list.max_items"),
    ),
    labelled(
        "everything",
        {
            "label": "l" * 64,
            "tags": ["a b"],
            "run_managers": [URN],
            "run_monitors": [],
            "activity_notification_policy": {"status": ["INACTIVE", "FAILED", "SUCCEEDED"]},
            "body": {},
        },
    ),
    labelled(
        "null is none",
        {"label": None, "tags": None, "run_managers": None, "activity_notification_policy": None},
    ),
    labelled(
        "an empty label",
        {"label": ""},
        (["label"], "ensure this value has at least 1 characters", SHORT),
    ),
    labelled(
        "a long label",
        {"label": "l" * 65},
        (["label"], "ensure this value has at most 64 characters", LONG),
    ),
    labelled(
        "a label that is no string",
        {"label": 1},
        (["label"], "str type expected", "type_error.str"),
    ),
    labelled(
        "a tag of blanks",
        {"tags": ["a", "  "]},
        (["tags", 1], "ensure this value has at least 1 characters", SHORT),
    ),
    labelled("blanks of a tag do not count", {"tags": [" " * 99 + "a" * 100 + " " * 99]}),
    labelled(
        "a long tag",
        {"tags": ["a" * 129]},
        (["tags", 0], "ensure this value has at most 128 characters", LONG),
    ),
    labelled(
        "tags that are no array",
        {"tags": "a"},
        (["tags"], "value is not a valid list", "type_error.list"),
    ),
    labelled(
        "a monitor that is no principal",
        {"run_monitors": ["ada"]},
        (["run_monitors", 0], unrecognised("ada", "RunMonitor"), "value_error"),
        section="14",
    ),
    labelled(
        "a status that is not told of",
        {"activity_notification_policy": {"status": ["ACTIVE"]}},
        (
            ["activity_notification_policy", "status", 0],
            "value is not a valid enumeration member; permitted: 'INACTIVE', 'FAILED', 'SUCCEEDED'",
            "type_error.enum",
        ),
        section="8.3",
    ),
    labelled(
        "another member of the policy",
        {"activity_notification_policy": {"email": "x"}},
        (
            ["activity_notification_policy", "email"],
            "extra fields not permitted",
            "value_error.extra",
        ),
        section="8.3",
    ),
]

CASES: list[Case] = [*LIMITS, *METADATA]
