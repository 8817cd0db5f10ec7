"""A transfer: its items, their directories, file by file."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable, Iterator

from headrace.facility.transfer.collection import Folder, open_folder, open_root
from headrace.facility.transfer.compare import is_up_to_date
from headrace.facility.transfer.copy import CopyOptions, Stopped, copy_file
from headrace.facility.transfer.document import Report
from headrace.facility.transfer.errors import Fault, TransferError
from headrace.facility.transfer.items import (
    Found,
    find_source,
    open_destination,
    refuse_nesting,
    reopen_destination,
)
from headrace.facility.transfer.journal import Journal
from headrace.facility.transfer.links import locate
from headrace.facility.transfer.remove import remove_entry, sweep
from headrace.facility.transfer.request import TransferItem, TransferRequest
from headrace.facility.transfer.temporary_names import is_temporary, temporary_name

# One look and one try more: what changes or vanishes twice is being worked on.
TRIES = 2
_SOURCE_ERRORS = ("ClientError.NotFound", "PermissionDenied")


class TransferTask:
    """The work of one transfer task, from the beginning or from where a kill left it.

    Args:
        request: what to do.
        task_id: names the temporary files; the same at every attempt.
        report: counts and shows.
        should_stop: asked between pieces of work.
        will_resume: asked when stopped whether there will be another attempt.
    """

    def __init__(
        self,
        request: TransferRequest,
        task_id: str,
        report: Report,
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
                pass  # a missing root is told before anything is done
        try:
            found = [self._find(item) for item in self._request.items]
            journal = self._open_journal(found)
        except (TransferError, Stopped):
            # What a killed attempt left must go even if this one cannot begin.
            if any(self._has_journal(item) for item in self._request.items):
                self._sweep(quietly=True)
            raise
        keep = done = False
        try:
            self._expect(found)
            for position, item in enumerate(self._request.items):
                self._copy_item(position, item, found[position], journal)
            # What came or went since it was counted.
            self._counts.files = self._counts.files_done + self._counts.files_skipped
            done = True
        except Stopped:
            keep = self._will_resume()
            raise
        finally:
            try:
                if journal.resumed and not keep:
                    self._sweep(quietly=not done)
            finally:
                journal.close(keep=keep)

    def _step(self, *_: object) -> None:
        if self._should_stop():
            raise Stopped
        self._report.tick()

    # -- before the first byte

    def _find(self, item: TransferItem) -> Found | None:
        self._step()
        try:
            return find_source(self._request.source, item)
        except TransferError as error:
            self._skip_or_raise(error)
            return None

    def _open_journal(self, found: list[Found | None]) -> Journal:
        for item in self._request.items:
            folder = reopen_destination(self._request.destination, item, self._task_id)
            if folder is not None:
                return Journal(folder, self._task_id)
        first = next((n for n, kind in enumerate(found) if kind is not None), None)
        if first is None:
            return Journal(open_root(self._request.destination), self._task_id)
        self._refuse_nesting(self._request.items[first], found[first])
        folder = self._open_destination(self._request.items[first], found[first])
        return Journal(folder, self._task_id)

    def _has_journal(self, item: TransferItem) -> bool:
        folder = reopen_destination(self._request.destination, item, self._task_id)
        if folder is None:
            return False
        with folder:
            return True

    def _refuse_nesting(self, item: TransferItem, found: Found | None) -> None:
        if found is not None and found.is_directory:
            refuse_nesting(self._request, item)

    def _open_destination(self, item: TransferItem, found: Found | None) -> Folder:
        is_directory = found is not None and found.is_directory
        return open_destination(self._request, item, is_directory)

    def _expect(self, found: list[Found | None]) -> None:
        """Count what there is to do, so that progress has an end to move towards."""
        for item, kind in zip(self._request.items, found, strict=True):
            if kind is None:
                continue
            if not kind.is_directory:
                self._counts.files += 1
                self._counts.bytes_expected += kind.size
                continue
            with open_folder(self._request.source, item.source) as top:
                pending: list[tuple[str, ...]] = [()]
                while pending:
                    path = pending.pop()
                    self._step()
                    self._counts.directories += 1
                    try:
                        with top.walk(path) as folder:
                            for name, status, type_ in self._entries(folder):
                                if type_ == "dir":
                                    pending.append((*path, name))
                                elif type_ == "file":
                                    self._counts.files += 1
                                    self._counts.bytes_expected += status.st_size
                    except TransferError:
                        continue  # it is met again when it is copied, and told then
        self._report.tick()

    def _entries(self, folder: Folder) -> Iterator[tuple[str, os.stat_result, str]]:
        """Yield name, status and type (file, dir, link, special) of what the rules include."""
        for name in folder.names():
            status = folder.look(name)
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
        self, position: int, item: TransferItem, found: Found | None, journal: Journal
    ) -> None:
        if found is None:
            return
        self._step()
        self._refuse_nesting(item, found)
        with self._open_destination(item, found) as destination:
            if found.is_directory:
                with open_folder(self._request.source, item.source) as source:
                    self._copy_directory(position, item, source, destination, journal)
                return
            source, found_name = locate(self._request.source, item.source)
            with source:
                # The root is no file, which was seen when the source was found.
                name, target = found_name or "", item.destination[-1]
                if source.identity() == destination.identity() and name == target:
                    raise TransferError(
                        "ClientError.BadRequest",
                        f"{source.where(name)}: is its own destination: give another path",
                    )
                self._copy_file(position, item, (), source, name, destination, target, journal)
            destination.flush()

    def _copy_directory(
        self,
        position: int,
        item: TransferItem,
        source_top: Folder,
        destination_top: Folder,
        journal: Journal,
    ) -> None:
        pending: list[tuple[str, ...]] = [()]
        while pending:
            path = pending.pop()
            self._step()
            try:
                source = source_top.walk(path)
            except TransferError as error:
                self._skip_or_raise(error)
                continue
            with source, destination_top.walk(path) as destination:
                try:
                    entries = list(self._entries(source))
                except TransferError as error:
                    self._skip_or_raise(error)
                    continue
                directories = []
                for name, _, type_ in entries:
                    self._step()
                    if type_ == "dir":
                        self._make_directory(destination, name)
                        directories.append((*path, name))
                    elif type_ == "file":
                        self._make_way(destination, name)
                        self._copy_file(
                            position, item, path, source, name, destination, name, journal
                        )
                    elif type_ == "link":
                        self._counts.links_ignored += 1
                    else:
                        self._counts.special_ignored += 1
                if self._request.delete_destination_extra:
                    self._remove_extra(source, destination)
                destination.flush()
            pending.extend(reversed(directories))

    def _copy_file(
        self,
        position: int,
        item: TransferItem,
        path: tuple[str, ...],
        source: Folder,
        name: str,
        destination: Folder,
        target: str,
        journal: Journal,
    ) -> None:
        counts, request = self._counts, self._request
        key = (*path, name)
        status, copy = source.look(name), destination.look(target)
        if status is not None and journal.has(position, key, status, copy):
            counts.files_done += 1
            counts.bytes_done += status.st_size
            counts.bytes_checksummed += status.st_size if request.verify_checksum else 0
            return
        options = CopyOptions(
            verify=request.verify_checksum,
            preserve_timestamp=request.preserve_timestamp,
            algorithm=item.algorithm,
            expected=item.external_checksum,
        )
        for left in reversed(range(TRIES)):
            try:
                if request.sync_level is not None and is_up_to_date(
                    source, name, destination, target, request.sync_level, item.algorithm, self
                ):
                    counts.files_skipped += 1
                    return
                copied = copy_file(
                    source,
                    name,
                    destination,
                    target,
                    temporary_name(self._task_id, target),
                    options,
                    self.advance,
                    self._will_resume,
                )
            except Fault as fault:
                self._report.fault(fault.code, str(fault))
                if not left:
                    raise TransferError(fault.code, str(fault)) from fault
            except TransferError as error:
                if source.look(name) is not None or status is None:
                    if source.where(name) in str(error):
                        self._skip_or_raise(error)
                        return
                    raise
                message = f"{source.where(name)}: vanished while the transfer was at work on it"
                self._report.fault("ClientError.NotFound", message)
                if not left:
                    self._skip_or_raise(TransferError("ClientError.NotFound", message))
            else:
                journal.add(position, key, copied.source, copied.copy)
                counts.files_done += 1
                counts.bytes_done += copied.source.st_size
                counts.bytes_checksummed += copied.checksummed
                return
            finally:
                counts.bytes_under_way = 0

    def advance(self, position: int) -> None:
        """Tell how far the file that is being copied has got; raise ``Stopped`` to end."""
        self._counts.bytes_under_way = position
        self._step()

    def checksummed(self, size: int) -> None:
        """Count bytes that were read to compare checksums."""
        self._counts.bytes_checksummed += size

    def _skip_or_raise(self, error: TransferError) -> None:
        if not self._request.skip_source_errors or error.code not in _SOURCE_ERRORS:
            raise error
        self._report.fault(error.code, str(error))
        self._counts.skipped_errors += 1

    # -- the destination

    def _make_directory(self, destination: Folder, name: str) -> None:
        status = destination.look(name)
        extra = status is not None and not modes.S_ISDIR(status.st_mode)
        if extra and self._request.delete_destination_extra:
            self._remove(destination, name)
        with destination.enter(name, create=True):
            pass

    def _make_way(self, destination: Folder, name: str) -> None:
        status = destination.look(name)
        if status is None or not self._request.delete_destination_extra:
            return
        if modes.S_ISDIR(status.st_mode):
            self._remove(destination, name)

    def _remove_extra(self, source: Folder, destination: Folder) -> None:
        """Remove what the source does not have; what the rules exclude is not touched."""
        present = set(source.names())
        for name in destination.names():
            status = destination.look(name)
            if status is None or name in present or is_temporary(name):
                continue
            type_ = "dir" if modes.S_ISDIR(status.st_mode) else "file"
            if self._request.rules.include(name, type_):
                self._remove(destination, name)

    def _remove(self, folder: Folder, name: str) -> None:
        def include(entry: str, type_: str) -> bool:
            return not is_temporary(entry) and self._request.rules.include(entry, type_)

        def removed(type_: str) -> None:
            self._counts.deleted += 1
            self._step(type_)

        remove_entry(folder, name, removed, include)

    def _sweep(self, *, quietly: bool) -> None:
        for item in self._request.items:
            try:
                sweep(self._request.destination, item.destination, self._task_id)
            except TransferError:
                if not quietly:
                    raise
