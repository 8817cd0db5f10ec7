"""One file: copied under a temporary name, flushed, verified, renamed.

Memory is bounded by one chunk. What an earlier attempt wrote is kept, not trusted: the source is
read and hashed from its beginning, only what is missing is written, and the whole copy is read
again.
"""

from __future__ import annotations

import hashlib
import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headrace.facility.transfer.collection import OpenDirectory
from headrace.facility.transfer.errors import CopyFault, TransferError, is_no_space, transfer_error
from headrace.facility.transfer.journal import is_own_file
from headrace.facility.transfer.paths import quoted

CHUNK = 1 << 20


class TaskStopped(Exception):
    """The task was asked to stop."""


@dataclass(frozen=True)
class CopyOptions:
    """Options of a copy.

    Attributes:
        verify: read the copy again and compare checksums.
        preserve_timestamp: give the copy the source's times.
        algorithm: the checksum's, by ``hashlib``'s name.
        expected: the checksum that the file must have, or "".
    """

    verify: bool
    preserve_timestamp: bool
    algorithm: str
    expected: str = ""


@dataclass(frozen=True)
class CopyResult:
    """A file that is in place.

    Attributes:
        source: status of the file that was read.
        copy: status of the copy, under its name.
        checksummed: bytes read again.
    """

    source: os.stat_result
    copy: os.stat_result
    checksummed: int


def copy_file(
    source: OpenDirectory,
    name: str,
    destination: OpenDirectory,
    target: str,
    temporary: str,
    options: CopyOptions,
    tick: Callable[[int], None],
    keep_partial: Callable[[], bool],
) -> CopyResult:
    """Copy one regular file; nothing is seen under its new name before all of it is there.

    Args:
        source: directory of the file.
        name: the file.
        destination: directory of the copy.
        target: name of the copy; a file that has it is replaced, and keeps its permissions.
        temporary: name for the time of copying, in ``destination``.
        options: how to copy.
        tick: called with the bytes read so far after each chunk; raises ``TaskStopped`` to stop.
        keep_partial: asked when stopped whether the temporary file will be of use.

    Returns:
        Both files' status.

    Raises:
        CopyFault: the file changed while it was read, or the copy is not equal to it.
        TransferError: it cannot be read or written; ``EndpointError.NoSpace``: the disk is full.
        TaskStopped: ``tick`` raised it.
        In all cases the temporary file is removed, unless it is kept.
    """
    reading = source.open_file(name)
    try:
        before = os.fstat(reading)
        where = destination.describe(target)
        existing = destination.lstat(target)
        if existing is not None and modes.S_ISDIR(existing.st_mode):
            message = f"{where}: is a directory: give the full path of the file to be"
            raise TransferError("ClientError.IsDirectory", message)
        try:
            try:
                writing, kept = _open_temporary(destination, temporary, before.st_size, options)
                try:
                    checksum = _copy_bytes(
                        reading,
                        writing,
                        before.st_size,
                        kept,
                        options,
                        tick,
                        source.describe(name),
                    )
                    _refuse_changed(before, reading, source.describe(name))
                    _refuse_unexpected(checksum, options, source.describe(name))
                    _finish(writing, before, existing, options)
                    checksummed = 0
                    if options.verify:
                        checksummed = _verify(writing, checksum, options, tick, where)
                finally:
                    os.close(writing)
                os.rename(temporary, target, src_dir_fd=destination.fd, dst_dir_fd=destination.fd)
            except OSError as error:
                raise _write_error(error, destination, where, before.st_size) from error
        except BaseException as error:
            if not (isinstance(error, TaskStopped) and keep_partial()):
                _remove_temporary(destination, temporary)
            raise
        copy = destination.lstat(target)
        if copy is None:
            raise CopyFault("ExternalError.FileChanged", f"{where}: was removed as it was written")
        return CopyResult(before, copy, checksummed)
    finally:
        os.close(reading)


