"""The function that removes stored results of stages, as it travels: by its text alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.result_cleaner import NAME, result_cleaner_code
from headrace.compute.stages.result_store import ResultStore
from headrace.compute.wire_text import source_text

Clean = Callable[..., dict[str, Any]]
OLD, NEW = "ab" + "0" * 62, "ab" + "1" * 62


@pytest.fixture
def clean() -> Clean:
    text = source_text(result_cleaner_code())
    assert text is not None
    names: dict[str, Any] = {}
    exec(text, names)
    function: Clean = names[NAME]
    return function


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a store with an entry that was used long ago, and one that was used just now."""
    store = ResultStore(tmp_path / "root" / "results")
    (tmp_path / "made").write_text("x" * 5000)
    for key in (OLD, NEW):
        store.add(key, tmp_path / "made", {})
    os.utime(store.directory / "ab" / OLD / "entry.json", (0, 0))
    return tmp_path / "root"


def test_what_was_not_used_for_long_is_removed_and_the_rest_is_not(
    clean: Clean, root: Path, tmp_path: Path
) -> None:
    store = root / "results"
    looked = clean(str(root), "/results", 3600.0, False)
    assert (looked["results"], looked["removed"], looked["problem"]) == (1, False, "")
    assert looked["bytes"] >= 5000
    assert (store / "ab" / OLD).exists()
    removed = clean(str(root), "/results", 3600.0, True)
    assert (removed["results"], removed["removed"]) == (1, True)
    assert [path.name for path in (store / "ab").iterdir()] == [NEW]
    assert clean(str(root), "/results", 3600.0, True)["results"] == 0
    assert [path.name for path in store.iterdir()] == ["ab"]


def test_a_use_keeps_a_result(clean: Clean, root: Path, tmp_path: Path) -> None:
    assert ResultStore(root / "results").copy_out(OLD, tmp_path / "copy")
    assert clean(str(root), "/results", 3600.0, True)["results"] == 0


def test_what_a_killed_process_left_goes_later_and_other_files_stay(
    clean: Clean, root: Path
) -> None:
    store = root / "results"
    for name in (".partial-old1", ".partial-new1", ".removed-old1", "mine", "ab/mine"):
        (store / name).mkdir()
    for name in (".partial-old1", ".removed-old1", "mine", "ab/mine"):
        os.utime(store / name, (0, 0))
    assert clean(str(root), "/results", 0.0, True)["problem"] == ""
    assert sorted(path.name for path in store.iterdir()) == [".partial-new1", "ab", "mine"]
    assert [path.name for path in (store / "ab").iterdir()] == ["mine"]


@pytest.mark.parametrize("path", ["", "/", "/../results", "/link", "/results/../results"])
def test_nothing_outside_the_root_is_touched(clean: Clean, root: Path, path: str) -> None:
    (root / "link").symlink_to(root / "results")
    assert clean(str(root), path, 0.0, True)["problem"]
    assert (root / "results" / "ab" / OLD).exists()


def test_a_store_that_is_not_there_yet_is_empty(clean: Clean, tmp_path: Path) -> None:
    answer = clean(str(tmp_path), "/results", 0.0, True)
    assert (answer["results"], answer["problem"]) == (0, "")
