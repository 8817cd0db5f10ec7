"""Journal of the files that a task has finished, kept beside them until the task ends.

One line per file: a digest over the task, the item, the path, and what both files looked like when
the copy was done (inodes, sizes, times; the destination's time of change too). After a kill, a file
counts as finished only where all of that is still true, so a journal can be lost, truncated or
stale, and the worst is a file that is copied again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat as modes

from headrace.facility.transfer.collection import OpenDirectory
from headrace.facility.transfer.errors import transfer_error
from headrace.facility.transfer.temporary_names import journal_name

_DIGEST = 16


class Journal:
    """Journal of one task, opened or created.

    Args:
        folder: the directory where it lies; kept open by the journal.
        task_id: the task.

    Attributes:
        resumed: an earlier attempt at the task left it.
    """

    def __init__(self, folder: OpenDirectory, task_id: str) -> None:
        self._folder = folder
        self._name = journal_name(task_id)
        self._task = task_id.encode("utf-8", "surrogatepass")
        self._finished: set[bytes] = set()
        try:
            self.resumed, self._fd = self._open()
        except OSError as error:
            raise transfer_error(error, folder.describe()) from error

    @staticmethod
    def exists_in(folder: OpenDirectory, task_id: str) -> bool:
        """Return whether the task has a journal in a directory."""
        status = folder.lstat(journal_name(task_id))
        return status is not None and modes.S_ISREG(status.st_mode)

    def _open(self) -> tuple[bool, int]:
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            resumed, fd = True, os.open(self._name, flags, dir_fd=self._folder.fd)
            if not is_own_file(os.fstat(fd)):
                os.close(fd)
                raise OSError
        except OSError:
            with contextlib.suppress(FileNotFoundError):  # there is none at the first attempt
                os.unlink(self._name, dir_fd=self._folder.fd)
            flags |= os.O_CREAT | os.O_EXCL
            resumed, fd = False, os.open(self._name, flags, 0o600, dir_fd=self._folder.fd)
        if resumed:
            with os.fdopen(os.dup(fd), "rb") as file:
                for line in file:
                    if len(line) == 2 * _DIGEST + 1:
                        try:
                            self._finished.add(bytes.fromhex(line.decode("ascii")))
                        except ValueError:
                            continue  # truncated: the file will be copied again
        return resumed, fd

    def _digest(
        self, item: int, path: tuple[str, ...], source: os.stat_result, copy: os.stat_result
    ) -> bytes:
        digest = hashlib.blake2b(self._task, digest_size=_DIGEST)
        digest.update(b"\0%d\0" % item + b"/".join(os.fsencode(name) for name in path))
        for number in (
            *(source.st_dev, source.st_ino, source.st_size, source.st_mtime_ns),
            *(copy.st_dev, copy.st_ino, copy.st_size, copy.st_mtime_ns, copy.st_ctime_ns),
        ):
            digest.update(b"\0%d" % number)
        return digest.digest()

    def has(
        self, item: int, path: tuple[str, ...], source: os.stat_result, copy: os.stat_result | None
    ) -> bool:
        """Return whether this task has made this copy of this file, and neither has changed since.

        Args:
            item: position in ``DATA``.
            path: names that lead from the item to the file.
            source: the file's status.
            copy: status of what is at the destination, or None.
        """
        if copy is None or not self._finished:
            return False
        return self._digest(item, path, source, copy) in self._finished

    def add(
        self, item: int, path: tuple[str, ...], source: os.stat_result, copy: os.stat_result
    ) -> None:
        """Record that a file is finished.

        Args:
            item: position in ``DATA``.
            path: names that lead from the item to the file.
            source: the file's status, as it was copied.
            copy: status of the file at the destination.

        Raises:
            TransferError: the disk is full, or has an error.
        """
        line = self._digest(item, path, source, copy).hex().encode("ascii") + b"\n"
        try:
            os.write(self._fd, line)
        except OSError as error:
            raise transfer_error(error, self._folder.describe()) from error

    def close(self, *, keep: bool) -> None:
        """End the use of the journal.

        Args:
            keep: leave it for the next attempt.
        """
        os.close(self._fd)
        with self._folder:
            if not keep:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._name, dir_fd=self._folder.fd)


def is_own_file(status: os.stat_result) -> bool:
    """Return whether a file is regular, this user's, and has no second name."""
    return modes.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid == os.geteuid()
