"""A ledger that is lost, damaged, exchanged or cut off: noticed, and never a second run."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from headrace.triggers import Identity, Ledger, LedgerUnusable, TriggerError, retry_refused

PLACE = ("new_event", "workstation", "ext4:7")


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
        assert len(retry_refused(path, [1])) == 1
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
        assert len(retry_refused(path, [1])) == 1
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
