"""The one check of text and JSON: what it lets in, what it refuses, and how it says where."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.json_check import (
    MAX_DEPTH,
    InvalidValue,
    Limits,
    check_json,
    check_text,
    escaped,
    json_size,
    load_json,
)
from headrace._internal.terminal_text import INVISIBLE, terminal_text

UNICODE = st.text(st.characters(exclude_categories=["Cs"]))
ANY_TEXT = st.text(st.characters())
SOUND = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | UNICODE,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(UNICODE, inner, max_size=5),
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(ANY_TEXT, inner, max_size=5),
)
FAULTS = st.sampled_from(
    [math.nan, math.inf, -math.inf, "a\udcff", 10**5000, {1: 2}, {"\ud800": 1}, (1,), {2}, b"x"]
)


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def strict(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@given(SOUND)
def test_what_json_can_say_is_let_in_and_read_back(value: object) -> None:
    check_json(value, "body")
    assert load_json(strict(value), "body") == value
    assert escaped(value) is value


@given(st.lists(st.one_of(st.integers(0, 3), UNICODE), min_size=1, max_size=6), FAULTS)
def test_a_fault_at_any_place_is_refused_with_its_path(
    path: list[str | int], fault: object
) -> None:
    value = fault
    for step in reversed(path):
        value = [0] * step + [value] if isinstance(step, int) else {"other": 1, step: value}
    with pytest.raises(InvalidValue) as caught:
        check_json(value, "body")
    assert caught.value.path[: len(path)] == tuple(path)
    assert terminal_text(str(caught.value)) == str(caught.value)


@given(ANYTHING)
def test_whatever_was_stored_is_served_as_strict_json(value: object) -> None:
    served = escaped(value)
    check_json(served, "served")
    assert json.loads(strict(served)) == served


@given(ANYTHING)
def test_the_check_and_a_strict_writer_agree(value: object) -> None:
    try:
        strict(value)
    except (ValueError, UnicodeError):
        with pytest.raises(InvalidValue):
            check_json(value, "body")
    else:
        check_json(value, "body")


@given(st.binary())
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    try:
        value = load_json(data, "body")
    except InvalidValue as error:
        line = str(error)
        assert line == terminal_text(line)
    else:
        check_json(value, "body")


@given(SOUND, st.integers(0, 400))
def test_the_limit_of_size_is_that_of_compact_json(value: object, size: int) -> None:
    limits = Limits(size=size)
    if json_size(value) <= size:
        check_json(value, "body", limits)
    else:
        with pytest.raises(InvalidValue, match=r"^body: .*bytes of JSON"):
            check_json(value, "body", limits)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 1_000, 100_000])
def test_what_is_nested_too_deep_is_refused(levels: int) -> None:
    load_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "body")
    with pytest.raises(InvalidValue, match="nested deeper than 64 levels"):
        load_json("[" * levels + "]" * levels, "body")
    with pytest.raises(InvalidValue, match="nested deeper than 64 levels"):
        check_json(nested(levels), "body")
    strict(escaped(nested(levels)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'{"a": [1, NaN]}', "in.json.a[1]: NaN; numbers must be finite"),
        (b'{"a": {"b": -1e999}}', "in.json.a.b: -Infinity; numbers must be finite"),
        (b'{"a b": "\\udc80"}', 'in.json["a b"]: a lone surrogate (\\udc80); text must be Unicode'),
        (b'{"x": {"a": 1, "a": 2}}', 'in.json.x: the name "a" occurs twice in one object'),
        (b'{"n": [' + b"9" * 4301 + b"]}", "in.json.n[0]: a number of more than 4300 digits"),
        (b'{"a": 1', "in.json: not JSON: Expecting ',' delimiter (line 1, column 8)"),
        (b"", "in.json: empty; it must be JSON"),
        (b"\xef\xbb\xbf  \n", "in.json: empty; it must be JSON"),
        (
            '{"e": "é"}'.encode("latin-1"),
            "in.json: the byte 0xe9 at position 7 is not UTF-8; save the text as UTF-8",
        ),
        (
            '{"e": 1}'.encode("utf-16"),
            "in.json: UTF-16 text; JSON must be UTF-8, so save it as UTF-8",
        ),
        (
            '{"e": 1}'.encode("utf-32-be"),
            "in.json: UTF-32 text; JSON must be UTF-8, so save it as UTF-8",
        ),
    ],
)
def test_what_is_no_sound_json_is_told_in_one_line(text: bytes, line: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        load_json(text, "in.json")
    assert str(caught.value) == line


def test_a_byte_order_mark_is_read_over() -> None:
    assert load_json(b'\xef\xbb\xbf{"a": 1}', "in.json") == {"a": 1}
    assert load_json('\ufeff{"a": 1}', "in.json") == {"a": 1}


@given(UNICODE)
def test_a_label_has_no_control_or_invisible_characters(text: str) -> None:
    if any(ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u2028\u2029" for c in text):
        with pytest.raises(InvalidValue, match="a control character"):
            check_text(text, "label")
    elif INVISIBLE.search(text):
        with pytest.raises(InvalidValue, match="an invisible character"):
            check_text(text, "label")
    else:
        assert check_text(text, "label") is text


@pytest.mark.parametrize("value", [None, 3, ["a"], b"a", {"a": 1}])
def test_a_label_is_a_text(value: object) -> None:
    with pytest.raises(InvalidValue, match=r"^label: .*it must be a text"):
        check_text(value, "label")


def test_a_text_is_bounded_and_unicode() -> None:
    assert check_text("ab", "label", max_length=2) == "ab"
    with pytest.raises(InvalidValue, match="label: 3 characters; at most 2 are allowed"):
        check_text("abc", "label", max_length=2)
    with pytest.raises(InvalidValue, match="label: a lone surrogate"):
        check_text("a\udcff", "label")


def test_newlines_are_for_texts_of_several_lines() -> None:
    assert check_text("a\n\tb\r\n", "description", multiline=True)
    for text in ("a\rb", "a\x1b[2J", "\x00"):
        with pytest.raises(InvalidValue, match="a control character"):
            check_text(text, "description", multiline=True)


@pytest.mark.parametrize(
    "unseen",
    ["\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202e", "\u2060", "\u2066", "\ufeff",
     "\u00ad", "\U000e0041"],
)  # fmt: skip
def test_a_name_has_no_character_that_nobody_sees(unseen: str) -> None:
    for text in (f"shift{unseen}7", f"{unseen}shift", f"shift{unseen}"):
        with pytest.raises(InvalidValue, match="label: an invisible character"):
            check_text(text, "label")
        assert check_text(text, "description", multiline=True) == text


@pytest.mark.parametrize(
    "text", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f469\u200d\U0001f52c"]
)
def test_joiners_that_belong_to_a_script_or_a_picture_are_taken(text: str) -> None:
    assert check_text(text, "label") == text
