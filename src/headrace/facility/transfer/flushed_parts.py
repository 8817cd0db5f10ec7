"""Parts of a large file: flushed, read again and dropped from memory while others are written.

The kernel keeps what is written in memory. For a file of gigabytes it has to find as much of it,
at the expense of what others have read, and flushing and reading again would begin only when all is
written. Here memory for a few parts serves a file of any size, and writing, flushing and reading
again go on side by side.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from headrace._internal.closing import ClosedOnExit
from headrace.facility.transfer.checksum import Checksum, new_checksum
from headrace.facility.transfer.errors import transfer_error

# Files from this size on are treated so; of smaller ones it is of use that they stay in memory.
_LARGE = 256 << 20
# Bytes of a part, and of one call that reads it.
_PART = 64 << 20
_CHUNK = 1 << 20
# So many parts may wait to be flushed and read; then writing waits, too.
_WAITING = 2


class FlushedParts(ClosedOnExit):
    """Parts of one file that is being written from its beginning.

    Args:
        fd: the file, open for reading and writing; its offset is left alone.
        algorithm: of the checksum of what is read again; "" where nothing is.
        where: the file, for messages.
    """

    def __init__(self, fd: int, algorithm: str, where: str) -> None:
        self._fd = fd
        self._where = where
        self._checksum = new_checksum(algorithm) if algorithm else None
        self._next = 0
        self._count = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._waiting: deque[Future[None]] = deque()

    @staticmethod
    def serve(size: int) -> bool:
        """Tell whether a file is large enough for parts, where the system can drop them."""
        return sys.platform == "linux" and size >= _LARGE

    def advance(self, position: int) -> None:
        """Flush and read again what is written, where it is a part or more.

        Args:
            position: bytes written so far.

        Raises:
            OSError: an earlier part cannot be flushed.
            TransferError: it cannot be read again.
        """
        if position - self._next >= _PART:
            while len(self._waiting) >= _WAITING:
                self._waiting.popleft().result()
            self._waiting.append(self._thread.submit(self._complete, self._next, position))
            self._next = position

    def finish(self) -> tuple[str, int]:
        """Flush and read again the rest, to the end of the file.

        Returns:
            checksum and number of the bytes that were read again; "" and 0 where none were.

        Raises:
            OSError: a part cannot be flushed.
            TransferError: it cannot be read again.
        """
        self._waiting.append(self._thread.submit(self._complete, self._next, None))
        while self._waiting:
            self._waiting.popleft().result()
        return (self._checksum.hexdigest() if self._checksum else ""), self._count

    def close(self) -> None:
        """Wait for the part that is being flushed, and give up the others."""
        self._thread.shutdown(cancel_futures=True)

    def _complete(self, start: int, end: int | None) -> None:
        # Only what was flushed is read again, and only what was flushed can be dropped.
        os.fdatasync(self._fd)
        if self._checksum is not None:
            self._read_again(self._checksum, start, end)
        length = 0 if end is None else end - start
        os.posix_fadvise(self._fd, start, length, os.POSIX_FADV_DONTNEED)

    def _read_again(self, checksum: Checksum, position: int, end: int | None) -> None:
        buffer = memoryview(bytearray(_CHUNK))
        while end is None or position < end:
            wanted = _CHUNK if end is None else min(_CHUNK, end - position)
            try:
                count = os.preadv(self._fd, [buffer[:wanted]], position)
            except OSError as error:
                raise transfer_error(error, self._where) from error
            if not count:
                return
            checksum.update(buffer[:count])
            self._count += count
            position += count
