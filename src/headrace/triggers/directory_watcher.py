"""The watcher of one trigger's directory: from what is new in it to the runs.

It works in one thread. What may take long, evaluating completeness rules and starting runs, is done
by workers; a slow one delays neither other triggers nor the scans of this directory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from itertools import islice

from headrace.errors import HeadraceError
from headrace.triggers.change_notifier import DirectoryScanner
from headrace.triggers.changes import Change, ChangeCallback, ChangeReport
from headrace.triggers.completeness.background import POLLING_SHARE
from headrace.triggers.completeness.marker import marked_name
from headrace.triggers.completeness.pending import PendingArrival
from headrace.triggers.completeness.rule import Look
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.directory_attachment import DirectoryAttachment
from headrace.triggers.entries import entry_key
from headrace.triggers.entry_index import EntryIndex
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.events import CheckFinished, CheckStarted, WatchEvent, Watching
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.problem_reporter import ProblemReporter, describe_error
from headrace.triggers.start_scheduler import StartScheduler
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import WatchedDirectory

# All identities in the directory are compared so often (s), whatever was or was not reported.
_FULL_SCAN_INTERVAL = 300.0
# Where changes in an arrival could not be reported, that is tried again after so long (s).
_FOLLOW_AGAIN = 60.0
_SCAN: Task = ("directory", "")


class DirectoryWatcher:
    """Watches one directory, waits until its arrivals are complete, and has their runs started.

    All methods are called from one thread; only `on_change` is called from others.

    Attributes:
        queue: tasks that are to be done with `run_task`.

    Args:
        trigger: the trigger.
        ledger: where arrivals are written down.
        launcher: starts the runs.
        workers: do what may take long.
        on_event: called with what happens.
        on_change: called from another thread with each change; its thread is to call
            `handle_changes`.
        clock: monotonic time in s; for tests.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        launcher: RunLauncher,
        workers: BackgroundWorkers,
        on_event: Callable[[WatchEvent], None],
        on_change: ChangeCallback,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue: DelayQueue[Task] = DelayQueue()
        self._trigger = trigger
        self._ledger = ledger
        self._workers = workers
        self._on_event = on_event
        self._clock = clock
        self._scanner = DirectoryScanner()
        self._problems = ProblemReporter(trigger.name, on_event, clock)
        self._attachment = DirectoryAttachment(trigger, on_change, self._problems)
        self._starts = StartScheduler(
            *(trigger, launcher, workers, self.queue, self._reopen, self._retry_task, clock),
            stable_inodes=lambda: self._attachment.stable_inodes,
        )
        self._index = EntryIndex(
            *(trigger, ledger, self._attachment, self._starts),
            *(self.queue, self._problems, on_event, clock),
        )
        self._ledger_version = (ledger.data_version, ledger.runs.requests)
        self._full_scan_at = float("-inf")
        self.queue.push(_SCAN, clock())

    def close(self) -> None:
        """Stop watching."""
        self._attachment.close()

    def run_task(self, task: Task) -> None:
        """Do a task of the queue; whatever goes wrong is reported, and the task done again later.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        kind, what = task
        try:
            if kind == "directory":
                self._poll_directory()
            elif kind == "entries":
                with WatchedDirectory(self._trigger) as directory:
                    # The scan of another directory, which is on its way, finds them anew.
                    if directory.stamp == self._attachment.stamp:
                        self._index.update_unknown(directory)
            elif kind == "arrival":
                self._poll_arrival(str(what))
            elif kind == "release":
                self._starts.release()
            else:
                self._starts.enqueue(int(what))
        except LedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - one arrival must not stop the others
            self._retry_task(task, error)

    def _retry_task(self, task: Task, error: BaseException) -> None:
        """Report what went wrong with a task, and have it done again."""
        if isinstance(error, LedgerUnusable) or not isinstance(error, Exception):
            raise error
        self._problems.report(describe_error(error), blocks_run=True)
        self._full_scan_at = float("-inf")
        self.queue.push(task, self._clock() + min(self._trigger.interval, 5.0))

    def handle_changes(self, reports: Mapping[str, ChangeReport]) -> None:
        """Follow reports of changes.

        Args:
            reports: what changed, by names; the empty name is the directory itself.
        """
        now = self._clock()
        changed = []
        for name, (kinds, at) in reports.items():
            if not name:
                self.queue.reschedule_earlier(_SCAN, now)
                if Change.LOST in kinds:
                    for waiting in self._index.pending:
                        self._follow_anew(waiting, now)
                continue
            if name.count("/") < self._trigger.depth - 1:
                # A directory between this one and the arrivals.
                self.queue.reschedule_earlier(_SCAN, now)
                continue
            pending = self._index.pending.get(name)
            if pending:
                self._record_change(name, pending, kinds, at)
            if Change.ENTRY in kinds or not (pending or name in self._index.handled):
                changed.append(name)
            lead = self._index.member_of.get(name, name)
            if lead != name:
                self._record_change(lead, self._index.pending[lead], kinds | Change.CONTENT, at)
            marked = marked_name(self._trigger, name)
            if marked in self._index.pending:
                self.queue.reschedule_earlier(("arrival", marked), now)
        if not changed or self._attachment.stamp is None:
            return
        try:
            with WatchedDirectory(self._trigger) as directory:
                if directory.stamp == self._attachment.stamp:
                    self._index.update(changed, directory)
                else:
                    self.queue.reschedule_earlier(_SCAN, now)
        except LedgerUnusable:
            raise
        except (HeadraceError, OSError) as error:
            self._problems.report(describe_error(error))
            self._full_scan_at = float("-inf")
            self.queue.reschedule_earlier(_SCAN, now + 1.0)

    def _record_change(self, name: str, pending: PendingArrival, kinds: Change, at: float) -> None:
        """Take note of a change in an arrival that waits, and have it looked at in time."""
        task = ("arrival", name)
        if Change.LOST in kinds:
            self._follow_anew(name, at)
            return
        if Change.CONTENT in kinds:
            self.queue.reschedule_earlier(task, pending.record_change(at))
            if self._trigger.what != "directory" and pending.scope.awaits(pending.arrival.name):
                kinds |= Change.AWAITED
        if Change.AWAITED in kinds:
            look_at = pending.record_awaited(self._clock())
            if look_at is not None:
                self.queue.reschedule_earlier(task, look_at)

    def _follow_anew(self, name: str, now: float) -> None:
        """Have changes in an arrival reported anew, which may have changed unseen."""
        pending = self._index.pending[name]
        pending.followed, pending.follow_at = False, now
        pending.record_change(now)
        self.queue.reschedule_earlier(("arrival", name), now)

    # -- the directory

    def _poll_directory(self) -> None:
        started_at = self._clock()
        self._ledger.verify()
        self._read_retry_requests()
        try:
            full, cost = self._scan_directory(started_at)
        except OSError as error:
            self._detach()
            directory = self._trigger.directory
            self._problems.report(f"{describe_error(error)}; waiting until {directory} is back")
            self.queue.push(_SCAN, started_at + self._trigger.interval)
            return
        for pending in islice(self._index.pending.values(), 1):
            self._starts.prepare(pending.arrival)
        if full:
            self._full_scan_at = started_at
        wait = max(self._trigger.interval, cost / POLLING_SHARE)
        self.queue.reschedule_earlier(_SCAN, self._clock() + wait)

    def _scan_directory(self, started_at: float) -> tuple[bool, float]:
        """Compare the directory with what is known of it.

        Returns:
            whether all of it was looked at, and how long that took in s; to begin to watch a
            directory takes longer, but once.
        """
        with WatchedDirectory(self._trigger) as directory:
            if not self._attach(directory):
                # inotify follows another directory than this one, which is on its way.
                self.queue.reschedule_earlier(_SCAN, started_at + 0.05)
                return False, 0.0
            attached_at = self._clock()
            full = started_at - self._full_scan_at >= _FULL_SCAN_INTERVAL
            # File systems that make up inodes may not keep a directory's time of change either.
            # Deeper directories have times of change of their own.
            force = full or not self._attachment.stable_inodes or self._trigger.depth > 1
            names = self._scanner.scan(
                directory, started_at, force=force, on_parent=self._attachment.follow_parent
            )
            for key, reason in directory.unread.items():
                self._problems.report(f"{self._trigger.directory / key}: {reason}")
            if names is not None:
                self._index.compare(names, directory, full=full)
            return full, self._clock() - attached_at

    def _read_retry_requests(self) -> None:
        """Read for which arrivals a run was asked for, by people or because their run failed."""
        version = (self._ledger.data_version, self._ledger.runs.requests)
        if version != self._ledger_version:
            self._ledger_version = version
            trigger = self._trigger
            for record in self._ledger.records_without_run(trigger.name, trigger.collection):
                if record.state == "failed":
                    self._index.adopt(record)
                    self._starts.schedule(record)

    def _attach(self, directory: WatchedDirectory) -> bool:
        """Watch a directory from now on, if it is another one than before.

        Returns:
            whether it is the one that the path leads to.
        """
        if directory.stamp == self._attachment.stamp:
            return True
        self._detach()
        prepared = self._attachment.prepare(directory)
        if prepared is None:
            return False
        filesystem, observer = prepared
        self._index.load(filesystem, directory)
        self._attachment.attach(filesystem, directory)
        self._problems.reset()
        self._on_event(Watching(self._trigger.name, self._trigger.directory, observer))
        return True

    def _detach(self) -> None:
        """Take it that the directory is not there; what was in it is not taken to be removed."""
        self._attachment.detach()
        self._full_scan_at = float("-inf")

    # -- arrivals

    def _poll_arrival(self, name: str) -> None:
        """Look at an arrival that was not complete at the last look."""
        pending = self._index.pending.get(name)
        if pending is None or pending.is_being_checked or self._attachment.filesystem is None:
            return
        started_at = self._clock()
        later = pending.defer_look(started_at)
        if later is not None:
            self.queue.push(("arrival", name), later)
            return
        if not self._is_present(name, pending):
            if self._index.pending.get(name) is pending:
                self.queue.push(("arrival", name), started_at + self._trigger.interval)
            return
        try:
            # First, so that what changes after the look is reported.
            self._follow(name, pending, started_at)
            report = pending.evaluate(self._circumstances(pending))
        except FileNotFoundError:
            self.queue.push(("arrival", name), started_at + 0.02)
            return
        if not report.missing:
            size = (report.files, report.size)
            missing = pending.background.missing_reason(size, started_at)
            if missing is None:
                self._submit_check(pending, size)
                return
            report = replace(report, missing=missing)
        if not report.missing:
            complete = self._index.mark_complete(name)
            self._starts.schedule(complete.record, complete)
            return
        if report != pending.reported:
            pending.reported = report
            self._on_event(report)
        others = len(self._index.pending)
        self.queue.push(("arrival", name), pending.next_poll(started_at, self._clock(), others))

    def _is_present(self, name: str, pending: PendingArrival) -> bool:
        """Tell whether an arrival lies where it lay; what lies there instead is recorded."""
        try:
            with WatchedDirectory(self._trigger) as directory:
                if directory.stamp != self._attachment.stamp:
                    self.queue.reschedule_earlier(_SCAN, self._clock())
                    return False
                identity = directory.identify(name, inodes=self._attachment.stable_inodes)
                if identity is not None and identity.same(pending.record.identity):
                    return True
                self._index.update([name], directory)
        except (FileNotFoundError, NotADirectoryError):
            self.queue.reschedule_earlier(_SCAN, self._clock())
        return False

    def _follow(self, name: str, pending: PendingArrival, now: float) -> None:
        """Have changes in an arrival reported, unless they are, or that has just failed."""
        if not pending.followed and now >= pending.follow_at:
            pending.followed = self._attachment.follow(
                name, pending.arrival.location, pending.scope
            )
            pending.follow_at = now + _FOLLOW_AGAIN

    def _circumstances(self, pending: PendingArrival) -> Look:
        return Look(
            self._attachment.stable_inodes,
            self._clock,
            self._problems.report,
            self._workers.is_stopping,
            pending.followed,
        )

    def _submit_check(self, pending: PendingArrival, size: tuple[int, int]) -> None:
        """Have a worker evaluate the rules that may take long."""
        pending.is_being_checked = True
        pending.background.begin(self._clock())
        if size != pending.checked_size:
            pending.checked_size = size
            self._on_event(CheckStarted(pending.arrival))
        work = partial(pending.background.evaluate, self._circumstances(pending))
        self._workers.submit_check(work, partial(self._finish_check, pending, size))

    def _finish_check(
        self, pending: PendingArrival, size: tuple[int, int], answer: Future[str]
    ) -> None:
        name = entry_key(self._trigger, pending.record.path)
        pending.is_being_checked = False
        self._on_event(CheckFinished(pending.arrival))
        if self._index.pending.get(name) is not pending:
            return
        error = answer.exception()
        if error is not None:
            self._retry_task(("arrival", name), error)
            return
        now = self._clock()
        pending.background.store(size, now, answer.result())
        self.queue.push(("arrival", name), now)

    def _reopen(self, id_: int, changed: PendingArrival) -> None:
        self._index.reopen(id_, changed)
