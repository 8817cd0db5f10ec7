"""The index of a watched directory's entries: which are handled, which are pending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from headrace.triggers.arrival import Identity
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.completeness.pending import LookBudget, PendingArrival
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.directory_attachment import DirectoryAttachment
from headrace.triggers.entries import entry_key, entry_path, list_entries
from headrace.triggers.events import Removed, Seen, WatchEvent
from headrace.triggers.ignored_names import is_printable_name
from headrace.triggers.ledger import Ledger
from headrace.triggers.problem_reporter import ProblemReporter
from headrace.triggers.record import Record
from headrace.triggers.start_scheduler import StartScheduler
from headrace.triggers.tasks import Task
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import FilesystemInfo, WatchedDirectory, may_be_key

# So many new entries are written down at a time; the first of them have their runs meanwhile.
_AT_A_TIME = 500
# While so many wait, and some of them are finished, no more are taken up, for each takes memory;
# that is tried again after so long (s).
_MOST, _PAUSE = 10_000, 0.1
MORE_ENTRIES: Task = ("entries", "")


class EntryIndex:
    """Index of a watched directory's entries by key, kept in step with the ledger.

    Attributes:
        pending: what is not known to be complete.
        member_of: of each file of a set that is pending, the file that stands for the set.
        handled: number of the record and identity of what has been complete, or is skipped.

    Args:
        trigger: the trigger.
        ledger: the ledger.
        attachment: the directory.
        starts: schedules the attempts to start runs.
        queue: tasks of the trigger.
        problems: reports names that cannot be used.
        on_event: called with what appears and what goes away.
        clock: monotonic time in s.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        attachment: DirectoryAttachment,
        starts: StartScheduler,
        queue: DelayQueue[Task],
        problems: ProblemReporter,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self.pending: dict[str, PendingArrival] = {}
        self.handled: dict[str, tuple[int, Identity]] = {}
        self.member_of: dict[str, str] = {}
        # New entries that are not written down yet, the next ones last.
        self._unknown: list[str] = []
        self._waiting, self._most = 0, _MOST
        self._going_on_until = 0.0
        self._trigger = trigger
        self._ledger = ledger
        self._attachment = attachment
        self._starts = starts
        self._budget = LookBudget()
        self._queue = queue
        self._problems = problems
        self._on_event = on_event
        self._clock = clock

    def load(self, filesystem: FilesystemInfo, directory: WatchedDirectory) -> None:
        """Read what the ledger knows of a directory; one that it does not know is added to it."""
        trigger, ledger = self._trigger, self._ledger
        root, earlier_root = filesystem.root, filesystem.earlier_root
        if earlier_root != root:
            ledger.rename_root(trigger.name, trigger.collection, earlier_root, root)
        where = (trigger.name, trigger.collection, trigger.path, root)
        if not ledger.has_root(*where):
            skip = []
            if trigger.existing == "skip" or (not trigger.existing and ledger.is_skipping(*where)):
                skip = list(list_entries(trigger, filesystem, directory))
            ledger.add_root(*where, skip)
        known = ledger.handled_entries(*where)
        # What was an arrival by earlier settings of the trigger is none now, and lies there all the
        # same: it is not taken to be removed, so as to be no new arrival when they are back.
        is_directory = trigger.what == "directory"
        self.handled = {
            key: (id_, identity)
            for id_, path, identity in known
            if may_be_key(trigger, key := entry_key(trigger, path))
            and path.endswith("/") == is_directory
        }
        self.pending.clear()
        self.member_of.clear()
        self._unknown.clear()
        self._starts.forget_complete()
        for record in ledger.records_without_run(trigger.name, trigger.collection):
            if record.state != "seen":
                self._starts.schedule(record)
                continue
            # What was complete before its disk went away may have been written to since.
            self._starts.cancel(record.id)
            if record.root == root and record.path.startswith(trigger.path):
                self.add_pending(record)

    def compare(self, names: Mapping[str, int], directory: WatchedDirectory, *, full: bool) -> None:
        """Find the new, the replaced and the removed entries.

        Args:
            names: inode numbers by name, as they were just listed.
            directory: the directory, open.
            full: whether the identities of all handled entries are compared.
        """
        unknown = []
        for name, inode in names.items():
            handled = self.handled.get(name)
            same = not self._attachment.stable_inodes or (handled and handled[1].inode == inode)
            if handled and not full and same:
                continue
            if name not in self.pending:
                unknown.append(name)
        gone = [
            name
            for name in (*self.handled, *self.pending)
            if name not in names and not _lies_in(name, directory.unread)
        ]
        self.update(gone, directory)
        self._unknown = unknown[::-1]
        self.update_unknown(directory)

    def update_unknown(self, directory: WatchedDirectory) -> None:
        """Write down some of the new entries; the others are a task of their own."""
        if self._unknown and self._is_full():
            self._queue.push(MORE_ENTRIES, self._clock() + _PAUSE)
            return
        names = self._unknown[: -_AT_A_TIME - 1 : -1]
        del self._unknown[-_AT_A_TIME:]
        self.update(names, directory)
        if self._unknown:
            self._queue.push(MORE_ENTRIES, self._clock())

    def _is_full(self) -> bool:
        """Tell whether so many arrivals wait that others had better not be taken up yet."""
        waiting, now = len(self.pending) + self._starts.waiting, self._clock()
        if waiting < self._waiting or waiting < self._most:
            self._going_on_until = now + self._trigger.interval
        self._waiting = waiting
        if now >= self._going_on_until:
            # Those that wait may do so for long.
            self._most += _MOST
            self._going_on_until = now + self._trigger.interval
        return waiting >= self._most

    def update(self, names: Iterable[str], directory: WatchedDirectory) -> None:
        """Bring what is known of some names up to date."""
        filesystem = self._attachment.filesystem
        if filesystem is None or self._attachment.stamp is None:
            return
        entries, gone = [], []
        for name in names:
            identity = directory.identify(name, inodes=filesystem.stable_inodes)
            pending, handled = self.pending.get(name), self.handled.get(name)
            known = pending.record.identity if pending else handled[1] if handled else None
            if identity is None:
                gone += [name] if known else []
            elif not is_printable_name(name):
                self._problems.report(
                    f"{self._trigger.directory}: the name {name!a} has control characters or is "
                    "not UTF-8, and is left alone; rename it",
                    blocks_run=True,
                )
            elif known is None or not known.same(identity):
                entries.append((entry_path(self._trigger, name), identity))
        if gone:
            self._mark_missing(gone)
        if entries:
            self._record_seen(filesystem.root, entries)

    def add_pending(self, record: Record) -> None:
        """Wait until an arrival is complete."""
        now = self._clock()
        arrival = arrival_from_record(self._trigger, record)
        about = (self._trigger, record, arrival)
        key = entry_key(self._trigger, record.path)
        self.pending[key] = PendingArrival(*about, now, self._budget)
        for member in self._member_keys(key):
            self.member_of[member] = key
        self._on_event(Seen(arrival))
        if len(self.pending) == 1:
            # As long as something waits, each scan asks again.
            self._starts.prepare(arrival)
        self._queue.push(("arrival", key), now)

    def adopt(self, record: Record) -> None:
        """Take note of an arrival that another process has asked a run for.

        A replay is the next generation at its path: it is the one that goes away with the entry.
        """
        filesystem = self._attachment.filesystem
        name = entry_key(self._trigger, record.path)
        here = filesystem is not None and record.root == filesystem.root
        if here and record.present and name in self.handled and name not in self.pending:
            self.handled[name] = (record.id, record.identity)

    def mark_complete(self, name: str) -> PendingArrival:
        """Move an entry from the pending to the handled ones."""
        complete = self._pop_pending(name)
        self.handled[name] = (complete.record.id, complete.record.identity)
        return complete

    def reopen(self, id_: int, changed: PendingArrival) -> None:
        """Have an arrival that changed since it was complete become complete anew."""
        key = entry_key(self._trigger, changed.record.path)
        if self.handled.get(key, (None,))[0] == id_:
            del self.handled[key]
            self.add_pending(changed.record)

    def _record_seen(self, root: str, entries: Iterable[tuple[str, Identity]]) -> None:
        trigger = self._trigger
        for record in self._ledger.record_seen(trigger.name, trigger.collection, root, entries):
            name = entry_key(trigger, record.path)
            replaced = self.pending.get(name)
            if replaced and replaced.record.id != record.id:
                self._pop_pending(name)
                self._on_event(Removed(replaced.arrival))
            self.handled.pop(name, None)
            if record.state == "seen":
                self.add_pending(record)
            else:
                self.handled[name] = (record.id, record.identity)

    def _pop_pending(self, key: str) -> PendingArrival:
        self._attachment.unfollow(key)
        for member in self._member_keys(key):
            self.member_of.pop(member, None)
        return self.pending.pop(key)

    def _member_keys(self, key: str) -> Iterable[str]:
        """Yield the keys of all files of a set."""
        if self._trigger.what == "set":
            above, slash, name = key.rpartition("/")
            for member in self._trigger.member_names(name):
                yield f"{above}{slash}{member}"

    def _mark_missing(self, names: Iterable[str]) -> None:
        ids = {}
        for name in names:
            pending = self.pending.get(name)
            ids[name] = pending.record.id if pending else self.handled[name][0]
        self._ledger.mark_missing(ids.values())
        for name in ids:
            self.handled.pop(name, None)
            if name in self.pending:
                pending = self._pop_pending(name)
                self._queue.remove(("arrival", name))
                self._on_event(Removed(pending.arrival))


def _lies_in(key: str, directories: Mapping[str, str]) -> bool:
    return any(key.startswith(f"{directory}/") for directory in directories)
