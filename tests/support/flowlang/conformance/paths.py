"""Section 4.1, 4.2 and 4.5: what paths lead to, where results go, and the context."""

from __future__ import annotations

from typing import Any

from tests.support.flowlang.conformance.case import (
    CONTEXT,
    END,
    Becomes,
    Case,
    Fails,
    NoPath,
    Reads,
)

PAYLOAD: dict[str, Any] = {
    "a": {"b": 1, "with space": 2, "quote'd": 3, "none": None, "0": "zero"},
    "list": [{"n": 1}, {"n": 2}, {"m": 3}],
    "deep": [[1, 2], [3]],
    "foo-bar": True,
    "größe": 7,
    "_context": "a member of this name is hidden by the context",
}


def reads(name: str, path: str, expected: Any, section: str = "4.1") -> Case:
    return Reads(section, f"path: {name}", path, PAYLOAD, expected)


PATHS = [
    reads("a member", "$.foo-bar", True),
    reads("a member of a member", "$.a.b", 1),
    reads("a name of other letters", "$.größe", 7),
    reads("quoted", "$['a']['with space']", 2),
    reads("double-quoted", '$["a"]["b"]', 1),
    reads("an escaped quote", r"$.a['quote\'d']", 3),
    reads("a name of digits", "$.a['0']", "zero"),
    reads("a name of digits, dotted", "$.a.0", "zero"),
    reads("null is there", "$.a.none", None),
    reads("an item", "$.list[0].n", 1),
    reads("an item from the end", "$.list[-1].m", 3),
    reads("an item of an item", "$.deep[0][1]", 2),
    reads("a slice", "$.list[1:]", [{"n": 2}, {"m": 3}], "3.3"),
    reads("a slice to", "$.list[:1]", [{"n": 1}], "3.3"),
    reads("a slice with a step", "$.list[::2]", [{"n": 1}, {"m": 3}], "3.3"),
    reads("a slice of nothing is empty", "$.list[5:]", [], "3.3"),
    reads("a slice, then a name: a list even of one", "$.list[:1].n", [1], "23.1"),
    reads("a wildcard leaves out what lacks the name", "$.list[*].n", [1, 2], "23.1"),
    reads("a wildcard over members", "$.list[0].*", [1], "23.1"),
    reads("two wildcards", "$.deep[*][*]", [1, 2, 3], "23.1"),
    reads("an item of each", "$.deep[*][1]", [2], "23.1"),
    reads("absent", "$.a.absent", ...),
    reads("an absent item", "$.list[3]", ...),
    reads("an absent item from the end", "$.list[-4]", ...),
    reads("a member of a number", "$.a.b.c", ...),
    reads("a member of a list", "$.list.n", ...),
    reads("an item of an object", "$.a[0]", ...),
    reads("an item of a string", "$._context.run_id[0]", ...),
    reads("a slice of what is absent", "$.absent[1:]", ...),
    reads("a slice of a number", "$.a.b[1:]", ...),
    reads("a slice of an object, later on", "$.list[*][1:]", [], "23.1"),
    NoPath("4.1", "no path: empty", "", "begins with '$.'"),
    NoPath("4.1", "no path: a name", "a.b", "begins with '$.'"),
    NoPath("4.1", "no path: no dot", "$a", "not a path from 'a' on"),
    NoPath("4.1", "no path: ends with a dot", "$.a.", "not a path from '.' on"),
    NoPath("4.1", "no path: at any depth", "$..a", "'..' (at any depth) is not supported"),
    NoPath("4.1", "no path: a filter", "$.a[?(@.b)]", "filters are not supported"),
    NoPath("4.1", "no path: a script", "$.a[(@.length-1)]", "filters are not supported"),
    NoPath("4.1", "no path: a union", "$.a[0,1]", "not a path from '[0,1]' on"),
    NoPath("4.1", "no path: an open bracket", "$.a['b]", "not a path"),
    NoPath("4.1", "no path: a blank", "$.a b", "['name']"),
    NoPath("4.1", "no path: a function", "$.a.length()", "not a path from '()' on"),
    NoPath("4.1", "no path: a step of 0", "$.a[::0]", "cannot be 0"),
    NoPath("2", "no path: $$ of ASL", "$$.Execution.Id", "$._context"),
    NoPath("2", "no path: States.Format of ASL", "States.Format('{}', $.a)", "begins with '$.'"),
    NoPath("23.3", "no path: 65 steps", "$" + ".a" * 65, "more than 64 steps"),
]

