"""The files of a transfer: each is left, or copied, named and recorded, in their order.

Small files are written and verified by a few threads, as the time goes into waiting for the disk.
Everything that others see happens in one thread: names are given, and files recorded, one by one
and in the order in which the files came, so that a kill or an error leaves what it would leave
if they had been copied one after the other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from headrace.facility.transfer.compare import have_same_checksum, looks_up_to_date
from headrace.facility.transfer.copy import (
    CopyOptions,
    FilePair,
    TaskStopped,
    look_again,
    name_copy,
    refuse_replaced,
    remove_temporary,
    write_copy,
)
from headrace.facility.transfer.document import TaskReport
from headrace.facility.transfer.errors import CopyFault, TransferError
from headrace.facility.transfer.journal import Journal
from headrace.facility.transfer.request import CHECKSUM, TransferItem, TransferRequest
from headrace.facility.transfer.streaming import CHUNK

# Two attempts: what changes or vanishes twice is being worked on.
MAX_ATTEMPTS = 2
# Files up to this size are copied several at a time.
_SMALL = CHUNK
_THREADS = 4
# Small files that may lie there under temporary names.
_UNDER_WAY = 16


@dataclass(frozen=True)
class FileOfItem:
    """A file that is to be copied.

    Attributes:
        position: the item's, in ``DATA``.
        item: the item.
        key: names that lead from the item to the file.
        pair: the file and its copy.
    """

    position: int
    item: TransferItem
    key: tuple[str, ...]
    pair: FilePair


class FileCopier:
    """Copying of one task's files.

    Args:
        request: what to do.
        report: counts.
        journal: knows and records what is finished.
        check_stop: called between pieces of work; raises ``TaskStopped`` to stop.
        will_resume: asked when stopped whether there will be another attempt.
        pass_over: called with an error of the source; raises it if it may not be passed over.
    """

    def __init__(
        self,
        request: TransferRequest,
        report: TaskReport,
        journal: Journal,
        check_stop: Callable[[], None],
        will_resume: Callable[[], bool],
        pass_over: Callable[[TransferError], None],
    ) -> None:
        self._request = request
        self._report = report
        self._counts = report.counts
        self._journal = journal
        self._check_stop = check_stop
        self._will_resume = will_resume
        self._pass_over = pass_over
        self._several = False
        self._threads: ThreadPoolExecutor | None = None
        self._abandoned = threading.Event()
        self._under_way: deque[tuple[FileOfItem, Future[os.stat_result | None]]] = deque()

    @contextlib.contextmanager
    def several_at_a_time(self) -> Iterator[None]:
        """Copy small files several at a time within the block; all are finished at its end.

        The directories of the files must stay open as long. After an error nothing is left of the
        files that were not named yet; when the task is to resume, their temporary files are.
        """
        self._several = True
        try:
            yield
            self._finish()
        except BaseException as error:
            self._abandon(keep=isinstance(error, TaskStopped) and self._will_resume())
            raise
        finally:
            self._several = False

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown()

    def copy(self, file: FileOfItem) -> None:
        """Copy a file, or leave it where it is finished or up to date.

        Raises:
            TransferError: it, or one that was started before, cannot be read or written.
            TaskStopped: asked to stop.
        """
        counts, pair, level = self._counts, file.pair, self._request.sync_level
        if self._journal.has(file.position, file.key, pair.status, pair.existing):
            self._count_done(pair.status.st_size)
        elif level is not None and level != CHECKSUM and looks_up_to_date(pair, level):
            counts.files_skipped += 1
        elif self._several and pair.status.st_size <= _SMALL:
            self._begin(file)
        else:
            self._finish()
            self._complete(file)

    def _count_done(self, size: int) -> None:
        self._counts.files_done += 1
        self._counts.bytes_done += size
        self._counts.bytes_checksummed += size if self._request.verify_checksum else 0

    # -- several at a time

    def _begin(self, file: FileOfItem) -> None:
        if len(self._under_way) == _UNDER_WAY:
            self._complete(*self._under_way.popleft())
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "small files")
        self._count_compared(file.pair)
        future = self._threads.submit(self._write, file, self._refuse_abandoned)
        self._under_way.append((file, future))

    def _finish(self) -> None:
        while self._under_way:
            self._check_stop()
            self._complete(*self._under_way.popleft())

    def _refuse_abandoned(self, _: int) -> None:
        if self._abandoned.is_set():
            raise TaskStopped

    def _abandon(self, *, keep: bool) -> None:
        self._abandoned.set()
        while self._under_way:
            file, future = self._under_way.popleft()
            if not future.cancel():
                future.exception()  # which waits
            if not keep:
                with contextlib.suppress(TransferError):  # another error is told
                    remove_temporary(file.pair)

    # -- one file

    def _complete(
        self, file: FileOfItem, started: Future[os.stat_result | None] | None = None
    ) -> None:
        """Copy a file, or wait for the copy that was started; name and record it."""
        source, name = file.pair.source, file.pair.name
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                self._attempt(file, started)
                return
            except CopyFault as fault:
                self._report.record_fault(fault.code, str(fault))
                if not left:
                    raise TransferError(fault.code, str(fault)) from fault
            except TransferError as error:
                if source.lstat(name) is not None:
                    if source.describe(name) in str(error):
                        self._pass_over(error)
                        return
                    raise
                message = f"{source.describe(name)}: vanished while the transfer was at work on it"
                self._report.record_fault("ClientError.NotFound", message)
                if not left:
                    self._pass_over(TransferError("ClientError.NotFound", message))
            finally:
                self._counts.bytes_in_progress = 0
            file, started = replace(file, pair=look_again(file.pair)), None

    def _attempt(self, file: FileOfItem, started: Future[os.stat_result | None] | None) -> None:
        pair = file.pair
        try:
            if started is None:
                self._count_compared(pair)
                read = self._write(file, self._advance)
            else:
                read = started.result()
                if read is not None:
                    refuse_replaced(pair, read)
            if read is None:
                self._counts.files_skipped += 1
                return
            copy = name_copy(pair, read.st_size)
        except BaseException as error:
            if not (isinstance(error, TaskStopped) and self._will_resume()):
                remove_temporary(pair)
            raise
        self._journal.add(file.position, file.key, read, copy)
        self._count_done(read.st_size)

    def _write(self, file: FileOfItem, tick: Callable[[int], None]) -> os.stat_result | None:
        """Write and verify a copy; return the status of the file that was read.

        None where the destination's file is up to date.
        """
        request, level = self._request, self._request.sync_level
        if (
            level is not None
            and looks_up_to_date(file.pair, level)
            and (level != CHECKSUM or have_same_checksum(file.pair, file.item.algorithm, tick))
        ):
            return None
        options = CopyOptions(
            verify=request.verify_checksum,
            preserve_timestamp=request.preserve_timestamp,
            algorithm=file.item.algorithm,
            expected=file.item.external_checksum,
        )
        return write_copy(file.pair, options, tick)

    def _count_compared(self, pair: FilePair) -> None:
        if self._request.sync_level == CHECKSUM and looks_up_to_date(pair, CHECKSUM):
            self._counts.bytes_checksummed += pair.status.st_size

    def _advance(self, position: int) -> None:
        self._counts.bytes_in_progress = position
        self._check_stop()
