"""Paths within collections: one grammar, and never out of the root."""

from __future__ import annotations

import os.path
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.collection_path import CollectionPath, CollectionPathError

ROOT = Path("/data/root")
# Texts that look like paths, and others.
pieces = st.one_of(st.sampled_from(["..", ".", "~", "", "a", "b c", "...", "\0", "é"]), st.text())
paths = st.lists(pieces, max_size=6).map("/".join)


def parsed(path: str) -> CollectionPath | None:
    try:
        return CollectionPath.parse("disk", path)
    except CollectionPathError:
        return None


@given(paths)
def test_no_path_leaves_the_root(path: str) -> None:
    found = parsed(path)
    if found is not None:
        local = os.path.normpath(found.local(ROOT))
        assert local == str(ROOT) or local.startswith(f"{ROOT}/")
        assert found.local(ROOT) == Path(local)


@given(paths, paths)
def test_what_is_joined_stays_in_the_directory(path: str, relative: str) -> None:
    found = parsed(path)
    if found is None:
        return
    try:
        joined = found.join(relative)
    except CollectionPathError:
        return
    assert joined.parts[: len(found.parts)] == found.parts
    assert joined.local(ROOT).is_relative_to(found.local(ROOT))


@given(paths)
def test_a_path_is_read_again_as_it_was(path: str) -> None:
    found = parsed(path)
    if found is not None:
        assert CollectionPath.parse("disk", found.path) == found


@given(paths)
def test_a_parent_and_a_name_are_the_path(path: str) -> None:
    found = parsed(path)
    if found is not None and found.parts:
        assert found.parent.join(found.name).parts == found.parts
        assert [*found.directories()][1:2] == [found.parent]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("~", "/"),
        ("/~/", "/"),
        ("/~/a", "/a"),
        ("/~/~/a", "/~/~/a"),
        ("a//b/./c/", "/a/b/c/"),
    ],
)
def test_a_path_is_written_from_the_root(path: str, expected: str) -> None:
    found = CollectionPath.parse("disk", path)
    assert (found.path, str(found)) == (expected, f"disk:{expected}")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "is empty"),
        (7, "must be a string"),
        ("/a/../b", "must not leave its collection"),
        ("/a\0", "NUL"),
        ("/\udcff", "surrogate"),
    ],
)
def test_what_is_no_path_is_refused(path: object, problem: str) -> None:
    with pytest.raises(CollectionPathError, match=problem):
        CollectionPath.parse("disk", path)


@pytest.mark.parametrize("relative", ["..", "a/../..", "/a"])
def test_what_leads_out_of_a_directory_is_not_joined(relative: str) -> None:
    with pytest.raises(CollectionPathError):
        CollectionPath.parse("disk", "/a/").join(relative)
