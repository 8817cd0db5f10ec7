"""How changes are noticed: file systems, the scanner, the notifier and the queue of tasks."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.mounts import file_system, has_stable_inodes, is_remote
from headrace.triggers import Trigger
from headrace.triggers.arrival import identify
from headrace.triggers.change_notifier import (
    ChangeNotifier,
    DirectoryScanner,
    explain_inotify_error,
)
from headrace.triggers.changes import Change, ReportScope
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.event_probe import EventProbe
from headrace.triggers.inotify_notifier import InotifyNotifier
from headrace.triggers.watched_directory import WatchedDirectory
from tests.support.triggers.trigger_watch import make_trigger


def test_the_type_of_the_innermost_mount_counts(tmp_path: Path) -> None:
    home = os.path.realpath(tmp_path)
    (tmp_path / "beam line" / "run").mkdir(parents=True)
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\n"
        f"server:/a {home} nfs4 rw 0 0\n"
        f"server:/b {home}/beam\\040line lustre rw 0 0\n"
        f"server:/c {home}/beam cifs rw 0 0\n"
    )
    assert file_system(Path("/"), mounts) == "ext4"
    assert file_system(tmp_path, mounts) == "nfs4"
    assert file_system(tmp_path / "beam line" / "run", mounts) == "lustre"
    assert file_system(tmp_path, tmp_path / "none") == ""


@pytest.mark.parametrize(
    ("kind", "remote", "inodes"),
    [
        ("ext4", False, True),
        ("xfs", False, True),
        ("", False, True),
        ("nfs4", True, True),
        ("lustre", True, True),
        ("gpfs", True, True),
        ("cifs", True, False),
        ("9p", True, False),
        ("fuse.sshfs", True, False),
    ],
)
def test_what_is_expected_of_a_file_system(kind: str, remote: bool, inodes: bool) -> None:
    assert (is_remote(kind), has_stable_inodes(kind)) == (remote, inodes)


@pytest.mark.parametrize(
    ("asked", "kind", "observer"),
    [
        *(("auto", "nfs4", "poll"), ("auto", "ext4", "inotify"), ("inotify", "nfs4", "inotify")),
        *(("both", "nfs4", "inotify"), ("both", "ext4", "inotify"), ("poll", "ext4", "poll")),
    ],
)
def test_auto_polls_network_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, kind: str, observer: str
) -> None:
    monkeypatch.setattr("headrace.triggers.watched_directory.file_system", lambda directory: kind)
    trigger = make_trigger(tmp_path, observer=asked)
    with WatchedDirectory(trigger) as directory:
        assert directory.probe_filesystem().observer == observer


def scan(
    scanner: DirectoryScanner, trigger: Trigger, now: float, *, force: bool = False
) -> dict[str, int] | None:
    with WatchedDirectory(trigger) as directory:
        return scanner.scan(directory, now, force=force)


def test_a_directory_is_read_again_only_after_a_change(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, marker="DONE")
    scanner = DirectoryScanner()
    (trigger.directory / "a").mkdir()
    (trigger.directory / ".hidden").mkdir()
    (trigger.directory / "file").touch()
    inode = (trigger.directory / "a").stat().st_ino
    assert scan(scanner, trigger, 100.0) == {"a": inode}
    assert scan(scanner, trigger, 102.0) is not None, "the file system's clock may not have ticked"
    assert scan(scanner, trigger, 103.0) is not None
    assert scan(scanner, trigger, 104.0) is None
    assert scan(scanner, trigger, 104.0, force=True) is not None
    (trigger.directory / "b").mkdir()
    names = scan(scanner, trigger, 105.0)
    assert names is not None
    assert names.keys() == {"a", "b"}


def test_files_are_listed_without_links_and_markers(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, what="file", marker="done")
    for name in ("a.dat", "a.dat.done"):
        (trigger.directory / name).touch()
    (trigger.directory / "folder").mkdir()
    (trigger.directory / "link").symlink_to("a.dat")
    names = scan(DirectoryScanner(), trigger, 0.0)
    assert names is not None
    assert names.keys() == {"a.dat"}


def test_the_notifier_names_what_changed(tmp_path: Path) -> None:
    reported: dict[str, Change] = {}
    changed = threading.Condition()

    def on_change(name: str, change: Change) -> None:
        with changed:
            reported[name] = change | reported.get(name, change)
            changed.notify()

    (tmp_path / "old").write_text("1")
    notifier = ChangeNotifier(tmp_path, on_change)
    try:
        (tmp_path / "new").mkdir()
        with (tmp_path / "old").open("a") as old:
            old.write("2")
        with changed:
            assert changed.wait_for(lambda: {"new", "old"} <= reported.keys(), timeout=120)
    finally:
        notifier.close()
    assert Change.ENTRY in reported["new"]
    assert reported["old"] == Change.CONTENT


def test_a_directory_in_the_place_of_another_leaves_no_watch_of_that_one(tmp_path: Path) -> None:
    waiting = tmp_path / "waiting"
    (waiting / "sub").mkdir(parents=True)
    notifier = InotifyNotifier(tmp_path, lambda name, change: None)
    try:
        assert notifier.watch("waiting", waiting, ReportScope(every_change=True))
        # Before the notifier's thread hears of it.
        with notifier._lock:
            (waiting / "sub").rename(tmp_path / "away")
            (waiting / "sub").mkdir()
            tree = notifier._trees["waiting"]
            notifier._add(tree, "")
            assert len(notifier._places) == len(tree.watches) == 2
        notifier.unwatch("waiting")
        assert notifier._places == {}
    finally:
        notifier.close()


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (OSError(errno.ENOSPC, "inotify watch limit reached"), "fs.inotify.max_user_watches"),
        (OSError(errno.EMFILE, "inotify instance limit reached"), "fs.inotify.max_user_instances"),
        (OSError(errno.ENFILE, "Too many open files in system"), "fs.file-max"),
        (OSError(errno.ENOSYS, "Function not implemented"), 'observer = "poll"'),
        (RuntimeError("can't start new thread"), 'observer = "poll"'),
    ],
)
def test_the_limit_that_was_met_is_named(error: Exception, limit: str) -> None:
    assert limit in explain_inotify_error(error)
    assert ("max_user_watches" in explain_inotify_error(error)) == (
        limit == "fs.inotify.max_user_watches"
    )


def test_directories_in_one_place_are_told_apart(tmp_path: Path) -> None:
    """Also where the second has the device and inode number of the first, as disks may have."""
    trigger = make_trigger(tmp_path)
    with WatchedDirectory(trigger) as first:
        stamp, filesystem = first.stamp, first.probe_filesystem()
    (tmp_path / "link").symlink_to(trigger.directory)
    (tmp_path / "incoming").rename(tmp_path / "real")
    (tmp_path / "incoming").symlink_to("real")
    with WatchedDirectory(trigger) as same:
        assert (same.stamp, same.probe_filesystem()) == (stamp, filesystem)
    (tmp_path / "incoming").unlink()
    (tmp_path / "incoming").mkdir()
    with WatchedDirectory(trigger) as other:
        assert other.stamp != stamp
        assert other.probe_filesystem().root != filesystem.root


def test_an_identity_lasts_through_changes_and_moves(tmp_path: Path) -> None:
    place = tmp_path / "a"
    place.mkdir()
    before = identify(place)
    (place / "file").touch()
    os.utime(place)
    place.rename(tmp_path / "b")
    assert identify(tmp_path / "b") == before
    place.mkdir()
    assert not identify(place).same(before)
    assert identify(place, inodes=False).same(before)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100), st.booleans()), max_size=30))
def test_a_delay_queue_gives_each_task_once_in_order(
    changes: list[tuple[str, float, bool]],
) -> None:
    queue: DelayQueue[str] = DelayQueue()
    model: dict[str, float] = {}
    for key, when, earlier in changes:
        if earlier:
            queue.reschedule_earlier(key, when)
            model[key] = min(when, model.get(key, when))
        else:
            queue.push(key, when)
            model[key] = when
    assert queue.next_time == min(model.values(), default=None)
    assert queue.pop_due(-1.0) is None
    taken = []
    while (key := queue.pop_due(100.0)) is not None:
        taken.append(model.pop(key))
    assert taken == sorted(taken)
    assert not model
    assert queue.next_time is None


def test_a_probe_that_a_killed_watch_has_left_is_removed(tmp_path: Path) -> None:
    left, fresh = tmp_path / ".headrace-probe-old", tmp_path / ".headrace-probe-new"
    for file in (left, fresh):
        file.touch()
    os.utime(left, (0, 0))
    EventProbe(lambda name, change: None).sees_events(tmp_path, timeout=0.0)
    assert [file.name for file in tmp_path.iterdir()] == [fresh.name]
