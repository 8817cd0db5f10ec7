"""One file: copied under a temporary name, flushed, verified, renamed.

What an earlier attempt wrote is kept, not trusted: the source is read and hashed from its
beginning, only what is missing is written, and the whole copy is read again. What is read again is
what the file system has after a flush; of what was just written it has most in memory.
"""

from __future__ import annotations

import contextlib
import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass, replace

from headrace.facility.transfer.checksum import new_checksum
from headrace.facility.transfer.collection import OpenDirectory
from headrace.facility.transfer.errors import CopyFault, TransferError, is_no_space, transfer_error
from headrace.facility.transfer.flushed_parts import FlushedParts
from headrace.facility.transfer.journal import is_own_file
from headrace.facility.transfer.paths import quoted
from headrace.facility.transfer.streaming import Consumer, FileWriter, hash_file, read_through


class TaskStopped(Exception):
    """The task was asked to stop."""


@dataclass(frozen=True)
class CopyOptions:
    """Options of a copy.

    Attributes:
        verify: read the copy again and compare checksums.
        preserve_timestamp: give the copy the source's times.
        algorithm: the checksum's.
        expected: the checksum that the file must have, or "".
    """

    verify: bool
    preserve_timestamp: bool
    algorithm: str
    expected: str = ""


@dataclass(frozen=True)
class FilePair:
    """A file, and where its copy is to be.

    Attributes:
        source: directory of the file.
        name: the file.
        destination: directory of the copy.
        target: name of the copy; a file that has it is replaced, and keeps its permissions.
        temporary: name for the time of copying, in ``destination``.
        status: the file's, as it was seen.
        existing: status of what has the copy's name; None: nothing has it.
    """

    source: OpenDirectory
    name: str
    destination: OpenDirectory
    target: str
    temporary: str
    status: os.stat_result
    existing: os.stat_result | None

    @property
    def source_path(self) -> str:
        """The file, as messages name it."""
        return self.source.describe(self.name)

    @property
    def target_path(self) -> str:
        """The copy, as messages name it."""
        return self.destination.describe(self.target)


def look_again(pair: FilePair) -> FilePair:
    """Return the pair with what both look like now; a file that has gone looks as it did.

    Raises:
        TransferError: a directory may not be searched.
    """
    status = pair.source.lstat(pair.name) or pair.status
    return replace(pair, status=status, existing=pair.destination.lstat(pair.target))


def write_copy(pair: FilePair, options: CopyOptions, tick: Callable[[int], None]) -> os.stat_result:
    """Copy one regular file under its temporary name, flush the copy and verify it.

    Args:
        pair: the file and its copy.
        options: how to copy.
        tick: called with the bytes read so far after each chunk; raises ``TaskStopped`` to stop.

    Returns:
        The status of the file that was read.

    Raises:
        CopyFault: the file changed while it was read, or the copy is not equal to it.
        TransferError: it cannot be read or written; ``EndpointError.NoSpace``: the disk is full.
        TaskStopped: ``tick`` raised it.
        In all cases the temporary file is left.
    """
    reading, before = pair.source.open_file(pair.name, pair.status)
    try:
        if pair.existing is not None and modes.S_ISDIR(pair.existing.st_mode):
            message = f"{pair.target_path}: is a directory: give the full path of the file to be"
            raise TransferError("ClientError.IsDirectory", message)
        try:
            with contextlib.ExitStack() as opened:
                writing, kept = _open_temporary(pair, before.st_size, options)
                opened.callback(os.close, writing)
                parts = None
                if FlushedParts.serve(before.st_size):
                    algorithm = options.algorithm if options.verify else ""
                    parts = opened.enter_context(FlushedParts(writing, algorithm, pair.target_path))
                writer = FileWriter(writing, kept, parts)
                checksum = _copy_bytes(reading, writer, before, pair, options, tick)
                _refuse_unexpected(checksum, options, pair)
                _finish(writing, before, pair.existing, options)
                _verify(writing, parts, before.st_size, checksum, pair, options, tick)
        except OSError as error:
            raise _write_error(error, pair, before.st_size) from error
    finally:
        os.close(reading)
    return before


