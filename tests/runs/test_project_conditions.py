"""Disks that are nearly full are told of, each once."""

from __future__ import annotations

from pathlib import Path

from headrace.runs.project_conditions import DiskCheck

A, B, AWAY = Path("/a"), Path("/b"), Path("/away")


class Disks:
    """Disks of the tests: total and free bytes."""

    def __init__(self) -> None:
        self.found = {A: (100 * 10**9, 50 * 10**9), B: (100 * 10**9, 50 * 10**9)}

    def usage(self, place: Path) -> tuple[int, int]:
        if place not in self.found:
            raise OSError("away")
        return self.found[place]


def check(disks: Disks, found: DiskCheck, limit: str) -> list[str]:
    return [each.message for each in found.check({"disk": limit}, [A, AWAY, B])]


def test_a_disk_that_fills_is_told_once_until_it_had_room_again() -> None:
    disks = Disks()
    found = DiskCheck(disks.usage)
    assert check(disks, found, "5%") == []
    disks.found[B] = (100 * 10**9, 4 * 10**9)
    assert check(disks, found, "5%") == ["/b: 4.0 GB free of 100.0 GB (4.0 %)"]
    disks.found[B] = (100 * 10**9, 5_200_000_000)
    assert check(disks, found, "5%") == []
    disks.found[B] = (100 * 10**9, 3 * 10**9)
    assert check(disks, found, "5%") == []
    disks.found[B] = (100 * 10**9, 60 * 10**9)
    assert check(disks, found, "5%") == []
    disks.found[B] = (100 * 10**9, 3 * 10**9)
    assert len(check(disks, found, "5%")) == 1


def test_directories_on_one_disk_are_told_of_once() -> None:
    disks = Disks()
    disks.found = dict.fromkeys((A, B), (100 * 10**9, 10**9))
    assert len(check(disks, DiskCheck(disks.usage), "20GB")) == 1


def test_without_a_limit_nothing_is_looked_at() -> None:
    assert DiskCheck(Disks().usage).check({}, [A]) == []
