"""How workers share the suite: the longest files first, and what shares a port on one worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY
from tests.support.scheduling import LONGEST_FIRST, order, position, rotated, scope


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


def test_workers_that_collect_from_different_places_have_the_same_order() -> None:
    names = [f"tests/a/test_{letter}.py::test_it[{n}]" for letter in "cab" for n in (2, 1)]
    names += [f"{LONGEST_FIRST[3]}::test_it", "tests/clients/test_b.py::test_it"]
    files = [
        [name for name in names if name.startswith(file)]
        for file in dict.fromkeys(name.partition("::")[0] for name in names)
    ]
    orders = set()
    for worker in range(4):
        collected = [name for file in rotated(files, worker, 4) for name in file]
        assert sorted(collected) == sorted(names)
        orders.add(tuple(sorted(collected, key=order)))
    [one] = orders
    assert one[:2] == ("tests/clients/test_b.py::test_it", f"{LONGEST_FIRST[3]}::test_it")
    assert one[2:4] == ("tests/a/test_a.py::test_it[2]", "tests/a/test_a.py::test_it[1]")


def test_workers_begin_to_collect_at_different_places() -> None:
    assert [rotated("abcdefgh", worker, 4)[0] for worker in range(4)] == ["a", "c", "e", "g"]
    assert rotated([], 1, 4) == []