def name_copy(pair: FilePair, size: int) -> os.stat_result:
    """Give a written copy its name, and return its status.

    Args:
        pair: the file and its copy.
        size: bytes of the file, for messages.

    Raises:
        CopyFault: the copy was removed meanwhile.
        TransferError: it cannot be renamed.
    """
    folder = pair.destination.fd
    try:
        os.rename(pair.temporary, pair.target, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        raise _write_error(error, pair, size) from error
    copy = pair.destination.lstat(pair.target)
    if copy is None:
        message = f"{pair.target_path}: was removed as it was written"
        raise CopyFault("ExternalError.FileChanged", message)
    return copy


def remove_temporary(pair: FilePair) -> None:
    """Remove the temporary file, if there is one.

    Raises:
        TransferError: it cannot be removed.
    """
    try:
        os.unlink(pair.temporary, dir_fd=pair.destination.fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise transfer_error(error, pair.destination.describe(pair.temporary)) from error


def refuse_replaced(pair: FilePair, before: os.stat_result) -> None:
    """Refuse a copy whose source has gone, or is another one, since it was read.

    Args:
        pair: the file and its copy.
        before: status of the file that was read.

    Raises:
        TransferError: ``ClientError.NotFound``: it has gone.
        CopyFault: it changed, or was replaced.
    """
    now = pair.source.lstat(pair.name)
    if now is None:
        raise TransferError("ClientError.NotFound", f"{pair.source_path}: does not exist")
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    ):
        raise _changed(pair)


def _open_temporary(pair: FilePair, size: int, options: CopyOptions) -> tuple[int, int]:
    """Return the open temporary file, and how many of its first bytes need not be written."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    name, folder = pair.temporary, pair.destination.fd
    create = flags | os.O_CREAT | os.O_EXCL
    try:
        return os.open(name, create, 0o666, dir_fd=folder), 0
    except FileExistsError:
        pass  # an earlier attempt left it, or somebody made it
    try:
        fd = os.open(name, flags, dir_fd=folder)
    except OSError:
        fd = -1
    if fd >= 0:
        status = os.fstat(fd)
        if options.verify and is_own_file(status) and status.st_size <= size:
            os.lseek(fd, status.st_size, os.SEEK_SET)
            return fd, status.st_size
        os.close(fd)
    remove_temporary(pair)
    return os.open(name, create, 0o666, dir_fd=folder), 0


def _copy_bytes(
    reading: int,
    writer: FileWriter,
    before: os.stat_result,
    pair: FilePair,
    options: CopyOptions,
    tick: Callable[[int], None],
) -> str:
    """Copy what is missing, and return the checksum of the source, or "" where none is needed."""
    consumers: list[Consumer] = [writer.write]
    checksum = None
    if options.verify or options.expected:
        checksum = new_checksum(options.algorithm)
        consumers.append(checksum.update)

    def advance(position: int) -> None:
        if position > before.st_size:
            # Whoever appends may be faster than this: do not run after the end.
            raise _changed(pair)
        tick(position)

    position = read_through(reading, before.st_size, pair.source_path, consumers, advance)
    after = os.fstat(reading)
    if (position, after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_size,
        before.st_mtime_ns,
    ):
        raise _changed(pair)
    return checksum.hexdigest() if checksum is not None else ""


def _changed(pair: FilePair) -> CopyFault:
    return CopyFault(
        "ExternalError.FileChanged",
        f"{pair.source_path}: changed while it was copied: run again when nobody writes to it",
    )


def _refuse_unexpected(checksum: str, options: CopyOptions, pair: FilePair) -> None:
    if options.expected and checksum != options.expected:
        raise TransferError(
            "ExternalError.ChecksumMismatch",
            f"{pair.source_path}: its {options.algorithm} is {checksum}, external_checksum says "
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
    writing: int,
    parts: FlushedParts | None,
    size: int,
    checksum: str,
    pair: FilePair,
    options: CopyOptions,
    tick: Callable[[int], None],
) -> None:
    where = pair.target_path
    if parts is not None:
        found = parts.finish()
    elif options.verify:
        os.lseek(writing, 0, os.SEEK_SET)
        found = hash_file(writing, size, options.algorithm, where, lambda _: tick(size))
    else:
        return
    if options.verify and found != (checksum, size):
        message = f"{where}: the copy's checksum differs: check the disk, then run again"
        raise CopyFault("ExternalError.ChecksumMismatch", message)


def _write_error(error: OSError, pair: FilePair, size: int) -> TransferError:
    where = pair.target_path
    if not is_no_space(error):
        return transfer_error(error, where)
    free = os.fstatvfs(pair.destination.fd)
    return TransferError(
        "EndpointError.NoSpace",
        f"{where}: {os.strerror(error.errno or 0).lower()}: the file needs {size} bytes, "
        f"{free.f_bavail * free.f_frsize} were free with part of it written: "
        "free some space, then run again",
    )
