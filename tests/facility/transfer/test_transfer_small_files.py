"""Small files: several at a time, but seen one after the other."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections import Counter
from typing import Any

import pytest

from headrace.facility.transfer import TransferError
from headrace.facility.transfer.temporary_names import is_temporary, journal_name
from tests.support.ids import an_id

NAMES = [f"f{number:02d}" for number in range(40)]
TASK = an_id("task")


def fill(bench: Any) -> None:
    bench.write({f"d/{name}": f"content of {name}" for name in NAMES})


def names_there(bench: Any) -> list[str]:
    directory = bench.destination / "d"
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def content(fd: int) -> bytes:
    """First bytes of an open file; none of a directory."""
    return os.pread(fd, 100, 0) if stat.S_ISREG(os.fstat(fd).st_mode) else b""


def test_flushes_of_two_files_wait_at_the_same_time(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first flush ends only when a second one has begun."""
    fill(bench)
    real, both = os.fsync, threading.Barrier(2, timeout=20)
    threads: set[int] = set()

    def flush(fd: int) -> None:
        if len(threads) < 2 and threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            both.wait()
        real(fd)

    monkeypatch.setattr(os, "fsync", flush)
    bench.transfer(("/d", "/d", True))
    assert bench.tree() == bench.tree(bench.source)


def test_names_are_given_in_order_and_few_files_lie_there_unnamed(bench: Any) -> None:
    fill(bench)
    unnamed = []

    def look() -> bool:
        found = names_there(bench)
        named = [name for name in found if not is_temporary(name)]
        assert named == NAMES[: len(named)]
        unnamed.append(len(found) - len(named))
        return False

    bench.should_stop = look
    bench.transfer()
    # The journal lies at the top, as the item is the whole collection.
    assert 1 <= max(unnamed) <= 16
    assert names_there(bench) == NAMES


@pytest.mark.parametrize("resume", [False, True])
def test_a_stop_leaves_files_in_part_only_for_another_attempt(bench: Any, resume: bool) -> None:
    fill(bench)
    bench.should_stop = lambda: "f07" in names_there(bench)
    with pytest.raises(TransferError) as caught:
        bench.transfer(task=TASK, will_resume=lambda: resume)
    assert caught.value.code == "Canceled"
    found = names_there(bench)
    assert [name for name in found if not is_temporary(name)] == NAMES[:8]
    if not resume:
        assert not any(is_temporary(name) for name in found)
    bench.should_stop = lambda: False
    document = bench.transfer(task=TASK)
    assert bench.tree() == bench.tree(bench.source)
    assert document["files_transferred"] == len(NAMES)


def test_an_error_leaves_what_came_before_it_and_nothing_in_part(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bench)
    (bench.destination / "d/f05").mkdir(parents=True)
    with pytest.raises(TransferError) as caught:
        bench.transfer()
    assert caught.value.code == "ClientError.IsDirectory"
    assert "'/d/f05'" in str(caught.value)
    assert names_there(bench) == NAMES[:6]


@pytest.mark.parametrize("how", ["written", "replaced"])
def test_a_source_that_changes_between_copy_and_name_is_copied_again(
    bench: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    fill(bench)
    source, real, changed = bench.source / "d/f03", os.fsync, []

    def flush(fd: int) -> None:
        real(fd)
        if not changed and content(fd) == b"content of f03":
            changed.append(fd)
            target = source if how == "written" else source.with_name("new")
            target.write_text("another text")
            if how == "replaced":
                target.rename(source)

    monkeypatch.setattr(os, "fsync", flush)
    document = bench.transfer()
    assert changed
    assert (bench.destination / "d/f03").read_text() == "another text"
    assert (document["faults"], document["files_transferred"]) == (1, len(NAMES))


def test_a_damaged_copy_among_many_is_made_again(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bench)
    real, damaged = os.fsync, []

    def flush(fd: int) -> None:
        real(fd)
        if not damaged and content(fd) == b"content of f09":
            damaged.append(os.pwrite(fd, b"X", 3))

    monkeypatch.setattr(os, "fsync", flush)
    document = bench.transfer()
    assert bench.tree() == bench.tree(bench.source)
    assert (document["faults"], document["bytes_checksummed"]) == (1, 14 * len(NAMES))


def count_calls(bench: Any, directory: str) -> tuple[Counter[str], list[str]]:
    """How often a transfer of a directory makes each call, and the calls that fail."""
    calls: Counter[str] = Counter()
    failed: list[str] = []

    def watch(patch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            calls[name] += 1
            try:
                return real(*arguments, **keywords)
            except OSError:
                failed.append(name)
                raise

        patch.setattr(os, name, call)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "stat", "fstat", "lseek", "unlink", "readv", "write", "fsync"):
            watch(patch, name)
        bench.transfer((f"/{directory}", f"/{directory}", True))
    return calls, failed


def test_a_new_file_needs_few_calls_of_the_system(bench: Any) -> None:
    for number in range(30):
        bench.write({f"many/{number}": "content"})
    for number in range(10):
        bench.write({f"few/{number}": "content"})
    few, failed_for_few = count_calls(bench, "few")
    many, failed_for_many = count_calls(bench, "many")
    # Looks: the source's to count it, before it is opened, and before its copy is named; the
    # destination's before and after. Reads and writes: source, copy, copy again; the journal.
    expected = {"open": 2, "stat": 5, "fstat": 2, "lseek": 1, "readv": 2, "write": 2, "fsync": 1}
    assert {name: (many[name] - few[name]) / 20 for name in many - few} == expected
    for name in ("open", "unlink"):
        assert failed_for_many.count(name) == failed_for_few.count(name)


def earlier_line(item: int, path: str, source: os.stat_result, copy: os.stat_result) -> str:
    """A line of a journal, as the first version of headrace wrote it."""
    digest = hashlib.blake2b(TASK.encode(), digest_size=16)
    digest.update(b"\0%d\0" % item + path.encode())
    for number in (
        *(source.st_dev, source.st_ino, source.st_size, source.st_mtime_ns),
        *(copy.st_dev, copy.st_ino, copy.st_size, copy.st_mtime_ns, copy.st_ctime_ns),
    ):
        digest.update(b"\0%d" % number)
    return digest.hexdigest() + "\n"


def test_a_task_that_an_earlier_version_began_goes_on(bench: Any) -> None:
    fill(bench)
    (bench.destination / "d").mkdir()
    lines = []
    for name in NAMES[:10]:
        source, copy = bench.source / "d" / name, bench.destination / "d" / name
        copy.write_bytes(source.read_bytes())
        lines.append(earlier_line(0, f"d/{name}", source.stat(), copy.stat()))
    (bench.destination / journal_name(TASK)).write_text("".join(lines))
    inodes = {name: (bench.destination / "d" / name).stat().st_ino for name in NAMES[:10]}
    document = bench.transfer(task=TASK)
    assert {name: (bench.destination / "d" / name).stat().st_ino for name in inodes} == inodes
    assert bench.tree() == bench.tree(bench.source)
    assert document["files_transferred"] == len(NAMES)
