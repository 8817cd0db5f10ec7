"""The ledger: durable, one watcher at a time, and exactly one run per arrival whatever happens."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.ledger_file import LedgerKind, ledger_file
from headrace.ledger_file.summary import LedgerSummary
from headrace.triggers import (
    Arrival,
    Identity,
    Ledger,
    LedgerBusy,
    LedgerUnusable,
    Started,
    Trigger,
    TriggerError,
    Watching,
    find_existing_entries,
    read_ledger,
)
from headrace.triggers.arrival import identify
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.watched_directory import WatchedDirectory
from tests.support.triggers.trigger_watch import MemoryRunClient, make_trigger, watching

PLACE = ("new_event", "workstation", "ext4:7")


def test_an_arrival_goes_its_way(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.db"
    with Ledger(path) as ledger:
        (seen,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        assert (seen.state, seen.attempts, seen.generation) == ("seen", 0, 1)
        starting = ledger.mark_starting(seen.id)
        assert (starting.state, starting.attempts, starting.tag) == ("starting", 1, seen.tag)
        assert ledger.mark_failed(seen.id, "down").reason == "down"
        again = ledger.mark_starting(seen.id)
        assert again.attempts == 2
        assert again.first_attempt_at == starting.first_attempt_at
        assert ledger.mark_started(seen.id, "run-1").run_id == "run-1"
        assert ledger.records_without_run("new_event", "workstation") == []
    (record,) = read_ledger(path, "new_event")
    assert (record.state, record.run_id) == ("started", "run-1")
    assert read_ledger(path, "other") == []


def test_a_second_watcher_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path):
        with pytest.raises(LedgerBusy, match="another watcher") as refused:
            Ledger(path)
        assert "\n" not in str(refused.value)
        assert read_ledger(path) == []
    with Ledger(path):
        pass


def test_states_only_follow_the_arrows(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        (seen,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        for step in (
            lambda: ledger.mark_started(seen.id, "run"),
            lambda: ledger.mark_failed(seen.id, "x"),
            lambda: ledger.mark_removed(seen.id),
        ):
            with pytest.raises(TriggerError, match="is not starting"):
                step()
        ledger.mark_starting(seen.id)
        ledger.mark_started(seen.id, "run")
        with pytest.raises(TriggerError, match="is not seen or starting or failed"):
            ledger.mark_starting(seen.id)


@pytest.mark.parametrize(
    ("identity", "generation"),
    [
        (Identity(5, 50), 1),
        (Identity(5, 0), 1),  # this time the file system does not tell its birth
        (Identity(0, 0), 1),
        (Identity(6, 50), 2),
        (Identity(5, 51), 2),  # the inode number was used again
    ],
)
def test_another_identity_is_another_arrival(
    tmp_path: Path, identity: Identity, generation: int
) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        (first,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.mark_starting(first.id)
        ledger.mark_started(first.id, "run")
        (second,) = ledger.record_seen(*PLACE, [("/incoming/a/", identity)])
    assert second.generation == generation
    assert (second.tag == first.tag) == (generation == 1)


def test_tags_differ_between_triggers_paths_and_ledgers(tmp_path: Path) -> None:
    tags = set()
    for name in ("one.db", "two.db"):
        with Ledger(tmp_path / name) as ledger:
            for trigger in ("a", "b"):
                sightings = [(f"/incoming/{path}/", Identity(1, 1)) for path in "xyz"]
                for record in ledger.record_seen(trigger, "workstation", "ext4:7", sightings):
                    assert record.tag.startswith(f"arrival:{trigger}:")
                    tags.add(record.tag)
    assert len(tags) == 12


def test_a_ledger_that_is_too_new_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path):
        pass
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(TriggerError, match="newer headrace"):
        Ledger(path)
    with pytest.raises(TriggerError, match="newer headrace") as refused:
        Ledger(path, start_over=True)
    assert not isinstance(refused.value, LedgerUnusable)


def test_a_wrong_clock_does_not_hide_the_run(tmp_path: Path) -> None:
    """The intent was written with the clock a day ahead; the run is searched from before that."""
    asked = []

    class Searching:
        def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
            raise AssertionError("started again")

        def find(self, tag: str, since: datetime) -> str:
            asked.append(since)
            return "run"

    trigger = make_trigger(tmp_path)
    ahead = datetime(2026, 3, 2, tzinfo=UTC)
    with Ledger(tmp_path / "ledger.db", now=lambda: ahead) as ledger:
        (record,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.mark_starting(record.id)
        starts = RunLauncher(
            ledger, Searching(), lambda event: None, initial_delay=1, maximum_delay=1
        )
        assert starts.launch(trigger, record.id) is None
    assert asked[0] < datetime(2026, 3, 1, tzinfo=UTC)


def test_a_tag_is_not_longer_than_the_service_takes(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        sightings = [("/incoming/a/", Identity(5, 50))]
        tags = [
            ledger.record_seen(f"{'t' * 200}{end}", "workstation", "ext4:7", sightings)[0].tag
            for end in "ab"
        ]
    assert len(set(tags)) == 2
    assert all(len(tag) <= 128 for tag in tags)


VERSION_1 = """
CREATE TABLE identity (ledger TEXT NOT NULL);
CREATE TABLE arrivals (
    id INTEGER PRIMARY KEY, trigger TEXT NOT NULL, collection TEXT NOT NULL, path TEXT NOT NULL,
    generation INTEGER NOT NULL, inode TEXT NOT NULL, born TEXT NOT NULL, root TEXT NOT NULL,
    present INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL DEFAULT 'seen'
        CHECK (state IN ('seen', 'starting', 'started', 'failed', 'removed')),
    tag TEXT NOT NULL UNIQUE, attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', run_id TEXT, seen_at TEXT NOT NULL, first_attempt_at TEXT,
    changed_at TEXT NOT NULL, UNIQUE (trigger, collection, path, generation));
