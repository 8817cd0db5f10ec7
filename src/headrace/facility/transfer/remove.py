"""Removing files and directories of a collection; links are removed, not what they point to."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable, Mapping
from typing import Any

from headrace.facility.transfer.collection import Collection, OpenDirectory
from headrace.facility.transfer.copy import TaskStopped
from headrace.facility.transfer.document import FAILED, SUCCEEDED, TaskReport
from headrace.facility.transfer.errors import TransferError, transfer_error
from headrace.facility.transfer.links import open_directory
from headrace.facility.transfer.request import DeleteRequest, parse_delete
from headrace.facility.transfer.temporary_names import is_temporary, task_prefix

Include = Callable[[str, str], bool]


def delete(
    body: Mapping[str, Any],
    collections: Mapping[str, Collection],
    task_id: str,
    progress: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    *,
    resumed: bool = False,
) -> dict[str, Any]:
    """Delete files and directories.

    Args:
        body: ``endpoint``, ``DATA`` (list of ``{"path"}``), and optionally ``recursive`` (default
            False; needed for directories), ``ignore_missing`` (default False), ``label``.
        collections: by id.
        task_id: the task.
        progress: called with a task document about ten times per second, and with the last one.
        should_stop: asked between entries.
        resumed: an earlier attempt at this task may have deleted some of the paths: that they are
            missing is no error.

    Returns:
        The task document.

    Raises:
        TransferError: a path does not exist, is a directory and ``recursive`` is not set, is the
            collection's root, or may not be deleted; ``Canceled``: ``should_stop`` said so.
    """
    request = parse_delete(body, collections)
    report = TaskReport(task_id, "DELETE", body, request.collection, None, progress)
    try:
        for path in request.paths:
            _delete_path(request, path, report, should_stop, resumed or request.ignore_missing)
    except TaskStopped:
        message = "canceled: what was deleted so far is gone; start it again to delete the rest"
        report.finish(FAILED, ("Canceled", message))
        raise TransferError("Canceled", message) from None
    except TransferError as error:
        report.finish(FAILED, (error.code, str(error)))
        raise
    return report.finish(SUCCEEDED)


def _delete_path(
    request: DeleteRequest,
    path: tuple[str, ...],
    report: TaskReport,
    should_stop: Callable[[], bool],
    missing_ok: bool,
) -> None:
    def step() -> None:
        if should_stop():
            raise TaskStopped
        report.publish_if_due()

    def removed(type_: str) -> None:
        if type_ == "dir":
            report.counts.directories += 1
        else:
            report.counts.files += 1
            report.counts.files_done += 1
        step()

    step()
    if not path:
        message = "path '/': is the collection's root, which cannot be deleted: name what is in it"
        raise TransferError("ClientError.InvalidPath", message)
    try:
        parent = open_directory(request.collection, path[:-1])
    except TransferError as error:
        if missing_ok and error.code == "ClientError.NotFound":
            return
        raise
    with parent:
        status = parent.lstat(path[-1])
        if status is None:
            if missing_ok:
                return
            raise TransferError(
                "ClientError.NotFound", f"{parent.describe(path[-1])}: does not exist"
            )
        if modes.S_ISDIR(status.st_mode) and not request.recursive:
            raise TransferError(
                "ClientError.IsDirectory",
                f"{parent.describe(path[-1])}: is a directory: set recursive to true to delete it",
            )
        if not remove_entry(parent, path[-1], removed):
            message = f"{parent.describe(path[-1])}: was written to while it was deleted: run again"
            raise TransferError("ExternalError.FileChanged", message)


def _include_all(_name: str, _type: str) -> bool:
    return True


def remove_entry(
    folder: OpenDirectory,
    name: str,
    removed: Callable[[str], None],
    include: Include = _include_all,
) -> bool:
    """Remove an entry of a directory, with everything in it.

    Args:
        folder: the directory.
        name: its entry.
        removed: called with ``file`` or ``dir`` after each removal; may raise to stop.
        include: returns by name and type whether an entry within may be removed.

    Returns:
        Whether nothing of it is left.

    Raises:
        TransferError: something may not be read or removed.
    """
    status = folder.lstat(name)
    if status is None:
        return True
    if not modes.S_ISDIR(status.st_mode):
        _unlink(folder, name)
        removed("file")
        return True
    directories: list[tuple[str, ...]] = []
    pending: list[tuple[str, ...]] = [(name,)]
    while pending:
        path = pending.pop()
        directories.append(path)
        with folder.open_path(path) as inner:
            for entry in inner.names():
                status = inner.lstat(entry)
                if status is None:
                    continue
                if modes.S_ISDIR(status.st_mode):
                    if include(entry, "dir"):
                        pending.append((*path, entry))
                elif include(entry, "file"):
                    _unlink(inner, entry)
                    removed("file")
    complete = True
    for path in reversed(directories):
        with folder.open_path(path[:-1]) as outer:
            if _remove_directory(outer, path[-1]):
                removed("dir")
            else:
                complete = False
    return complete


def _unlink(folder: OpenDirectory, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder.fd)
    except FileNotFoundError:
        return
    except OSError as error:
        raise transfer_error(error, folder.describe(name)) from error


def _remove_directory(folder: OpenDirectory, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=folder.fd)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise transfer_error(error, folder.describe(name)) from error
    return True


def remove_temporary_files(
    collection: Collection, destination: tuple[str, ...], task_id: str
) -> None:
    """Remove the temporary files that a task left at a destination.

    Args:
        collection: the destination's.
        destination: names that lead to the file or directory that was written.
        task_id: only this task's files are removed.

    Raises:
        TransferError: a directory cannot be read, or a file not removed.
    """
    prefix = task_prefix(task_id)
    try:
        top = open_directory(collection, destination[:-1])
    except TransferError as error:
        if error.code == "ClientError.NotFound":
            return
        raise
    with top:
        _remove_temporary_names(top, prefix)
    try:
        directory = open_directory(collection, destination)
    except TransferError as error:
        if error.code in ("ClientError.NotFound", "ExternalError.DirListingFailed.NotDirectory"):
            return
        raise
    with directory:
        pending: list[tuple[str, ...]] = [()]
        while pending:
            path = pending.pop()
            with directory.open_path(path) as folder:
                for name in _remove_temporary_names(folder, prefix):
                    status = folder.lstat(name)
                    if status is not None and modes.S_ISDIR(status.st_mode):
                        pending.append((*path, name))


def _remove_temporary_names(folder: OpenDirectory, prefix: str) -> list[str]:
    names = folder.names()
    for name in names:
        if name.startswith(prefix) and is_temporary(name):
            status = folder.lstat(name)
            if status is not None and not modes.S_ISDIR(status.st_mode):
                _unlink(folder, name)
    return names
