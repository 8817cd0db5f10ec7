"""Checksums: which algorithm, and what they notice in files of several chunks."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xxhash

from headrace.facility.transfer import TransferError, copy, streaming
from headrace.facility.transfer.checksum import find_algorithm, new_checksum

MEBI = 1 << 20


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("MD5", "md5"),
        ("SHA-256", "sha256"),
        ("sha512", "sha512"),
        ("SHA3-256", "sha3_256"),
        ("BLAKE2B", "blake2b"),
        ("XXH3-128", "xxh3_128"),
        ("xxh3_128", "xxh3_128"),
        ("SHAKE-128", None),
        ("CRC", None),
    ],
)
def test_names_of_algorithms(name: str, algorithm: str | None) -> None:
    assert find_algorithm(name) == algorithm
    if algorithm is not None:
        new_checksum(algorithm).update(memoryview(b"x"))


@pytest.mark.parametrize(
    ("algorithm", "checksum", "used"),
    [
        (None, None, "xxh3_128"),
        ("SHA256", None, "sha256"),
        (None, hashlib.md5(b"content").hexdigest(), "md5"),
        ("XXH3-128", xxhash.xxh3_128_hexdigest(b"content"), "xxh3_128"),
        ("SHA-512", hashlib.sha512(b"content").hexdigest(), "sha512"),
    ],
)
def test_the_algorithm_is_what_was_asked_for_in_both_passes(
    bench: Any,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str | None,
    checksum: str | None,
    used: str,
) -> None:
    bench.write({"f": "content"})
    started: list[str] = []

    def record(name: str) -> Any:
        started.append(name)
        return new_checksum(name)

    monkeypatch.setattr(copy, "new_checksum", record)
    monkeypatch.setattr(streaming, "new_checksum", record)
    item = {"source_path": "/f", "destination_path": "/f"}
    item |= {"external_checksum": checksum, "checksum_algorithm": algorithm}
    bench.transfer(DATA=[item])
    assert started == [used, used]
    assert bench.tree() == {"f": b"content"}


def spoil_once(path: Path, position: int) -> Callable[[int], None]:
    """Makes a flush after which a byte of a file is another one, at its first call."""
    real, spoilt = os.fsync, []

    def flush(fd: int) -> None:
        real(fd)
        if not spoilt and os.fstat(fd).st_size > MEBI and path.parent.exists():
            spoilt.append(os.pwrite(fd, b"\xff", position))

    return flush


@pytest.mark.parametrize("algorithm", [None, "SHA256"])
@pytest.mark.parametrize("position", [0, MEBI, 5 * MEBI + 16])
def test_one_byte_of_a_large_copy_is_noticed(
    bench: Any, monkeypatch: pytest.MonkeyPatch, algorithm: str | None, position: int
) -> None:
    content = bytes(5 * MEBI + 17)
    bench.write({"f": content})
    monkeypatch.setattr(os, "fsync", spoil_once(bench.destination / "f", position))
    item = {"source_path": "/f", "destination_path": "/f", "checksum_algorithm": algorithm}
    document = bench.transfer(DATA=[item])
    assert document["faults"] == 1
    assert bench.tree() == {"f": content}


def test_one_byte_of_a_large_file_is_seen_by_sync_level_3(bench: Any) -> None:
    content = bytes(3 * MEBI) + b"end"
    bench.write({"f": content})
    bench.write({"f": content[:-1] + b"!"}, bench.destination)
    assert bench.transfer(sync_level=3)["files_transferred"] == 1
    assert bench.tree() == {"f": content}
    document = bench.transfer(sync_level=3)
    assert (document["files_skipped"], document["bytes_checksummed"]) == (1, len(content))


def test_a_disk_that_fills_up_within_a_large_file(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"f": bytes(9 * MEBI)})
    real, written = os.write, [0]

    def write(fd: int, data: Any) -> int:
        if written[0] >= 2 * MEBI:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(fd, data)
        written[0] += count
        return count

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(TransferError) as caught:
        bench.transfer(("/f", "/f"))
    assert caught.value.code == "EndpointError.NoSpace"
    assert bench.tree() == {}


def test_writing_begins_before_the_flush(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(7 * MEBI + 1)
    bench.write({"f": content})
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(streaming, "_WRITEBACK", 2 * MEBI)
    real = streaming.begin_writeback

    def begin(fd: int, offset: int, length: int) -> None:
        asked.append((offset, length))
        real(fd, offset, length)

    monkeypatch.setattr(streaming, "begin_writeback", begin)
    bench.transfer(("/f", "/f"))
    assert asked == [(n * MEBI, 2 * MEBI) for n in (0, 2, 4)]
    assert bench.tree() == {"f": content}
