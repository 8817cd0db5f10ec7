"""The post of one trigger: what lies in its directory, what of it is complete, and its runs.

A post is worked by one thread. What may take long, calling the project's check and starting runs,
is done by workers; a slow one delays neither other triggers nor the looks at this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from headrace._internal.terminal_text import terminal_text
from headrace.errors import HeadraceError
from headrace.triggers.arrival import Identity
from headrace.triggers.change_notifier import (
    ChangeNotifier,
    DirectoryScanner,
    explain_inotify_error,
)
from headrace.triggers.completeness.marker import marked_name
from headrace.triggers.completeness.pending import POLLING_SHARE, PendingArrival
from headrace.triggers.completeness.rule import Look
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.errors import ArrivalChanged, LedgerUnusable
from headrace.triggers.events import (
    CheckFinished,
    CheckStarted,
    Problem,
    Removed,
    Seen,
    WatchEvent,
    Watching,
)
from headrace.triggers.ignored_names import is_printable_name
from headrace.triggers.launcher import RunLauncher, arrival_from_record
from headrace.triggers.ledger import Ledger
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import FilesystemInfo, WatchedDirectory

# All identities in the directory are compared so often (s), whatever was or was not reported.
_FULL_LOOK = 300.0
# The same problem is told again after so long (s).
_REMINDER = 600.0

# What to do: look at the "directory", look at an "arrival" (its name), "start" a run (its record).
Task = tuple[str, str | int]


class BackgroundWorkers(Protocol):
    """Does what may take long, and tells of its end in the thread of the post."""

    def submit_check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Call the project's program, beside others."""

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Start a run, one after the other."""

    def is_stopping(self) -> bool:
        """Tell whether nobody waits for the work any more."""


class DirectoryWatcher:
    """Follows one watched directory, from what is new in it to the runs.

    All methods are called from one thread; only `hint` is called from others.

    Args:
        trigger: the trigger.
        ledger: where arrivals are written down.
        starts: starts the runs.
        workers: do what may take long.
        tell: told of what happens.
        hint: called from another thread with the name that changed, and whether it was only
            written to.
        clock: monotonic time in s; for tests.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        launcher: RunLauncher,
        workers: BackgroundWorkers,
        on_event: Callable[[WatchEvent], None],
        on_change: Callable[[str, bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.trigger = trigger
        self.queue: DelayQueue[Task] = DelayQueue()
        self._ledger = ledger
        self._starts = launcher
        self._workers = workers
        self._tell = on_event
        self._hint = on_change
        self._clock = clock
        self._listing = DirectoryScanner()
        self._ground: FilesystemInfo | None = None
        self._stamp: tuple[int, ...] | None = None
        self._hints: ChangeNotifier | None = None
        self._settled: dict[str, tuple[int, Identity]] = {}
        self._waiting: dict[str, PendingArrival] = {}
        # What was found complete and has no run yet, by the numbers of the records.
        self._complete: dict[int, PendingArrival] = {}
        self._ledger_version = ledger.data_version
        self._full_at = float("-inf")
        self._told_at: dict[str, float] = {}
        self.queue.push(("directory", ""), clock())

    def close(self) -> None:
        """Stop watching."""
        if self._hints:
            self._hints.close()
            self._hints = None

    def run_task(self, task: Task) -> None:
        """Do a task of the agenda; whatever goes wrong is told, and the task done again later.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        kind, what = task
        try:
            if kind == "directory":
                self._look_around()
            elif kind == "arrival":
                self._look_at(str(what))
            else:
                self._start(int(what))
        except LedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - one arrival must not stop the others
            self._failed(task, error)

    def _failed(self, task: Task, error: BaseException) -> None:
        """Tell what went wrong with a task, and has it done again."""
        if isinstance(error, LedgerUnusable) or not isinstance(error, Exception):
            raise error
        self._complain(_words(error), undone=True)
        self._full_at = float("-inf")
        self.queue.push(task, self._clock() + min(self.trigger.interval, 5.0))

    def handle_changes(self, names: Mapping[str, bool]) -> None:
        """Follow hints.

        Args:
            names: for each name that changed (empty: the directory itself), whether it was only
                written to.
        """
        now = self._clock()
        check = []
        for name, written in names.items():
            waiting = self._waiting.get(name)
            if waiting and written:
                waiting.record_change(now)
            elif name and not (written and name in self._settled):
                check.append(name)
            elif not name:
                self.queue.reschedule_earlier(("directory", ""), now)
            self._hasten_marked(name, now)
        if not check or self._stamp is None:
            return
        try:
            with WatchedDirectory(self.trigger) as directory:
                if directory.stamp == self._stamp:
                    self._check(check, directory)
                else:
                    self.queue.reschedule_earlier(("directory", ""), now)
        except LedgerUnusable:
            raise
        except (HeadraceError, OSError) as error:
            self._complain(_words(error))
            self._full_at = float("-inf")
            self.queue.reschedule_earlier(("directory", ""), now + 1.0)

    def _hasten_marked(self, name: str, now: float) -> None:
        marked = marked_name(self.trigger, name)
        if marked in self._waiting:
            self.queue.reschedule_earlier(("arrival", marked), now)

    def _look_around(self) -> None:
        """Look at the watched directory."""
        began = self._clock()
        self._ledger.verify()
        self._take_requests()
        try:
            full, cost = self._look_inside(began)
        except OSError as error:
            self._leave()
            self._complain(f"{_words(error)}; waiting until {self.trigger.directory} is back")
            self.queue.push(("directory", ""), began + self.trigger.interval)
            return
        if full:
            self._full_at = began
        wait = max(self.trigger.interval, cost / POLLING_SHARE)
        self.queue.reschedule_earlier(("directory", ""), self._clock() + wait)

    def _look_inside(self, began: float) -> tuple[bool, float]:
        """Compare the directory with what we know.

        Returns:
            whether all of it was looked at, and how long that took in s; to begin to watch a
            directory takes longer, but once.
        """
        with WatchedDirectory(self.trigger) as directory:
            if not self._settle_in(directory):
                # inotify follows another directory than this one, which is on its way.
                self.queue.reschedule_earlier(("directory", ""), began + 0.05)
                return False, 0.0
            settled_in = self._clock()
            full = began - self._full_at >= _FULL_LOOK
            # File systems that make up inodes may not keep a directory's time of change either.
            blind = self._ground is not None and not self._ground.stable_inodes
            names = self._listing.scan(directory, began, force=full or blind)
            if names is not None:
                self._compare(names, directory, full=full)
            return full, self._clock() - settled_in

    def _take_requests(self) -> None:
        """Take up what somebody else has written to the ledger."""
        version = self._ledger.data_version
        if version != self._ledger_version:
            self._ledger_version = version
            for record in self._ledger.records_without_run(
                self.trigger.name, self.trigger.collection
            ):
                if record.state == "failed":
                    self._attempt_soon(record.id)

    def _settle_in(self, directory: WatchedDirectory) -> bool:
        """Find out where we are; a directory that is new to us is watched from now on.

        Returns:
            whether we are where the path leads.
        """
        if directory.stamp == self._stamp:
            return True
        self._leave()
        ground = directory.probe_filesystem()
        observer = ground.observer
        if observer == "inotify":
            # Before the first look, so that nothing falls between.
            try:
                self._hints = ChangeNotifier(self.trigger.directory, self._hint)
            except (OSError, RuntimeError) as error:
                observer = "poll"
                self._complain(
                    f"{self.trigger.directory}: no inotify: {explain_inotify_error(error)}; "
                    f"scanning every {self.trigger.interval:g} s instead"
                )
        with WatchedDirectory(self.trigger) as again:
            if again.stamp != directory.stamp:
                self._leave()
                return False
        self._recall(ground, directory)
        self._ground, self._stamp = ground, directory.stamp
        self._told_at.clear()
        self._tell(Watching(self.trigger.name, self.trigger.directory, observer))
        return True

    def _leave(self) -> None:
        """Take it that the directory is not there; what was in it is not taken to be removed."""
        self.close()
        self._stamp = None
        self._full_at = float("-inf")

    def _recall(self, ground: FilesystemInfo, directory: WatchedDirectory) -> None:
        """Read what the ledger knows of this directory."""
        trigger, ledger = self.trigger, self._ledger
        if ground.earlier_root != ground.root:
            ledger.rename_root(trigger.name, trigger.collection, ground.earlier_root, ground.root)
        where = (trigger.name, trigger.collection, trigger.path, ground.root)
        if not ledger.has_root(*where):
            skip = []
            if trigger.existing == "skip":
                skip = list(list_entries(trigger, ground, directory))
            ledger.add_root(*where, skip)
        known = ledger.handled_entries(*where)
        self._settled = {_name(path): (id_, identity) for id_, path, identity in known}
        self._waiting.clear()
        self._complete.clear()
        for record in ledger.records_without_run(trigger.name, trigger.collection):
            if record.state != "seen":
                self._attempt_soon(record.id)
                continue
            # What was complete before its disk went away may have been written to since.
            self.queue.remove(("start", record.id))
            if record.root == ground.root and record.path.startswith(trigger.path):
                self._wait_for(record)

    def _compare(
        self, names: Mapping[str, int], directory: WatchedDirectory, *, full: bool
    ) -> None:
        """Compare the directory with what we know: find the new, the replaced and the removed."""
        inodes = self._ground is not None and self._ground.stable_inodes
        unknown = []
        for name, inode in names.items():
            settled = self._settled.get(name)
            if settled and not full and (not inodes or settled[1].inode == inode):
                continue
            if name in self._waiting:
                continue
            unknown.append(name)
        self._check(unknown, directory)
        gone = [name for name in (*self._settled, *self._waiting) if name not in names]
        self._check(gone, directory)

    def _check(self, names: Iterable[str], directory: WatchedDirectory) -> None:
        """Bring what we know of some names up to date."""
        ground = self._ground
        if ground is None or self._stamp is None:
            return
        sightings, gone = [], []
        for name in names:
            identity = directory.identify(name, inodes=ground.stable_inodes)
            waiting, settled = self._waiting.get(name), self._settled.get(name)
            known = waiting.record.identity if waiting else settled[1] if settled else None
            if identity is None:
                gone += [name] if known else []
            elif not is_printable_name(name):
                self._complain(
                    f"{self.trigger.directory}: the name {name!a} has control characters or is "
                    "not UTF-8, and is left alone; rename it",
                    undone=True,
                )
            elif known is None or not known.same(identity):
                sightings.append((arrival_path(self.trigger, name), identity))
        if gone:
            self._forget(gone)
        if not sightings:
            return
        trigger = self.trigger
        records = self._ledger.record_seen(trigger.name, trigger.collection, ground.root, sightings)
        for record in records:
            name = _name(record.path)
            replaced = self._waiting.get(name)
            if replaced and replaced.record.id != record.id:
                del self._waiting[name]
                self._tell(Removed(replaced.arrival))
            self._settled.pop(name, None)
            if record.state == "seen":
                self._wait_for(record)
            else:
                self._settled[name] = (record.id, record.identity)

    def _forget(self, names: Iterable[str]) -> None:
        """Take note that something is not in the directory any more."""
        ids = {}
        for name in names:
            waiting = self._waiting.get(name)
            ids[name] = waiting.record.id if waiting else self._settled[name][0]
        self._ledger.mark_missing(ids.values())
        for name in ids:
            self._settled.pop(name, None)
            waiting = self._waiting.pop(name, None)
            if waiting:
                self.queue.remove(("arrival", name))
                self._tell(Removed(waiting.arrival))

    def _wait_for(self, record: Record) -> None:
        now = self._clock()
        arrival = arrival_from_record(self.trigger, record)
        self._waiting[arrival.name] = PendingArrival(self.trigger, record, arrival, now)
        self._tell(Seen(arrival))
        self.queue.push(("arrival", arrival.name), now)

    def _look_at(self, name: str) -> None:
        """Look at an arrival that was not complete at the last look."""
        waiting = self._waiting.get(name)
        if waiting is None or waiting.is_being_checked or self._ground is None:
            return
        began = self._clock()
        if not self._is_still_there(name, waiting):
            if self._waiting.get(name) is waiting:
                self.queue.push(("arrival", name), began + self.trigger.interval)
            return
        try:
            report = waiting.evaluate(self._circumstances(self._ground))
        except FileNotFoundError:
            self.queue.push(("arrival", name), began + 0.02)
            return
        if not report.missing:
            size = (report.files, report.size)
            missing = waiting.background.missing_reason(size, began)
            if missing is None:
                self._submit_check(waiting, size, self._ground)
                return
            report = replace(report, missing=missing)
        if not report.missing:
            del self._waiting[name]
            self._settled[name] = (waiting.record.id, waiting.record.identity)
            self._complete[waiting.record.id] = waiting
            self._attempt_soon(waiting.record.id)
            return
        if report != waiting.reported:
            waiting.reported = report
            self._tell(report)
        now = self._clock()
        self.queue.push(("arrival", name), waiting.next_poll(began, now, len(self._waiting)))

    def _is_still_there(self, name: str, waiting: PendingArrival) -> bool:
        """Tell whether an arrival lies where it lay; what lies there instead is taken note of."""
        inodes = self._ground is not None and self._ground.stable_inodes
        try:
            with WatchedDirectory(self.trigger) as directory:
                if directory.stamp != self._stamp:
                    self.queue.reschedule_earlier(("directory", ""), self._clock())
                    return False
                identity = directory.identify(name, inodes=inodes)
                if identity is not None and identity.same(waiting.record.identity):
                    return True
                self._check([name], directory)
        except (FileNotFoundError, NotADirectoryError):
            self.queue.reschedule_earlier(("directory", ""), self._clock())
        return False

    def _circumstances(self, filesystem: FilesystemInfo) -> Look:
        return Look(
            filesystem.stable_inodes, self._clock, self._complain, self._workers.is_stopping
        )

    def _submit_check(
        self, waiting: PendingArrival, size: tuple[int, int], filesystem: FilesystemInfo
    ) -> None:
        """Have a worker evaluate the rules that may take long."""
        waiting.is_being_checked = True
        if size != waiting.checked_size:
            waiting.checked_size = size
            self._tell(CheckStarted(waiting.arrival))
        work = partial(waiting.background.evaluate, self._circumstances(filesystem))
        self._workers.submit_check(work, partial(self._finish_check, waiting, size))

    def _finish_check(
        self, waiting: PendingArrival, size: tuple[int, int], answer: Future[str]
    ) -> None:
        name = waiting.arrival.name
        waiting.is_being_checked = False
        self._tell(CheckFinished(waiting.arrival))
        if self._waiting.get(name) is not waiting:
            return
        error = answer.exception()
        if error is not None:
            self._failed(("arrival", name), error)
            return
        now = self._clock()
        waiting.background.store(size, now, answer.result())
        self.queue.push(("arrival", name), now)

    def _attempt_soon(self, id_: int) -> None:
        self.queue.reschedule_earlier(("start", id_), self._clock())

    def _start(self, id_: int) -> None:
        complete, unchanged = self._complete.get(id_), None
        if complete and self._ground:
            unchanged = partial(complete.is_unchanged, self._ground.stable_inodes)
        work = partial(self._starts.launch, self.trigger, id_, unchanged)
        self._workers.submit_start(work, partial(self._attempted, id_))

    def _attempted(self, id_: int, attempt: Future[float | None]) -> None:
        error = attempt.exception()
        if isinstance(error, ArrivalChanged):
            self._wait_again(id_)
            return
        if error is not None:
            self._failed(("start", id_), error)
            return
        wait = attempt.result()
        if wait is not None:
            self.queue.push(("start", id_), self._clock() + wait)
        else:
            self._complete.pop(id_, None)

    def _wait_again(self, id_: int) -> None:
        """Have an arrival that changed since it was complete become complete anew."""
        changed = self._complete.pop(id_, None)
        if changed and self._settled.get(changed.arrival.name, (None,))[0] == id_:
            del self._settled[changed.arrival.name]
            self._wait_for(changed.record)

    def _complain(self, message: str, *, undone: bool = False) -> None:
        now = self._clock()
        if now - self._told_at.get(message, float("-inf")) >= _REMINDER:
            self._told_at[message] = now
            self._tell(Problem(self.trigger.name, message, undone))


def list_entries(
    trigger: Trigger, ground: FilesystemInfo, directory: WatchedDirectory
) -> Iterable[tuple[str, Identity]]:
    """Yield path and identity of all that lies in a watched directory and may be an arrival."""
    for name in sorted(directory.list_names()):
        identity = directory.identify(name, inodes=ground.stable_inodes)
        if identity is not None and is_printable_name(name):
            yield arrival_path(trigger, name), identity


def arrival_path(trigger: Trigger, name: str) -> str:
    """Return the path in the collection of what has a name in the watched directory."""
    return f"{trigger.path}{name}" + ("/" if trigger.what == "directory" else "")


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        named = isinstance(error.filename, str)
        place = f"{terminal_text(str(Path(error.filename)))}: " if named else ""
        return f"{place}{error.strerror}"
    if isinstance(error, HeadraceError):
        return str(error)
    return f"{type(error).__name__}: {terminal_text(str(error))}"
