"""The transfer operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace.facility.transfer.collection import Collection
from headrace.facility.transfer.copy import TaskStopped
from headrace.facility.transfer.document import FAILED, SUCCEEDED, TaskReport
from headrace.facility.transfer.errors import TransferError
from headrace.facility.transfer.request import parse_transfer
from headrace.facility.transfer.tree import TransferTask


def _will_not_resume() -> bool:
    return False


def transfer(
    body: Mapping[str, Any],
    collections: Mapping[str, Collection],
    task_id: str,
    progress: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
    *,
    will_resume: Callable[[], bool] = _will_not_resume,
) -> dict[str, Any]:
    """Copy files and directories between two collections.

    Every file is written under a temporary name in its new directory, flushed, read again and
    compared, then renamed, so that under its own name it is never seen in part. Small files of a
    directory are written several at a time, and renamed in their order. A task that was
    killed is called again with the same ``task_id``: it goes on where it was, and ends as if
    nothing had happened.

    Symbolic links, FIFOs, sockets and devices in directories are left out and counted. A link that
    is the item itself, or on the way to it or to its destination, is followed where it stays in the
    collection, and refused where it does not; a link under the destination's name is replaced by a
    file, and followed for a directory. New files and directories get the permissions of the
    umask; a file that is replaced passes on its own. Directories' times are not kept.

    Args:
        body: ``source_endpoint``, ``destination_endpoint``, ``DATA`` (list of ``{"source_path",
            "destination_path", "recursive"}``; ``recursive`` null: see what it is; optionally
            ``external_checksum`` and ``checksum_algorithm``, by default ``XXH3-128``, for an
            ``external_checksum`` ``MD5``), and optionally ``label``, ``sync_level`` (0 to 3, or
            exists, size, mtime, checksum; default null: copy all),
            ``filter_rules``, ``verify_checksum`` (default True), ``preserve_timestamp`` (default
            True, where the hosted service has False), ``delete_destination_extra`` (default False;
            what the filter rules exclude is kept), ``skip_source_errors`` (default False). Other
            options have no meaning on one machine and are ignored.
        collections: by id.
        task_id: the task; temporary files are named after it.
        progress: called with a task document about ten times per second, and with the last one.
        should_stop: asked between chunks of 1 MiB, files and directories.
        will_resume: asked after ``should_stop`` said True: whether the task will be called again,
            so that what is copied in part is kept for it. Default: no; all temporary files go.

    Returns:
        The task document.

    Raises:
        TransferError: with a code such as ``ClientError.NotFound``, ``ClientError.InvalidPath``,
            ``ClientError.IsDirectory``, ``ExternalError.DirListingFailed.NotDirectory``,
            ``ExternalError.FileChanged``, ``ExternalError.ChecksumMismatch``, ``PermissionDenied``,
            ``EndpointError.NoSpace``, ``EndpointError.RootMissing`` or ``Canceled``.
    """
    request = parse_transfer(body, collections)
    report = TaskReport(task_id, "TRANSFER", body, request.source, request.destination, progress)
    try:
        TransferTask(request, task_id, report, should_stop, will_resume).run()
    except TaskStopped:
        message = "canceled: files that were complete stay; start it again to transfer the rest"
        report.finish(FAILED, ("Canceled", message))
        raise TransferError("Canceled", message) from None
    except TransferError as error:
        report.finish(FAILED, (error.code, str(error)))
        raise
    return report.finish(SUCCEEDED)
