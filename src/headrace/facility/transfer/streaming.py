"""Reading a file once, while threads hash and write what was read.

hashlib and xxhash let other threads run while they hash large pieces, as reading and writing do:
reading, hashing and writing go on side by side. Memory is bounded by the buffers of one file.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from headrace.facility.transfer.checksum import new_checksum
from headrace.facility.transfer.errors import transfer_error
from headrace.facility.transfer.flushed_parts import FlushedParts

# Bytes of one buffer; a file that is not larger is read at once, and no thread is started for it.
CHUNK = 1 << 20
_BUFFERS = 4
# Bytes after which the disk is asked to begin to write them, so that the flush finds little to do.
_WRITEBACK = 16 * CHUNK
_SYNC_FILE_RANGE_WRITE = 2

Consumer = Callable[[memoryview], Any]


def read_through(
    fd: int, size: int, where: str, consumers: Sequence[Consumer], tick: Callable[[int], Any]
) -> int:
    """Read an open file from its offset to its end, and hand each piece to all consumers.

    Args:
        fd: the file.
        size: bytes that are expected; there may be more.
        where: the file, for messages.
        consumers: each is called with the pieces in their order; for a large file, in a thread of
            its own.
        tick: called with the bytes read so far after each piece; may raise to stop.

    Returns:
        The number of bytes read. All consumers are done with them.

    Raises:
        TransferError: the file cannot be read.
        Whatever ``tick`` or a consumer raises.
    """
    if size <= CHUNK:
        return _read_inline(fd, size, where, consumers, tick)
    with contextlib.ExitStack() as threads:
        calls = [threads.enter_context(ThreadPoolExecutor(1)).submit for _ in consumers]
        under_way: deque[tuple[bytearray, list[Future[Any]]]] = deque()
        position = started = 0
        while True:
            if started < _BUFFERS:
                buffer, started = bytearray(CHUNK), started + 1
            else:
                buffer, futures = under_way.popleft()
                for future in futures:
                    future.result()
            count = _read(fd, buffer, where)
            if count:
                piece = memoryview(buffer)[:count]
                pairs = zip(calls, consumers, strict=True)
                under_way.append((buffer, [call(consumer, piece) for call, consumer in pairs]))
                position += count
                tick(position)
            if count == 0 or (count < CHUNK and position == size):
                break
        for _, futures in under_way:
            for future in futures:
                future.result()
    return position


def _read_inline(
    fd: int, size: int, where: str, consumers: Sequence[Consumer], tick: Callable[[int], Any]
) -> int:
    # One byte more than there should be: a file that grew shows, and the end needs no second call.
    buffer = bytearray(size + 1)
    position = 0
    while count := _read(fd, buffer, where):
        for consumer in consumers:
            consumer(memoryview(buffer)[:count])
        position += count
        tick(position)
        if position == size:
            break
    return position


def _read(fd: int, buffer: bytearray, where: str) -> int:
    try:
        return os.readv(fd, [buffer])
    except OSError as error:
        raise transfer_error(error, where) from error


def hash_file(
    fd: int, size: int, algorithm: str, where: str, tick: Callable[[int], Any]
) -> tuple[str, int]:
    """Compute the checksum of an open file, from its offset to its end.

    Args:
        fd: the file.
        size: bytes that are expected.
        algorithm: the checksum's.
        where: the file, for messages.
        tick: called with the bytes read so far after each piece.

    Returns:
        The checksum, and the number of bytes.

    Raises:
        TransferError: the file cannot be read.
    """
    checksum = new_checksum(algorithm)
    count = read_through(fd, size, where, [checksum.update], tick)
    return checksum.hexdigest(), count


class FileWriter:
    """Writer of the pieces of one file, in their order.

    Args:
        fd: the file, open for writing at offset ``kept``.
        kept: bytes at its beginning that are there already, and are not written again.
        parts: told how far the file is written; None: it is flushed as a whole.
    """

    def __init__(self, fd: int, kept: int, parts: FlushedParts | None = None) -> None:
        self._fd = fd
        self._parts = parts
        self._kept = kept
        self._position = 0
        self._writing_from = kept

    def write(self, piece: memoryview) -> None:
        """Write a piece.

        Raises:
            OSError: the disk is full, or has an error.
            TransferError: what was written cannot be read again.
        """
        done = min(len(piece), max(0, self._kept - self._position))
        while done < len(piece):
            done += os.write(self._fd, piece[done:])
        self._position += len(piece)
        if self._position - self._writing_from >= _WRITEBACK:
            begin_writeback(self._fd, self._writing_from, self._position - self._writing_from)
            self._writing_from = self._position
        if self._parts is not None:
            self._parts.advance(self._position)


def begin_writeback(fd: int, offset: int, length: int) -> None:
    """Ask the disk to begin to write a part of a file; it is written only after a flush.

    Errors are not told here: they wait for the flush.
    """
    call = _sync_file_range()
    if call is not None:
        call(fd, offset, length, _SYNC_FILE_RANGE_WRITE)


@functools.cache
def _sync_file_range() -> Callable[..., int] | None:
    """Return the C library's function, which `os` does not have; None where there is none."""
    try:
        found = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return found
