"""Files and directories below a collection's root, and nothing else.

A path is walked from the open root, name by name, each opened relative to the directory before it
and never by the kernel through a symbolic link. A link on the way of a path, or at its end, is
read, and its target walked in the same manner (`headrace.facility.transfer.links`), so that
nothing that is swapped, moved or linked meanwhile can lead outside. Links inside a directory that
is transferred as a whole are left out.

The root itself may be reached through links: whoever wrote ``headrace.toml`` chose it. FIFOs,
sockets and devices are not opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat as modes
from dataclasses import dataclass
from pathlib import Path

from headrace._internal.closing import ClosedOnExit
from headrace._internal.file_identity import Identity, identify_open
from headrace.facility.transfer.errors import TransferError, transfer_error
from headrace.facility.transfer.paths import display_path, quoted

# O_PATH needs no read permission: clusters have directories that may be crossed, but not read.
_CROSS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@dataclass(frozen=True)
class Collection:
    """A named storage place.

    Attributes:
        id: what bodies call it.
        name: what people and ``headrace.toml`` call it.
        root: the directory that it shows.
        identity: which directory the root must be; None: whatever lies there.
        configured: the root that ``headrace.toml`` gives the collection now, for messages.
    """

    id: str
    name: str
    root: Path
    identity: Identity | None = None
    configured: Path | None = None


class OpenDirectory(ClosedOnExit):
    """An open directory of a collection; use it in a ``with`` statement.

    Args:
        collection: where it is.
        parts: names that lead from the collection's root to it.
        fd: descriptor of the open directory, closed with this object.
    """

    __slots__ = ("collection", "fd", "parts")

    def __init__(self, collection: Collection, parts: tuple[str, ...], fd: int) -> None:
        self.collection = collection
        self.parts = parts
        self.fd = fd

    def close(self) -> None:
        """Close the directory."""
        os.close(self.fd)

    def describe(self, name: str | None = None) -> str:
        """Return this directory, or its entry ``name``, as messages name it."""
        parts = self.parts if name is None else (*self.parts, name)
        return f"collection {quoted(self.collection.name)}, path {quoted(display_path(parts))}"

    def lstat(self, name: str) -> os.stat_result | None:
        """Return the status of an entry, of a link itself; None if there is none.

        Raises:
            TransferError: this directory may not be searched.
        """
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise transfer_error(error, self.describe(name)) from error

    def names(self) -> list[str]:
        """Return the names of all entries, sorted.

        Raises:
            TransferError: the directory may not be read.
        """
        try:
            fd = os.open(".", _LIST, dir_fd=self.fd)
            try:
                return sorted(os.listdir(fd))  # noqa: PTH208 - a descriptor is no path
            finally:
                os.close(fd)
        except OSError as error:
            raise transfer_error(error, self.describe()) from error

    def open_directory(self, name: str, *, create: bool = False) -> OpenDirectory:
        """Open a directory in this one.

        Args:
            name: one name.
            create: make the directory if there is none.

        Raises:
            TransferError: it does not exist, is a link or no directory, or may not be crossed.
        """
        try:
            fd = self._open_or_create(name, create)
        except OSError as error:
            status = self.lstat(name) if error.errno in (errno.ENOTDIR, errno.ELOOP) else None
            if status is not None and modes.S_ISLNK(status.st_mode):
                raise symbolic_link_error(self.describe(name)) from None
            raise transfer_error(error, self.describe(name)) from error
        return OpenDirectory(self.collection, (*self.parts, name), fd)

    def _open_or_create(self, name: str, create: bool) -> int:
        try:
            return os.open(name, _CROSS | os.O_NOFOLLOW, dir_fd=self.fd)
        except FileNotFoundError:
            if not create:
                raise
        # Somebody may be faster; what it is then shows when it is opened.
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=self.fd)
        return os.open(name, _CROSS | os.O_NOFOLLOW, dir_fd=self.fd)

    def open_path(self, parts: tuple[str, ...], *, create: bool = False) -> OpenDirectory:
        """Open a directory at any depth below this one, or this one a second time.

        Args:
            parts: names that lead to it.
            create: make the directories that are missing.

        Raises:
            TransferError: as ``open_directory``.
        """
        folder = OpenDirectory(self.collection, self.parts, os.dup(self.fd))
        for name in parts:
            with folder:
                following = folder.open_directory(name, create=create)
            folder = following
        return folder

    def open_file(
        self, name: str, seen: os.stat_result | None = None
    ) -> tuple[int, os.stat_result]:
        """Open a regular file for reading, and return its descriptor and status.

        Args:
            name: the file.
            seen: its status when it was last looked at; None: look now.

        Raises:
            TransferError: it does not exist, is no regular file, or may not be read.
        """
        seen = seen or self.lstat(name)
        if seen is not None:
            # Opening a device can have an effect, so look before; and after, it may be another.
            refuse_special(seen, self.describe(name))
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            fd = os.open(name, flags, dir_fd=self.fd)
        except OSError as error:
            raise transfer_error(error, self.describe(name)) from error
        try:
            status = os.fstat(fd)
            refuse_special(status, self.describe(name))
        except BaseException:
            os.close(fd)
            raise
        return fd, status

    def flush(self) -> None:
        """Make the names of this directory survive a loss of power.

        Raises:
            TransferError: the disk reports an error.
        """
        try:
            fd = os.open(".", _LIST, dir_fd=self.fd)
        except PermissionError:
            return  # written to, but not readable: cannot be flushed
        except OSError as error:
            raise transfer_error(error, self.describe()) from error
        try:
            os.fsync(fd)
        except OSError as error:
            # Some network and FUSE file systems have no flush for directories.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
                raise transfer_error(error, self.describe()) from error
        finally:
            os.close(fd)

    def identity(self) -> tuple[int, int]:
        """Return device and inode number."""
        status = os.fstat(self.fd)
        return status.st_dev, status.st_ino

    def ancestor_identities(self) -> set[tuple[int, int]]:
        """Return the identities of this directory and of all above it, to the machine's root."""
        found: set[tuple[int, int]] = set()
        fd = os.dup(self.fd)
        try:
            while True:
                status = os.fstat(fd)
                identity = (status.st_dev, status.st_ino)
                if identity in found:
                    return found
                found.add(identity)
                try:
                    above = os.open("..", _CROSS, dir_fd=fd)
                except PermissionError:
                    return found
                os.close(fd)
                fd = above
        finally:
            os.close(fd)


