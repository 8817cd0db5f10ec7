"""Large files are flushed, read again and dropped from memory in parts while others are written."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import pytest

from headrace.facility.transfer import TransferError, flushed_parts

MEBI = 1 << 20
PART = 2 * MEBI
CONTENT = os.urandom(7 * MEBI + 17)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops parts of files")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flushed_parts, "_LARGE", 3 * MEBI)
    monkeypatch.setattr(flushed_parts, "_PART", PART)


class Calls:
    """What is done to the copy, in its order; the flushes do something else, too, if asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flushes = 0
        self.read: list[tuple[int, int]] = []
        self.dropped: list[tuple[int, int]] = []
        self.after_flush = lambda fd: None
        flush, read, advise = os.fdatasync, os.preadv, os.posix_fadvise

        def flush_part(fd: int) -> None:
            flush(fd)
            self.flushes += 1
            self.after_flush(fd)

        def read_part(fd: int, buffers: Any, offset: int) -> int:
            count = read(fd, buffers, offset)
            self.read.append((self.flushes, offset + count))
            return count

        def drop(fd: int, offset: int, length: int, advice: int) -> None:
            assert advice == os.POSIX_FADV_DONTNEED
            self.dropped.append((offset, length))
            advise(fd, offset, length, advice)

        monkeypatch.setattr(os, "fdatasync", flush_part)
        monkeypatch.setattr(os, "preadv", read_part)
        monkeypatch.setattr(os, "posix_fadvise", drop)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(monkeypatch)


@pytest.mark.parametrize("algorithm", [None, "SHA256"])
def test_each_part_is_flushed_then_read_again_then_dropped(
    bench: Any, calls: Calls, algorithm: str | None
) -> None:
    bench.write({"f": CONTENT})
    item = {"source_path": "/f", "destination_path": "/f", "checksum_algorithm": algorithm}
    document = bench.transfer(DATA=[item])
    assert bench.tree() == {"f": CONTENT}
    assert document["faults"] == 0
    assert calls.dropped == [(0, PART), (PART, PART), (2 * PART, PART), (3 * PART, 0)]
    ends = [len(CONTENT), *(number * PART for number in (3, 2, 1))]
    for flushes, end in zip((4, 3, 2, 1), ends, strict=True):
        assert max(position for after, position in calls.read if after <= flushes) == end


def test_without_verification_nothing_is_read_again(bench: Any, calls: Calls) -> None:
    bench.write({"f": CONTENT})
    bench.transfer(("/f", "/f"), verify_checksum=False)
    assert bench.tree() == {"f": CONTENT}
    assert (calls.flushes, calls.read) == (4, [])


@pytest.mark.parametrize("size", [3 * MEBI - 1, 3 * MEBI, 2 * PART])
def test_sizes_at_the_limits(bench: Any, calls: Calls, size: int) -> None:
    bench.write({"f": CONTENT[:size]})
    assert bench.transfer(("/f", "/f"))["faults"] == 0
    assert bench.tree() == {"f": CONTENT[:size]}
    assert bool(calls.flushes) == (size >= 3 * MEBI)


@pytest.mark.parametrize("position", [0, PART - 1, PART, 7 * MEBI + 16])
def test_a_byte_that_changes_at_the_flush_of_its_part_is_noticed(
    bench: Any, calls: Calls, position: int
) -> None:
    bench.write({"f": CONTENT})
    number = position // PART + 1

    def spoil(fd: int) -> None:
        if calls.flushes == number:
            os.pwrite(fd, bytes([CONTENT[position] ^ 1]), position)

    calls.after_flush = spoil
    assert bench.transfer(("/f", "/f"))["faults"] == 1
    assert bench.tree() == {"f": CONTENT}


@pytest.mark.parametrize("change", ["longer", "shorter"])
def test_a_copy_of_another_size_is_noticed(bench: Any, calls: Calls, change: str) -> None:
    bench.write({"f": CONTENT})

    def resize(fd: int) -> None:
        if calls.flushes == 4:
            os.ftruncate(fd, len(CONTENT) + (1 if change == "longer" else -1))

    calls.after_flush = resize
    assert bench.transfer(("/f", "/f"))["faults"] == 1
    assert bench.tree() == {"f": CONTENT}


@pytest.mark.parametrize("flush", [1, 2, 4])
@pytest.mark.parametrize(
    ("problem", "code"), [(errno.ENOSPC, "EndpointError.NoSpace"), (errno.EIO, "EndpointError")]
)
def test_a_flush_that_fails_ends_the_transfer(
    bench: Any, calls: Calls, flush: int, problem: int, code: str
) -> None:
    bench.write({"f": CONTENT})

    def fail(_: int) -> None:
        if calls.flushes == flush:
            raise OSError(problem, os.strerror(problem))

    calls.after_flush = fail
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == code
    assert "'/f'" in str(caught.value)
    assert bench.tree() == {}


def test_a_copy_that_cannot_be_read_again(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"f": CONTENT})

    def fail(*_: Any) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(TransferError, match="check the disk") as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == "EndpointError"
    assert "'hpc'" in str(caught.value)
    assert bench.tree() == {}


@pytest.mark.parametrize("spoilt", [False, True])
def test_what_an_earlier_attempt_wrote_is_kept_and_read_again(
    bench: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, spoilt: bool
) -> None:
    bench.write({"f": CONTENT})

    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 6

    bench.should_stop = stop
    with pytest.raises(TransferError):
        bench.transfer(("/f", "/f"), task="t", will_resume=lambda: True)
    left = max(bench.destination.iterdir(), key=lambda path: path.stat().st_size)
    assert left.stat().st_size >= MEBI
    if spoilt:
        with left.open("r+b") as file:
            file.write(bytes([CONTENT[0] ^ 1]))
    bench.should_stop = lambda: False
    written: list[int] = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: written.append(len(data)) or real(fd, data))
    size = left.stat().st_size
    document = bench.transfer(("/f", "/f"), task="t")
    assert bench.tree() == {"f": CONTENT}
    assert document["faults"] == int(spoilt)
    if not spoilt:
        journal_line = 33
        assert sum(written) - journal_line == len(CONTENT) - size
