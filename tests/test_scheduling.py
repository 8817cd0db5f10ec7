"""How workers share the suite: the longest files first, and what shares a port on one worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY
from tests.support.scheduling import LONGEST_FIRST, position, scope


@pytest.mark.parametrize("part", LONGEST_FIRST)
def test_each_part_is_there(part: str) -> None:
    assert (REPOSITORY / part).exists(), "moved or renamed: name it so in tests/support/scheduling"


def test_each_part_is_named_once() -> None:
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)


def test_tests_that_share_a_port_or_a_cluster_are_on_one_worker() -> None:
    for folder in ("clients", "hpc"):
        files = sorted((REPOSITORY / "tests" / folder).rglob("test_*.py"))
        names = [f"{Path(file).relative_to(REPOSITORY)}::test_it[a/b]" for file in files]
        assert {scope(name) for name in names} == {f"tests/{folder}/"}
        assert {position(name) for name in names} < {0, 1}


def test_the_longest_begin_first() -> None:
    first, last = f"{LONGEST_FIRST[2]}::test_it", "tests/test_ranks.py::test_it"
    assert scope(first) == LONGEST_FIRST[2]
    assert position(first) < position(last)