def symbolic_link_error(where: str) -> TransferError:
    """Return the error for a link where none may be."""
    return TransferError(
        "PermissionDenied",
        f"{where}: is a symbolic link, and links are not followed here: name what it points to",
    )


def refuse_special(status: os.stat_result, where: str) -> None:
    """Refuse what is no regular file.

    Raises:
        TransferError: it is a directory, a link, a FIFO, a socket or a device.
    """
    mode = status.st_mode
    if modes.S_ISREG(mode):
        return
    if modes.S_ISLNK(mode):
        raise symbolic_link_error(where)
    if modes.S_ISDIR(mode):
        raise TransferError("ClientError.IsDirectory", f"{where}: is a directory, not a file")
    raise TransferError(
        "PermissionDenied", f"{where}: is a FIFO, socket or device: name a regular file"
    )


def open_root(collection: Collection) -> OpenDirectory:
    """Open the root of a collection.

    Raises:
        TransferError: ``EndpointError.RootMissing``: there is no such directory;
            ``EndpointError.RootChanged``: it is not the directory that the task began with;
            ``PermissionDenied``: it may not be crossed.
    """
    where = f"collection {quoted(collection.name)}: its root {quoted(str(collection.root))}"
    now = collection.configured
    if now is not None and now != collection.root:
        where = (
            f"collection {quoted(collection.name)}: the root that this task began with, "
            f"{quoted(str(collection.root))} (now {quoted(str(now))}),"
        )
    try:
        folder = OpenDirectory(collection, (), os.open(collection.root, _CROSS))
    except (FileNotFoundError, NotADirectoryError) as error:
        problem = "is not a directory" if isinstance(error, NotADirectoryError) else "is not there"
        raise TransferError(
            "EndpointError.RootMissing",
            f"{where} {problem}: create it (mkdir -p), or edit its root in headrace.toml",
        ) from None
    except OSError as error:
        raise transfer_error(error, where) from error
    wanted = collection.identity
    if wanted is not None and not wanted.same(identify_open(folder.fd)):
        os.close(folder.fd)
        raise TransferError(
            "EndpointError.RootChanged",
            f"{where} is another directory than when the task began (is a disk not mounted?): "
            "bring the first one back, or start the transfer again",
        )
    return folder
