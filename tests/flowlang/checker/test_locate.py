"""Lines and columns in JSON texts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.flowlang.checker.report.locate import locate

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    found: dict[tuple[Any, ...], Any] = {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        # A member stands where its name does, an item where it begins.
        found[(*at, key)] = key if isinstance(value, dict) else item
        if isinstance(item, dict | list):
            found |= places(item, (*at, key))
    return found


@given(documents, st.sampled_from([None, 0, 1, 4]), st.booleans())
def test_every_place_points_at_what_it_names(document: Any, indent: int | None, ascii_only: bool):
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    found = locate(text)
    lines = text.split("\n")
    expected = places(document) if isinstance(document, dict | list) else {}
    assert set(found) == {(), *expected}
    for at, value in expected.items():
        line, column = found[at]
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        shown, _ = json.JSONDecoder().raw_decode(rest)
        assert shown == value
