"""Placing by paths: nothing that is given is changed, and the rest is shared."""

from __future__ import annotations

import copy

import pytest

from headrace.flowlang import MISSING, Path, PathError, Payload, TooLargeError, compile_path
from headrace.flowlang.paths import compile_reference


def test_placing_copies_only_what_is_on_the_way() -> None:
    payload = {"large": {"a": 1}, "small": {"list": [{}, {"x": 0}]}}
    before = copy.deepcopy(payload)
    placed = compile_reference("$.small.list[1].x").place(payload, 1)
    assert placed == {"large": {"a": 1}, "small": {"list": [{}, {"x": 1}]}}
    assert placed["large"] is payload["large"]
    assert placed["small"]["list"][0] is payload["small"]["list"][0]
    assert payload == before


def test_only_an_object_replaces_the_payload() -> None:
    with pytest.raises(PathError, match="must be an object, not an array"):
        compile_reference("$").place({}, [1])


@pytest.mark.parametrize("text", ["$._context", "$._context.x", "$.a[1:]", "$.a[*]", "$.*", "$[0]"])
def test_a_reference_path_names_one_writable_place(text: str) -> None:
    with pytest.raises(PathError):
        compile_reference(text)


@pytest.mark.parametrize(
    "text", ["$.a[" + "9" * 5000 + "]", "$" + ".a" * 65, "$." + "b" * 300 + " "]
)
def test_a_malformed_path_is_told_in_one_short_line(text: str) -> None:
    with pytest.raises(PathError) as caught:
        compile_path(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_a_path_knows_whether_it_leads_to_one_place_and_into_the_context() -> None:
    def facts(path: Path) -> tuple[bool, bool]:
        return path.is_single, path.reads_context

    assert facts(compile_path("$.a[0]['b']")) == (True, False)
    assert facts(compile_path("$.a[*]")) == (False, False)
    assert facts(compile_path("$._context.identities[1:]")) == (False, True)
    assert not MISSING


def test_a_payload_measures_what_it_places() -> None:
    payload = Payload.of({"a": "é", "l": [1]})
    placed = payload.place(compile_reference("$.b.c"), {"d": "\u2028"})
    assert placed == Payload.of({"a": "é", "l": [1], "b": {"c": {"d": "\u2028"}}})
    assert payload.value == {"a": "é", "l": [1]}


def test_a_payload_refuses_what_is_too_large_or_too_deep() -> None:
    deep: list[object] = []
    for _ in range(70):
        deep = [deep]
    with pytest.raises(TooLargeError, match="64 levels"):
        Payload.of({}).place(compile_reference("$.a"), deep)
    with pytest.raises(TooLargeError, match="200000"):
        Payload.of({"a": "x" * 150_000}).place(compile_reference("$.b"), "x" * 50_000)
