"""The ledger: durable, one watcher at a time, and exactly one run per arrival whatever happens."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

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
    retry_refused,
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


def filled(path: Path) -> Path:
    with Ledger(path) as ledger:
        ledger.add_root("new_event", "workstation", "/incoming/", "ext4:7")
        ledger.record_seen(*PLACE, [(f"/incoming/{name}/", Identity(5, 50)) for name in "abc"])
    return path


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def exchange(path: Path) -> None:
    delete(path)
    shutil.copy(filled(path.with_name("other.db")), path)


def go_back(path: Path) -> None:
    before = path.read_bytes()
    with Ledger(path) as ledger:
        ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
    delete(path)
    path.write_bytes(before)


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for start in range(4096, len(data), 512):
        data[start : start + 64] = b"\xa5" * 64
    path.write_bytes(data)


def remove(path: Path, *names: str) -> None:
    """Somebody deletes arrivals by hand."""
    with closing(sqlite3.connect(path)) as database:
        for name in names:
            database.execute("DELETE FROM arrivals WHERE path = ?", (f"/incoming/{name}/",))
        database.commit()


WAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (delete, "is gone \\(it had 3\\)"),
    "emptied": (lambda path: path.write_bytes(b""), "is empty"),
    "another": (exchange, "is not the one of before"),
    "older": (go_back, "is an older copy \\(it knows 3 of 4"),
    "without its first": (lambda path: remove(path, "a"), "is not whole \\(1 arrival was deleted"),
    "without two": (lambda path: remove(path, "a", "b"), "is not whole \\(2 arrivals were"),
    "without its last": (lambda path: remove(path, "c"), "is an older copy \\(it knows 2 of 3"),
    "without any": (lambda path: remove(path, *"abc"), "is an older copy \\(it knows 0 of 3"),
    "damaged": (damage, "is damaged"),
    "no database": (lambda path: path.write_text("x" * 9000), "is damaged"),
    "no ledger": (
        lambda path: (delete(path), sqlite3.connect(path).execute("CREATE TABLE a (b)")),
        "is a database, but not a ledger",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_ledger_that_was_lost_between_two_watches_is_refused(tmp_path: Path, way: str) -> None:
    path = filled(tmp_path / "ledger.db")
    destroy, words = WAYS[way]
    destroy(path)
    for _ in range(2):
        with pytest.raises(LedgerUnusable, match=words) as refused:
            Ledger(path)
        assert "\n" not in str(refused.value)
        assert "--existing skip" in str(refused.value)
    with Ledger(path, start_over=True) as ledger:
        (again,) = ledger.record_seen(*PLACE, [("/incoming/new/", Identity(6, 60))])
        assert again.state == "seen"
    with Ledger(path) as ledger:
        assert ledger.records()
    if way not in ("deleted", "another", "older") and not way.startswith("without"):
        assert list(tmp_path.glob("ledger.db.unusable-*")), "it was not kept"


UNDER_IT: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (lambda path: path.unlink(), "was deleted"),
    "replaced": (lambda path: path.with_name("other").rename(path), "was replaced"),
    "emptied": (lambda path: os.truncate(path, 0), "was emptied"),
    "written over": (lambda path: path.write_bytes(b"nonsense" * 2000), "was written over"),
}


@pytest.mark.parametrize("way", UNDER_IT)
def test_a_ledger_that_is_lost_while_it_is_in_use_is_noticed(tmp_path: Path, way: str) -> None:
    path = filled(tmp_path / "ledger.db")
    shutil.copy(path, tmp_path / "other")
    destroy, words = UNDER_IT[way]
    with Ledger(path) as ledger:
        (record,) = ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
        destroy(path)
        for step in (ledger.verify, lambda: ledger.mark_starting(record.id), ledger.records):
            with pytest.raises(LedgerUnusable, match=words):
                step()
    if way in ("deleted", "replaced"):
        kept = tmp_path / "ledger.db.kept"
        delete_but = [file for file in tmp_path.glob("ledger.db*") if "lock" not in file.name]
        kept.rename(tmp_path / "copy")
        for file in delete_but:
            file.unlink(missing_ok=True)
        (tmp_path / "copy").rename(path)
        with Ledger(path) as ledger:
            assert len(ledger.records()) == 4, "the copy has all of it"


@pytest.mark.parametrize("names", ["a", "d", "ad"])
def test_arrivals_that_are_deleted_under_a_watch_stop_it(tmp_path: Path, names: str) -> None:
    path = filled(tmp_path / "ledger.db")
    with Ledger(path) as ledger:
        ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
        remove(path, *names)
        for step in (
            lambda: ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))]),
            lambda: ledger.mark_starting(2),
            ledger.verify,
        ):
            with pytest.raises(LedgerUnusable, match="deleted from it"):
                step()


def test_what_others_may_write_stops_no_watch(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.db")
    with Ledger(path) as ledger:
        ledger.mark_starting(1)
        ledger.mark_refused(1, "too large")
        assert retry_refused(path, [1]) == 1
        (record, *_) = ledger.records_without_run("new_event", "workstation")
        assert (record.id, record.state) == (1, "failed")


def test_an_arrival_that_could_not_be_committed_was_not_deleted(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.db")
    with Ledger(path) as ledger:
        ledger.mark_starting(1)
        ledger.mark_refused(1, "too large")
        log = path.with_name(f"{path.name}-wal")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        # As on a disk that is full when a transaction ends.
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, limits[1]))
        try:
            with pytest.raises(TriggerError, match="check the disk"):
                ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert retry_refused(path, [1]) == 1
        (record,) = ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
        assert record.id == 4


def test_a_deletion_that_was_taken_note_of_is_not_told_again(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.db")
    remove(path, "b")
    with Ledger(path, start_over=True) as ledger:
        assert not ledger.has_root("new_event", "workstation", "/incoming/", "ext4:7")
        ledger.add_root(
            *("new_event", "workstation", "/incoming/", "ext4:7"),
            skip=[(f"/incoming/{name}/", Identity(5, 50)) for name in "abc"],
        )
    with Ledger(path) as ledger:
        states = {record.path: record.state for record in ledger.records()}
    assert states == {"/incoming/a/": "seen", "/incoming/c/": "seen", "/incoming/b/": "skipped"}
    remove(path, "c")
    with pytest.raises(LedgerUnusable, match="1 arrival was deleted"):
        Ledger(path)


BEGINS = """
import os, sys
from pathlib import Path
from headrace.triggers.arrival import Identity
from headrace.triggers.ledger import Ledger

