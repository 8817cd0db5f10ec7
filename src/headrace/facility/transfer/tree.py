"""A transfer: its items, their directories, file by file."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterator

from headrace.facility.transfer.collection import OpenDirectory, open_root
from headrace.facility.transfer.copy import FilePair, TaskStopped, look_again
from headrace.facility.transfer.document import TaskReport
from headrace.facility.transfer.errors import TransferError
from headrace.facility.transfer.files import FileCopier, FileOfItem
from headrace.facility.transfer.items import (
    SourceInfo,
    inspect_source,
    open_destination,
    open_journal_directory,
    refuse_nesting,
)
from headrace.facility.transfer.journal import Journal
from headrace.facility.transfer.links import open_directory, resolve_path
from headrace.facility.transfer.remove import remove_entry, remove_temporary_files
from headrace.facility.transfer.request import TransferItem, TransferRequest
from headrace.facility.transfer.temporary_names import is_temporary, temporary_name

_SOURCE_ERRORS = ("ClientError.NotFound", "PermissionDenied")


class TransferTask:
    """Execution of one transfer task, from the beginning or from where a kill left it.

    Args:
        request: what to do.
        task_id: names the temporary files; the same at every attempt.
        report: counts and publishes.
        should_stop: asked between pieces of work.
        will_resume: asked when stopped whether there will be another attempt.
    """

    def __init__(
        self,
        request: TransferRequest,
        task_id: str,
        report: TaskReport,
        should_stop: Callable[[], bool],
        will_resume: Callable[[], bool],
    ) -> None:
        self._request = request
        self._task_id = task_id
        self._report = report
        self._counts = report.counts
        self._should_stop = should_stop
        self._will_resume = will_resume

    def run(self) -> None:
        """Copy everything, and leave no temporary file.

        Raises:
            TransferError: something cannot be read or written; ``Canceled``: asked to stop.
        """
        for collection in (self._request.source, self._request.destination):
            with open_root(collection):
                pass  # a missing root is reported before anything is done
        try:
            found = [self._inspect(item) for item in self._request.items]
            journal = self._open_journal(found)
        except (TransferError, TaskStopped):
            # What a killed attempt left must go even if this one cannot begin.
            if any(self._has_journal(item) for item in self._request.items):
                self._remove_temporary_files(quietly=True)
            raise
        files = FileCopier(
            self._request,
            self._report,
            journal,
            self._check_stop,
            self._will_resume,
            self._skip_or_raise,
        )
        keep = done = False
        try:
            self._count_expected(found)
            for position, item in enumerate(self._request.items):
                self._copy_item(position, item, found[position], files)
            # What came or went since it was counted.
            self._counts.files = self._counts.files_done + self._counts.files_skipped
            done = True
        except TaskStopped:
            keep = self._will_resume()
            raise
        finally:
            files.close()
            try:
                if journal.resumed and not keep:
                    self._remove_temporary_files(quietly=not done)
            finally:
                journal.close(keep=keep)

    def _check_stop(self, *_: object) -> None:
        if self._should_stop():
            raise TaskStopped
        self._report.publish_if_due()

    # -- before the first byte

    def _inspect(self, item: TransferItem) -> SourceInfo | None:
        self._check_stop()
        try:
            return inspect_source(self._request.source, item)
        except TransferError as error:
            self._skip_or_raise(error)
            return None

    def _open_journal(self, found: list[SourceInfo | None]) -> Journal:
        for item in self._request.items:
            folder = open_journal_directory(self._request.destination, item, self._task_id)
            if folder is not None:
                return Journal(folder, self._task_id)
        first = next((n for n, kind in enumerate(found) if kind is not None), None)
        if first is None:
            return Journal(open_root(self._request.destination), self._task_id)
        self._refuse_nesting(self._request.items[first], found[first])
        folder = self._open_destination(self._request.items[first], found[first])
        return Journal(folder, self._task_id)

    def _has_journal(self, item: TransferItem) -> bool:
        folder = open_journal_directory(self._request.destination, item, self._task_id)
        if folder is None:
            return False
        with folder:
            return True

    def _refuse_nesting(self, item: TransferItem, found: SourceInfo | None) -> None:
        if found is not None and found.is_directory:
            refuse_nesting(self._request, item)

    def _open_destination(self, item: TransferItem, found: SourceInfo | None) -> OpenDirectory:
        is_directory = found is not None and found.is_directory
        return open_destination(self._request, item, is_directory)

    def _count_expected(self, found: list[SourceInfo | None]) -> None:
        """Count files and bytes to copy, so that progress has a total."""
        for item, kind in zip(self._request.items, found, strict=True):
            if kind is None:
                continue
            if not kind.is_directory:
                self._counts.files += 1
                self._counts.bytes_expected += kind.size
                continue
            with open_directory(self._request.source, item.source) as top:
                pending: list[tuple[str, ...]] = [()]
                while pending:
                    path = pending.pop()
                    self._check_stop()
                    self._counts.directories += 1
                    try:
                        with top.open_path(path) as folder:
                            for name, status, type_ in self._entries(folder):
                                if type_ == "dir":
                                    pending.append((*path, name))
                                elif type_ == "file":
                                    self._counts.files += 1
                                    self._counts.bytes_expected += status.st_size
                    except TransferError:
                        continue  # it is met again when it is copied, and reported then
        self._report.publish_if_due()

    def _entries(self, folder: OpenDirectory) -> Iterator[tuple[str, os.stat_result, str]]:
        """Yield name, status and type (file, dir, link, special) of what the rules include."""
        for name in folder.names():
            status = folder.lstat(name)
            if status is None or is_temporary(name):
                continue
            if modes.S_ISDIR(status.st_mode):
                type_ = "dir"
            elif modes.S_ISREG(status.st_mode):
                type_ = "file"
            else:
                type_ = "link" if modes.S_ISLNK(status.st_mode) else "special"
            if self._request.rules.include(name, "dir" if type_ == "dir" else "file"):
                yield name, status, type_

    # -- the work

    def _copy_item(
        self, position: int, item: TransferItem, found: SourceInfo | None, files: FileCopier
    ) -> None:
        if found is None:
            return
        self._check_stop()
        self._refuse_nesting(item, found)
        with self._open_destination(item, found) as destination:
            if found.is_directory:
                with open_directory(self._request.source, item.source) as source:
                    self._copy_directory(position, item, source, destination, files)
                return
            source, found_name = resolve_path(self._request.source, item.source)
            with source:
                # The root is no file, which was seen when the source was found.
                name, target = found_name or "", item.destination[-1]
                status = source.lstat(name)
                if status is None:
                    message = f"{source.describe(name)}: does not exist: correct the path"
                    self._skip_or_raise(TransferError("ClientError.NotFound", message))
                    return
                if source.identity() == destination.identity() and name == target:
                    raise TransferError(
                        "ClientError.BadRequest",
                        f"{source.describe(name)}: is its own destination: give another path",
                    )
                pair = self._pair(source, name, status, destination, target)
                files.copy(FileOfItem(position, item, (name,), pair))
            destination.flush()

    def _copy_directory(
        self,
        position: int,
        item: TransferItem,
        source_top: OpenDirectory,
        destination_top: OpenDirectory,
        files: FileCopier,
    ) -> None:
        pending: list[tuple[str, ...]] = [()]
        while pending:
            path = pending.pop()
            self._check_stop()
            try:
                source = source_top.open_path(path)
            except TransferError as error:
                self._skip_or_raise(error)
                continue
            with source, destination_top.open_path(path) as destination:
                directories = self._copy_entries(position, item, path, source, destination, files)
                if directories is None:
                    # Files were copied before.
                    destination.flush()
                    continue
                if self._request.delete_destination_extra:
                    self._remove_extra(source, destination)
                destination.flush()
            pending.extend(reversed(directories))

    def _copy_entries(
        self,
        position: int,
        item: TransferItem,
        path: tuple[str, ...],
        source: OpenDirectory,
        destination: OpenDirectory,
        files: FileCopier,
    ) -> list[tuple[str, ...]] | None:
        """Copy a directory's files, and return its directories; None: it cannot be read."""
        directories: list[tuple[str, ...]] = []
        entries = self._entries(source)
        with files.several_at_a_time():
            while True:
                try:
                    # Each is looked at when its turn comes: a directory can be days long.
                    entry = next(entries, None)
                except TransferError as error:
                    self._skip_or_raise(error)
                    return None
                if entry is None:
                    return directories
                name, status, type_ = entry
                self._check_stop()
                if type_ == "dir":
                    self._make_directory(destination, name)
                    directories.append((*path, name))
                elif type_ == "file":
                    pair = self._pair(source, name, status, destination, name)
                    pair = self._remove_obstruction(pair)
                    files.copy(FileOfItem(position, item, (*path, name), pair))
                elif type_ == "link":
                    self._counts.links_ignored += 1
                else:
                    self._counts.special_ignored += 1

    def _pair(
        self,
        source: OpenDirectory,
        name: str,
        status: os.stat_result,
        destination: OpenDirectory,
        target: str,
    ) -> FilePair:
        temporary = temporary_name(self._task_id, target)
        existing = destination.lstat(target)
        return FilePair(source, name, destination, target, temporary, status, existing)

    def _skip_or_raise(self, error: TransferError) -> None:
        if not self._request.skip_source_errors or error.code not in _SOURCE_ERRORS:
            raise error
        self._report.record_fault(error.code, str(error))
        self._counts.skipped_errors += 1

    # -- the destination

    def _make_directory(self, destination: OpenDirectory, name: str) -> None:
        status = destination.lstat(name)
        extra = status is not None and not modes.S_ISDIR(status.st_mode)
        if extra and self._request.delete_destination_extra:
            self._remove(destination, name)
        with destination.open_directory(name, create=True):
            pass

    def _remove_obstruction(self, pair: FilePair) -> FilePair:
        """Remove a directory that has a copy's name, if what is surplus is to go."""
        existing = pair.existing
        if existing is None or not self._request.delete_destination_extra:
            return pair
        if not modes.S_ISDIR(existing.st_mode):
            return pair
        self._remove(pair.destination, pair.target)
        return look_again(pair)

    def _remove_extra(self, source: OpenDirectory, destination: OpenDirectory) -> None:
        """Remove what the source does not have; what the rules exclude is not touched."""
        present = set(source.names())
        for name in destination.names():
            status = destination.lstat(name)
            if status is None or name in present or is_temporary(name):
                continue
            type_ = "dir" if modes.S_ISDIR(status.st_mode) else "file"
            if self._request.rules.include(name, type_):
                self._remove(destination, name)

    def _remove(self, folder: OpenDirectory, name: str) -> None:
        def include(entry: str, type_: str) -> bool:
            return not is_temporary(entry) and self._request.rules.include(entry, type_)

        def removed(type_: str) -> None:
            self._counts.deleted += 1
            self._check_stop(type_)

        remove_entry(folder, name, removed, include)

    def _remove_temporary_files(self, *, quietly: bool) -> None:
        for item in self._request.items:
            try:
                remove_temporary_files(self._request.destination, item.destination, self._task_id)
            except TransferError:
                if not quietly:
                    raise
