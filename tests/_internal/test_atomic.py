"""A file is whole or not there: threads, processes, full disks and kills beside it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace._internal import atomic
from headrace._internal.atomic import atomic_replacement, directory_replacement, write_atomic


def test_text_and_bytes_replace_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomic(path, "größer\n")
    assert path.read_bytes() == "größer\n".encode()
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_many_threads_write_one_file_and_it_is_always_one_of_theirs(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    texts = [letter * 20_000 for letter in "abcdefgh"]
    write_atomic(path, texts[0])
    failures: list[OSError] = []
    seen: set[str] = set()

    def write(text: str) -> None:
        try:
            for _ in range(25):
                write_atomic(path, text)
                seen.add(path.read_text())
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert seen <= set(texts)
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


def test_the_permissions_are_those_asked_for_less_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "shared", "")
        write_atomic(tmp_path / "private", "", atomic.PRIVATE)
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_the_directory_is_flushed_after_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    true_fsync, true_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        calls.append("directory" if name == tmp_path.name else "file")
        true_fsync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        calls.append("rename")
        return true_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(tmp_path / "x", "x")
    assert calls == ["file", "rename", "directory"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_refuses_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def fsync(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=os.strerror(code)):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_an_exception_in_the_body_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(UnicodeEncodeError),
        atomic_replacement(tmp_path / "x") as temporary,
        temporary.open("w", encoding="ascii") as stream,
    ):
        stream.write("half" * 10_000 + "ü")
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomic(path, "x")
    assert path.read_text() == "x"


def test_a_kill_leaves_the_old_or_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    texts = {"a" * 100_000, "b" * 100_000}
    program = (
        "import sys; from pathlib import Path\n"
        "from headrace._internal.atomic import write_atomic\n"
        "while True:\n"
        "    for letter in 'ab':\n"
        "        write_atomic(Path(sys.argv[1]), letter * 100_000)\n"
        "        print(letter, flush=True)\n"
    )
    for lines in range(1, 6):
        writer = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert path.read_text() in texts


def test_a_directory_replaces_another_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "results"
    for name in ("first", "second"):
        with directory_replacement(path) as partial:
            (partial / name).touch()
            assert not (path / name).exists()
        assert [entry.name for entry in path.iterdir()] == [name]

    def fail() -> None:
        with directory_replacement(path) as partial:
            (partial / "log").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [entry.name for entry in path.iterdir()] == ["second"]
    assert (tmp_path / ".results.partial" / "log").exists(), "what failed can be looked at"
    with directory_replacement(path) as partial:
        assert list(partial.iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["results"]