ledger = Ledger(Path(sys.argv[1]))
entries = [("/incoming/d/", Identity(5, 50))]
(record,) = ledger.record_seen("new_event", "workstation", "ext4:7", entries)
ledger.mark_starting(record.id)
os._exit(9)
"""


@pytest.mark.parametrize("lost", ["log", "copy"])
def test_no_copy_is_taken_that_lacks_an_arrival_whose_run_was_begun(
    tmp_path: Path, lost: str
) -> None:
    path = filled(tmp_path / "ledger.db")
    before = path.read_bytes()
    run = subprocess.run([sys.executable, "-c", BEGINS, path], check=False)
    assert run.returncode == 9
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()
    if lost == "copy":
        path.write_bytes(before)
    with pytest.raises(LedgerUnusable, match="is an older copy \\(it knows 3 of 4"):
        Ledger(path)


LOST_LOGS = {
    "log": ("-wal",),
    "log and its index": ("-wal", "-shm"),
}
DIES = """
import os, sys
from pathlib import Path
from headrace.triggers.arrival import Identity
from headrace.triggers.ledger import Ledger

ledger = Ledger(Path(sys.argv[1]))
place = ("new_event", "workstation", "root")
ledger.record_seen(*place, [("/incoming/before/", Identity(5, 50))])
for suffix in sys.argv[2:]:
    os.unlink(sys.argv[1] + suffix)
ledger.record_seen(*place, [("/incoming/after/", Identity(6, 60))])
os._exit(9)
"""


@pytest.mark.parametrize("lost", LOST_LOGS)
def test_a_log_that_is_deleted_under_a_watch_that_dies_then_loses_nothing(
    tmp_path: Path, lost: str
) -> None:
    path = tmp_path / "ledger.db"
    run = subprocess.run([sys.executable, "-c", DIES, path, *LOST_LOGS[lost]], check=False)
    assert run.returncode == 9
    with Ledger(path) as ledger:
        assert [record.path for record in ledger.records()] == [
            "/incoming/before/",
            "/incoming/after/",
        ]


def test_whoever_looks_at_a_ledger_in_use_leaves_its_log_there(tmp_path: Path) -> None:
    """SQLite's last connection removes the log: locks must say that the watch has another."""
    path = tmp_path / "ledger.db"
    log = tmp_path / "ledger.db-wal"
    look = "import sys; from headrace.triggers import *; from pathlib import Path; {}"
    with Ledger(path) as ledger:
        (seen,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.mark_starting(seen.id)
        ledger.mark_refused(seen.id, "no")
        ledger.verify()
        before = (log.stat().st_ino, ledger.data_version)
        for what in ("read_ledger(Path(sys.argv[1]))", "retry_refused(Path(sys.argv[1]), [1])"):
            subprocess.run([sys.executable, "-c", look.format(what), str(path)], check=True)
            ledger.verify()
        assert log.stat().st_ino == before[0]
        assert ledger.data_version != before[1]
        assert ledger.get(seen.id).state == "failed"


def test_a_log_that_is_replaced_ends_the_watch(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.record_seen(*PLACE, [("/incoming/d/", Identity(5, 50))])
        log = tmp_path / "ledger.db-wal"
        other = tmp_path / "other"
        other.write_bytes(log.read_bytes())
        other.replace(log)
        with pytest.raises(LedgerUnusable, match=r"lost its log, ledger\.db-wal, while it was"):
            ledger.records()


def test_a_disk_that_cannot_be_written_is_told_and_may_pass(tmp_path: Path) -> None:
    path = filled(tmp_path / "ledger.db")
    with Ledger(path) as ledger:
        ledger._file._database.execute("PRAGMA max_page_count = 1")
        sightings = [(f"/incoming/{number}/", Identity(number, 1)) for number in range(5000)]
        with pytest.raises(TriggerError, match="full") as refused:
            ledger.record_seen(*PLACE, sightings)
        assert not isinstance(refused.value, LedgerUnusable)
        ledger._file._database.execute("PRAGMA max_page_count = 100000")
        assert len(ledger.record_seen(*PLACE, sightings)) == 5000


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
