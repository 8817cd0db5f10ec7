"""Paths: section 4 of the Globus Flows reference."""

from __future__ import annotations

import copy

import pytest

from headrace.flowlang import MISSING, PathError, compile_path
from headrace.flowlang.paths import compile_reference

PAYLOAD = {
    "a": {"b": 1, "with space": 2, "quote'd": 3, "none": None},
    "list": [{"n": 1}, {"n": 2}, {"m": 3}],
    "foo-bar": True,
    "_context": "a member of this name is hidden by the context",
}
CONTEXT = {"run_id": "r", "token_info": {"exp": 1}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$", PAYLOAD, id="4.1 root"),
        pytest.param("$.a.b", 1, id="4.1 dotted"),
        pytest.param("$.foo-bar", True, id="4.1 hyphen"),
        pytest.param("$['a']['with space']", 2, id="4.1 quoted"),
        pytest.param('$["a"]["b"]', 1, id="4.1 double-quoted"),
        pytest.param(r"$.a['quote\'d']", 3, id="4.1 escaped quote"),
        pytest.param("$.list[0].n", 1, id="4.1 index"),
        pytest.param("$.list[-2].n", 2, id="4.1 index from the end"),
        pytest.param("$.list[1:]", [{"n": 2}, {"m": 3}], id="3.3 slice"),
        pytest.param("$.list[:1].n", [1], id="4.1 slice, then name: a list even of one"),
        pytest.param("$.list[*].n", [1, 2], id="4.1 wildcard leaves out what lacks the name"),
        pytest.param("$.list[5:]", [], id="4.1 empty slice"),
        pytest.param("$.a.none", None, id="4.1 null is there"),
        pytest.param("$.a.absent", MISSING, id="4.1 absent member"),
        pytest.param("$.list[3]", MISSING, id="4.1 absent item"),
        pytest.param("$.a.b.c", MISSING, id="4.1 member of a number"),
        pytest.param("$.absent[1:]", MISSING, id="4.1 slice of what is absent"),
        pytest.param("$.a.b[1:]", MISSING, id="4.1 slice of a number"),
        pytest.param("$._context.run_id", "r", id="4.5 context"),
        pytest.param("$._context.token_info.exp", 1, id="4.5 context, nested"),
        pytest.param("$._context.no", MISSING, id="4.5 absent in context"),
    ],
)
def test_a_path_reads(text: str, expected: object) -> None:
    assert compile_path(text).resolve(PAYLOAD, CONTEXT) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.b", "$a", "$.", "$.a.", "$.a..b", "$..a", "$.a[", "$.a[]", "$.a[x]", "$.a['b]"),
        *(
            "$.a[?(@.b)]",
            "$.a b",
            "$$.a",
            "$$",
            "$.a[::0]",
            "$.a[1:2:3:4]",
            "$.a.length()",
            "$.`a`",
        ),
        "$" + ".a" * 65,
        "$.a[" + "9" * 5000 + "]",
    ],
)
def test_a_malformed_path_is_one_clear_line(text: str) -> None:
    with pytest.raises(PathError) as caught:
        compile_path(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("$", {"v": 1}, id="4.2 the whole payload"),
        pytest.param("$.new", {"old": {"x": [0]}, "new": {"v": 1}}, id="4.2 new member"),
        pytest.param("$.old", {"old": {"v": 1}}, id="4.2 replaced member"),
        pytest.param("$.old.y", {"old": {"x": [0], "y": {"v": 1}}}, id="4.2 merged"),
        pytest.param("$.p.q.r", {"old": {"x": [0]}, "p": {"q": {"r": {"v": 1}}}}, id="4.2 made"),
        pytest.param("$.old.x[0]", {"old": {"x": [{"v": 1}]}}, id="4.2 item"),
        pytest.param("$['a b']", {"old": {"x": [0]}, "a b": {"v": 1}}, id="4.2 quoted"),
    ],
)
def test_a_reference_path_places_in_a_copy(text: str, expected: object) -> None:
    payload = {"old": {"x": [0]}}
    before = copy.deepcopy(payload)
    assert compile_reference(text).place(payload, {"v": 1}) == expected
    assert payload == before


def test_what_is_not_on_the_way_is_shared() -> None:
    payload = {"large": {"a": 1}, "small": {}}
    assert compile_reference("$.small.x").place(payload, 1)["large"] is payload["large"]


@pytest.mark.parametrize("text", ["$.a.b", "$.list[7]", "$.list.x", "$.a[0]"])
def test_what_cannot_be_placed_is_said(text: str) -> None:
    with pytest.raises(PathError):
        compile_reference(text).place({"a": "text", "list": [1]}, 1)


def test_only_an_object_replaces_the_payload() -> None:
    with pytest.raises(PathError):
        compile_reference("$").place({}, [1])


@pytest.mark.parametrize("text", ["$._context", "$._context.x", "$.a[1:]", "$.a[*]", "$[0]"])
def test_a_reference_path_names_one_writable_place(text: str) -> None:
    with pytest.raises(PathError):
        compile_reference(text)