_IN_CONTEXT = {
    "flow_id": "f-1",
    "run_id": "r-1",
    "username": "ada@example.org",
    "email": "ada@example.org",
    "user_id": CONTEXT["user_id"],
    "identities[0]": CONTEXT["user_id"],
    "token_info.exp": 30,
    "token_info.iat": 10,
    "token_info.nbf": 20,
}
CONTEXT_CASES = [
    *(
        reads(f"_context.{name}", f"$._context.{name}", value, "4.5")
        for name, value in _IN_CONTEXT.items()
    ),
    reads("the whole context", "$._context", CONTEXT, "4.5"),
    reads("what the context has not", "$._context.flow_title", ..., "4.5"),
    Becomes(
        "4.5",
        "the context in parameters",
        {**END, "Parameters": {"r.$": "$._context.run_id", "f.=": "_context.flow_id"}},
        {},
        {"r": "r-1", "f": "f-1"},
    ),
    Becomes(
        "4.5",
        "the context hides a member of its name",
        {**END, "Parameters": {"a.=": "_context.run_id"}},
        {"_context": {"run_id": "x"}},
        {"a": "r-1"},
    ),
    Becomes(
        "4.5",
        "the context as InputPath",
        {**END, "InputPath": "$._context.token_info", "ResultPath": "$.t"},
        {},
        {"t": CONTEXT["token_info"]},
    ),
]


def placed(name: str, path: str, payload: dict[str, Any], expected: dict[str, Any]) -> Case:
    state = {"Type": "ExpressionEval", "Parameters": {"v": 1}, "ResultPath": path, "End": True}
    return Becomes("4.2", f"ResultPath: {name}", state, payload, expected)


def cannot_be_placed(name: str, path: str, payload: dict[str, Any], cause: str) -> Case:
    state = {"Type": "ExpressionEval", "Parameters": {"v": 1}, "ResultPath": path, "End": True}
    return Fails(
        "4.2", f"ResultPath: {name}", state, payload, "States.ResultPathMatchFailure", f"...{cause}"
    )


RESULT_PATHS = [
    placed("the whole payload", "$", {"a": 1}, {"v": 1}),
    placed("into an empty payload", "$.a", {}, {"a": {"v": 1}}),
    placed("a new member", "$.b", {"a": 1}, {"a": 1, "b": {"v": 1}}),
    placed("a member is replaced", "$.a", {"a": {"x": 1}, "b": 2}, {"a": {"v": 1}, "b": 2}),
    placed("objects on the way are made", "$.a.b.c", {}, {"a": {"b": {"c": {"v": 1}}}}),
    placed(
        "objects on the way are kept", "$.a.b", {"a": {"x": "é"}}, {"a": {"x": "é", "b": {"v": 1}}}
    ),
    placed("an item", "$.l[1].r", {"l": [0, {}]}, {"l": [0, {"r": {"v": 1}}]}),
    placed("an item from the end", "$.l[-1]", {"l": [0, 1]}, {"l": [0, {"v": 1}]}),
    placed("quoted", "$['a b']['c.d']", {}, {"a b": {"c.d": {"v": 1}}}),
    placed("null on the way is made an object", "$.a.b", {"a": None}, {"a": {"b": {"v": 1}}}),
    placed("null at the end", "$.a", {"a": None}, {"a": {"v": 1}}),
    placed("a longer name of two bytes a letter", "$.ä", {"a": 1}, {"a": 1, "ä": {"v": 1}}),
    cannot_be_placed("through a string", "$.a.b", {"a": "text"}, "'b' cannot be put into a string"),
    cannot_be_placed("through a number", "$.a.b", {"a": 1}, "'b' cannot be put into a number"),
    cannot_be_placed("a name of a list", "$.a.b", {"a": []}, "'b' cannot be put into an array"),
    cannot_be_placed(
        "an item of an object", "$.a[0]", {"a": {}}, "[0] cannot be put into an object"
    ),
    cannot_be_placed("an item that is not there", "$.a[1]", {"a": [1]}, "there is no item 1"),
    cannot_be_placed(
        "an item of what is absent", "$.a[0]", {}, "[0] cannot be put into what is not there"
    ),
]


CASES: list[Case] = [*PATHS, *CONTEXT_CASES, *RESULT_PATHS]