CREATE INDEX without_run ON arrivals (trigger) WHERE state IN ('seen', 'starting', 'failed');
INSERT INTO identity VALUES ('5f0c');
INSERT INTO arrivals VALUES (1, 'new_event', 'workstation', '/incoming/a/', 1, '{inode}', '{born}',
    '{root}', 1, 'started', 'arrival:new_event:1', 1, '', 'run-1', '2026-11-01T10:00:00+00:00',
    '2026-11-01T10:00:00+00:00', '2026-11-01T10:00:00+00:00');
PRAGMA user_version = 1;
"""


def test_a_ledger_of_the_version_before_goes_on(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    (trigger.directory / "a").mkdir()
    (trigger.directory / "a" / "data").write_text("1")
    identity = identify(trigger.directory / "a")
    with WatchedDirectory(trigger) as directory:
        root = directory.probe_filesystem().earlier_root
    database = sqlite3.connect(tmp_path / "ledger.db")
    database.executescript(VERSION_1.format(inode=identity.inode, born=identity.born, root=root))
    database.close()
    client = MemoryRunClient()
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert find_existing_entries([trigger], ledger) == []
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        sign = trigger.directory / "sign"
        sign.mkdir()
        (sign / "data").write_text("1")
        watch.wait_for(Started)
    assert client.names == ["sign"]
    assert read_ledger(tmp_path / "ledger.db")[0].run_id == "run-1"


def test_arrivals_are_counted_beside_the_ledger_when_they_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that their runs need not wait for that; at most once in a while, or else before."""
    written: list[int] = []
    real = ledger_file.write_summary

    def write(path: Path, kind: LedgerKind, summary: LedgerSummary) -> None:
        written.append(summary.rows)
        real(path, kind, summary)

    monkeypatch.setattr(ledger_file, "write_summary", write)
    monkeypatch.setattr(ledger_file, "_COUNT_INTERVAL", 0.0)
    with Ledger(tmp_path / "ledger.db") as ledger:
        entries = [(f"/incoming/{name}/", Identity(number, 1)) for number, name in enumerate("ab")]
        seen = ledger.record_seen(*PLACE, entries)
        assert written == [0, 2]
        for record in seen:
            ledger.mark_starting(record.id)
        ledger.record_seen(*PLACE, entries)
        assert written == [0, 2]
        monkeypatch.setattr(ledger_file, "_COUNT_INTERVAL", 1000.0)
        (third,) = ledger.record_seen(*PLACE, [("/incoming/c/", Identity(7, 1))])
        assert written == [0, 2]
        ledger.mark_starting(third.id)
        assert written == [0, 2, 3]