def _open_temporary(
    folder: OpenDirectory, temporary: str, size: int, options: CopyOptions
) -> tuple[int, int]:
    """Return the open temporary file, and how many of its first bytes need not be written."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(temporary, flags, dir_fd=folder.fd)
    except OSError:
        fd = -1
    if fd >= 0:
        status = os.fstat(fd)
        if options.verify and is_own_file(status) and status.st_size <= size:
            return fd, status.st_size
        os.close(fd)
    _remove_temporary(folder, temporary)
    return os.open(temporary, flags | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder.fd), 0


def _copy_bytes(
    reading: int,
    writing: int,
    size: int,
    kept: int,
    options: CopyOptions,
    tick: Callable[[int], None],
    where: str,
) -> str:
    checksum = hashlib.new(options.algorithm, usedforsecurity=False)
    hashing = options.verify or bool(options.expected)
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    position = 0
    os.lseek(writing, kept, os.SEEK_SET)
    while True:
        try:
            count = os.readv(reading, [buffer])
        except OSError as error:
            raise transfer_error(error, where) from error
        if count == 0:
            return checksum.hexdigest()
        if hashing:
            checksum.update(view[:count])
        written = min(count, max(0, kept - position))
        while written < count:
            written += os.write(writing, view[written:count])
        position += count
        if position > size:
            # Whoever appends may be faster than this: do not run after the end.
            raise _changed(where)
        tick(position)


def _refuse_changed(before: os.stat_result, reading: int, where: str) -> None:
    after = os.fstat(reading)
    position = os.lseek(reading, 0, os.SEEK_CUR)
    if (position, after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_size,
        before.st_mtime_ns,
    ):
        raise _changed(where)


def _changed(where: str) -> CopyFault:
    return CopyFault(
        "ExternalError.FileChanged",
        f"{where}: changed while it was copied: run again when nobody writes to it",
    )


def _refuse_unexpected(checksum: str, options: CopyOptions, where: str) -> None:
    if options.expected and checksum != options.expected:
        raise TransferError(
            "ExternalError.ChecksumMismatch",
            f"{where}: its {options.algorithm} is {checksum}, external_checksum says "
            f"{quoted(options.expected)}: get the file again, or correct the checksum",
        )


def _finish(
    writing: int, before: os.stat_result, existing: os.stat_result | None, options: CopyOptions
) -> None:
    if existing is not None and modes.S_ISREG(existing.st_mode):
        os.fchmod(writing, existing.st_mode & 0o777)
    if options.preserve_timestamp:
        os.utime(writing, ns=(before.st_atime_ns, before.st_mtime_ns))
    os.fsync(writing)


def _verify(
    writing: int, checksum: str, options: CopyOptions, tick: Callable[[int], None], where: str
) -> int:
    size = os.fstat(writing).st_size
    if hash_file(writing, options.algorithm, lambda _: tick(size)) != checksum:
        message = f"{where}: the copy's checksum differs: check the disk, then run again"
        raise CopyFault("ExternalError.ChecksumMismatch", message)
    return size


def hash_file(fd: int, algorithm: str, tick: Callable[[int], Any]) -> str:
    """Return the checksum of an open file, from its first byte.

    Args:
        fd: the file.
        algorithm: by ``hashlib``'s name.
        tick: called with the bytes read so far after each chunk.
    """
    checksum = hashlib.new(algorithm, usedforsecurity=False)
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    position = 0
    os.lseek(fd, 0, os.SEEK_SET)
    while count := os.readv(fd, [buffer]):
        checksum.update(view[:count])
        position += count
        tick(position)
    return checksum.hexdigest()


def _write_error(error: OSError, folder: OpenDirectory, where: str, size: int) -> TransferError:
    if not is_no_space(error):
        return transfer_error(error, where)
    free = os.fstatvfs(folder.fd)
    return TransferError(
        "EndpointError.NoSpace",
        f"{where}: {os.strerror(error.errno or 0).lower()}: the file needs {size} bytes, "
        f"{free.f_bavail * free.f_frsize} were free with part of it written: "
        "free some space, then run again",
    )


def _remove_temporary(folder: OpenDirectory, temporary: str) -> None:
    try:
        os.unlink(temporary, dir_fd=folder.fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise transfer_error(error, folder.describe(temporary)) from error
