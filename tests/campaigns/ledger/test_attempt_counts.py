"""Counts of attempts by the minute of their end, beside the attempts themselves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.ledger import AttemptEnd, CampaignLedger
from headrace.campaigns.ledger.reading import read_database
from tests.support.campaigns.filled_ledger import FilledLedger

COUNTED = (
    "SELECT campaign, minute, lane, host, state, number, core_hours FROM attempt_counts "
    "WHERE number > 0"
)
ATTEMPTS = (
    "SELECT campaign, substr(ended_at, 1, 16), lane, host, state, count(*), sum(core_hours) "
    "FROM attempts WHERE ended_at <> '' GROUP BY 1, 2, 3, 4, 5"
)
# The ledger as version 1 had it.
VERSION_1 = """
DROP TRIGGER count_ended_attempts;
DROP TABLE attempt_counts;
DROP INDEX ended_attempts;
CREATE INDEX ended_attempts ON attempts (campaign, ended_at, lane, host, state, core_hours)
    WHERE ended_at <> '';
PRAGMA user_version = 1;
"""


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with read_database(path) as database:
        return sorted(tuple(row) for row in database.execute(query))


def work(world: FilledLedger, *keys: str) -> None:
    """Have members end: the first is done, others fail, the last is tried again and then done."""
    world.add(*keys)
    for number, key in enumerate(keys):
        world.wait(25)
        start = world.run(key, lane="desk" if number % 2 else "cluster")
        member = world.member(key).id
        if number == 0:
            end = AttemptEnd(member, done=True, then="done", core_hours=1.5, host="c1")
            world.end(start, "SUCCEEDED", end)
        else:
            end = AttemptEnd(
                member, done=False, then="ready", cause="no space", core_hours=0.25, host="c2"
            )
            world.end(start, "FAILED", end)
    world.wait(70)
    start = world.run(keys[-1])
    world.end(start, "SUCCEEDED", AttemptEnd(world.member(keys[-1]).id, done=True, then="done"))


def test_counts_are_those_of_the_attempts(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    with FilledLedger(path) as world:
        work(world, "a", "b", "c")
    assert rows(path, COUNTED) == rows(path, ATTEMPTS)
    assert sum(row[5] for row in rows(path, COUNTED)) == 4


def test_an_attempt_that_ends_after_its_lane_was_lost_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    with FilledLedger(path) as world:
        world.add("a")
        start = world.run("a", lane="lost")
        member = world.member("a").id
        with world.transaction() as tables:
            tables.starts.supersede(start.id, [AttemptEnd(member, done=False, then="ready")])
        world.wait(3600)
        end = AttemptEnd(member, done=True, then="done", core_hours=4.0, host="c9")
        world.end(start, "SUCCEEDED", end)
    [counted] = rows(path, COUNTED)
    assert counted[2:] == ("lost", "c9", "superseded", 1, 4.0)
    assert rows(path, ATTEMPTS) == [counted]


def test_an_earlier_ledger_is_counted_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    with FilledLedger(path) as world:
        work(world, "a", "b")
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
    assert rows(path, COUNTED) == rows(path, ATTEMPTS) != []


def test_an_earlier_ledger_is_counted_where_it_is_worked_with(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    with FilledLedger(path) as world:
        work(world, "a", "b")
        with closing(sqlite3.connect(path)) as database:
            database.executescript(VERSION_1)
    with FilledLedger(path, "second") as world:
        work(world, "d", "e")
    assert rows(path, COUNTED) == rows(path, ATTEMPTS)
    assert sum(row[5] for row in rows(path, COUNTED)) == 6


def test_a_ledger_of_a_newer_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.local.db"
    CampaignLedger(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(CampaignError, match="written by a newer headrace"), read_database(path):
        pytest.fail("it was read")
