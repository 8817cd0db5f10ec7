"""Source and destination of a transfer item."""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass

from headrace.facility.transfer.collection import (
    Collection,
    OpenDirectory,
    open_root,
    refuse_special,
)
from headrace.facility.transfer.errors import TransferError, transfer_error
from headrace.facility.transfer.journal import Journal
from headrace.facility.transfer.links import open_directory, resolve_path
from headrace.facility.transfer.request import TransferItem, TransferRequest


@dataclass(frozen=True)
class SourceInfo:
    """Type and size of an item's source.

    Attributes:
        is_directory: a directory, or a file.
        size: bytes of the file.
    """

    is_directory: bool
    size: int


def inspect_source(collection: Collection, item: TransferItem) -> SourceInfo:
    """Inspect an item's source, and compare it with what the item says.

    Raises:
        TransferError: it does not exist, is neither file nor directory, or is not what
            ``recursive`` says.
    """
    parent, name = resolve_path(collection, item.source)
    with parent:
        status = os.fstat(parent.fd) if name is None else parent.lstat(name)
        source = parent.describe(name)
    if status is None:
        raise TransferError("ClientError.NotFound", f"{source}: does not exist")
    if modes.S_ISDIR(status.st_mode):
        if item.recursive is False:
            message = f"{source}: is a directory: set recursive to true to transfer it"
            raise TransferError("ClientError.IsDirectory", message)
        return SourceInfo(True, 0)
    refuse_special(status, source)
    if item.recursive:
        message = f"{source}: is a file, not a directory: set recursive to false to transfer it"
        raise TransferError("ExternalError.DirListingFailed.NotDirectory", message)
    if item.names_directory or not item.destination:
        message = f"{source}: is a file: its destination must be the full path of a file"
        raise TransferError("ClientError.IsDirectory", message)
    return SourceInfo(False, status.st_size)


def open_destination(
    request: TransferRequest, item: TransferItem, is_directory: bool
) -> OpenDirectory:
    """Open the directory that an item is written into, and make it where it is missing.

    Args:
        request: the transfer.
        item: one of its items.
        is_directory: whether the item is one; its directory is then the destination itself.

    Raises:
        TransferError: something that is no directory is in the way, or it may not be written.
    """
    if not is_directory:
        return open_directory(request.destination, item.destination[:-1], create=True)
    if item.destination and request.delete_destination_extra:
        name = item.destination[-1]
        with open_directory(request.destination, item.destination[:-1], create=True) as parent:
            status = parent.lstat(name)
            in_the_way = status is not None and not modes.S_ISDIR(status.st_mode)
            # A link is followed below, as it is on the way.
            if in_the_way and status is not None and not modes.S_ISLNK(status.st_mode):
                try:
                    os.unlink(name, dir_fd=parent.fd)
                except OSError as error:
                    raise transfer_error(error, parent.describe(name)) from error
    return open_directory(request.destination, item.destination, create=True)


def open_journal_directory(
    collection: Collection, item: TransferItem, task_id: str
) -> OpenDirectory | None:
    """Open the directory of the journal that an earlier attempt left, if there is one.

    Args:
        collection: the destination.
        item: where to look: in its destination, and in the directory of that.
        task_id: the task.
    """
    for parts in (item.destination, item.destination[:-1]):
        try:
            folder = open_directory(collection, parts)
        except TransferError:
            continue  # not there, or a file
        with folder:
            if Journal.exists_in(folder, task_id):
                return folder.open_path(())
    return None


def refuse_nesting(request: TransferRequest, item: TransferItem) -> None:
    """Refuse to copy a directory into itself, or to delete a source as surplus.

    Directories are known by device and inode: collections may show the same disk under other names.

    Raises:
        TransferError: ``ClientError.BadRequest``: the destination is the source, or within it; or
            the source is within a destination whose surplus is to be deleted.
    """
    with open_directory(request.source, item.source) as source:
        destination, exists = _deepest_existing(request.destination, item.destination)
        with destination:
            if source.identity() in destination.ancestor_identities():
                raise TransferError(
                    "ClientError.BadRequest",
                    f"{source.describe()}: its destination is the same directory, or lies in it: "
                    "choose one outside",
                )
            nested = exists and destination.identity() in source.ancestor_identities()
        if nested and request.delete_destination_extra:
            raise TransferError(
                "ClientError.BadRequest",
                f"{source.describe()}: lies in its destination, where delete_destination_extra "
                "would delete it: choose another destination",
            )


def _deepest_existing(collection: Collection, parts: tuple[str, ...]) -> tuple[OpenDirectory, bool]:
    """Open the deepest directory on the way that exists; return whether it is the last one."""
    folder = open_root(collection)
    for depth in range(1, len(parts) + 1):
        try:
            following = open_directory(collection, parts[:depth])
        except TransferError:
            return folder, False
        with folder:
            pass  # nothing but closed
        folder = following
    return folder, True
