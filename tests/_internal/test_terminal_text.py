"""Text from data cannot steer what shows it."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.terminal_text import terminal_text

ANY_TEXT = st.text(st.characters())
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(ANY_TEXT)
def test_nothing_that_steers_a_terminal_remains(text: str) -> None:
    shown = terminal_text(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in shown)
    assert not any(unicodedata.bidirectional(c) in BIDI for c in shown)
    assert terminal_text(shown) == shown
    shown.encode()


@given(ANY_TEXT)
def test_several_lines_keep_newlines_and_tabs_alone(text: str) -> None:
    shown = terminal_text(text, multiline=True)
    assert not any(
        unicodedata.category(c) == "Cc" for c in shown.replace("\n", "").replace("\t", "")
    )
    assert shown.count("\n") == text.count("\n")


@given(ANY_TEXT)
def test_what_is_shown_stands_in_xml(text: str) -> None:
    element = ElementTree.Element("text")
    element.text = terminal_text(text)
    assert ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text == (
        element.text or None
    )


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert terminal_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\x9b2Jb", r"a\x9b2Jb"),
        ("run\u202etxt.exe", r"run\u202etxt.exe"),
        ("name\udcff", r"name\udcff"),
        ("two\nlines\r", r"two\nlines\r"),
        ("Zürich 地震 👩‍🔬", "Zürich 地震 👩‍🔬"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        ),
        ("shift\u200b7", r"shift\u200b7"),
        ("shift\u200d7", r"shift\u200d7"),
        ("\ufeffshift", r"\ufeffshift"),
        ("co\u00adop", r"co\xadop"),
        ("a\u2060b", r"a\u2060b"),
        ("a\U000e0041b", r"a\U000e0041b"),
    ],
)
def test_how_it_is_written_out(text: str, shown: str) -> None:
    assert terminal_text(text) == shown


def test_a_lone_carriage_return_is_written_out_among_lines() -> None:
    assert terminal_text("a\r\nb\rc\x1b[0m\n", multiline=True) == "a\nb\\rc\\x1b[0m\n"
