"""The notifier of changes by inotify: of a directory, and of the directories in it that wait.

One instance of inotify and one thread serve a trigger, however many directories wait. The kernel
limits the watches of all programs of a user together (``fs.inotify.max_user_watches``); at most
half of them, and never more than `_MAX_WATCHES`, are taken here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.triggers.changes import Change, ChangeCallback, ReportScope

_MAX_WATCHES = 16_384
_LIMIT_FILE = Path("/proc/sys/fs/inotify/max_user_watches")
# What is written in small steps is reported in few: after a report nothing is read for so long
# (s), longer while only contents change, and longest where nobody waits for one of them.
_PAUSE, _PAUSE_IN_WRITING, _PAUSE_IN_SETTLING = 0.002, 0.005, 0.01


@dataclass
class _Tree:
    """A directory that waits, and the watches in it: descriptors by path, "" being its own."""

    name: str
    location: str
    scope: ReportScope
    device: int
    watches: dict[str, int] = field(default_factory=dict)


class InotifyNotifier:
    """Notifier of changes in a directory and in the directories in it that wait.

    Args:
        directory: the directory.
        on_change: called with each change.

    Raises:
        OSError: the system has no more instances or watches to give.
        ImportError: the package inotify-simple is not installed.
    """

    def __init__(self, directory: Path, on_change: ChangeCallback) -> None:
        from inotify_simple import INotify, flags

        names = flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE
        # Not every write: a file that is written in small steps would keep us busy.
        self._mask = names | flags.CLOSE_WRITE | flags.ATTRIB | flags.ONLYDIR | flags.EXCL_UNLINK
        self._itself = flags.DELETE_SELF | flags.MOVE_SELF
        self._appeared = flags.CREATE | flags.MOVED_TO | flags.CLOSE_WRITE
        self._new = flags.CREATE | flags.MOVED_TO
        self._flags = flags
        # Events of these kinds say more than that something in a directory has changed.
        self._special = int(flags.ISDIR | flags.IGNORED | flags.Q_OVERFLOW)
        self._on_change = on_change
        self._limit = _watch_limit()
        self._lock = threading.Lock()
        self._trees: dict[str, _Tree] = {}
        self._places: dict[int, tuple[_Tree, str]] = {}
        # Directories between this one and the arrivals: their keys by descriptor.
        self._parents: dict[int, str] = {}
        self._parent_keys: dict[str, int] = {}
        self._inotify = INotify()
        try:
            real = os.path.realpath(directory)
            self._own = self._inotify.add_watch(real, self._mask | self._itself)
            self._end, self._end_writer = os.pipe()
        except BaseException:
            self._inotify.close()
            raise
        self._thread = threading.Thread(
            target=self._run, name=f"inotify {directory.name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End the thread, and give all watches back."""
        os.close(self._end_writer)
        self._thread.join()
        os.close(self._end)
        self._inotify.close()

    def watch(self, name: str, location: Path, scope: ReportScope) -> bool:
        """Report changes in a directory that waits; it is to be looked at afterwards, not before.

        Args:
            name: its name in the watched directory.
            location: the directory.
            scope: which changes to report.

        Returns:
            True: all of them are reported from now on. False: the directory has others in it that
            lie on another file system.

        Raises:
            OSError: they cannot be watched, and nothing of it is.
        """
        tree = _Tree(name, str(location), scope, location.lstat().st_dev)
        with self._lock:
            self._forget(name)
            self._trees[name] = tree
            try:
                complete = self._add(tree, "")
            except BaseException:
                self._forget(name)
                raise
            if not complete:
                self._forget(name)
            return complete

    def watch_parent(self, key: str, location: Path) -> None:
        """Report what appears in a directory between this one and the arrivals.

        Args:
            key: its path in this one; what lies in it is reported below that.
            location: the directory.

        Raises:
            OSError: it cannot be watched.
        """
        with self._lock:
            if key in self._parent_keys:
                return
            self._check_limit()
            mask = self._mask | self._flags.DONT_FOLLOW
            descriptor = self._inotify.add_watch(str(location), mask)
            self._parents[descriptor], self._parent_keys[key] = key, descriptor

    def unwatch(self, name: str) -> None:
        """Report no more changes in a directory; nothing happens if none were."""
        with self._lock:
            self._forget(name)

    # -- watches; the lock is held

    def _add(self, tree: _Tree, path: str) -> bool:
        """Watch a directory of a tree and, where that is asked for, all in it."""
        waiting = [path]
        while waiting:
            path = waiting.pop()
            place = _join(tree.location, path) if path else tree.location
            self._check_limit()
            try:
                # Before it is read: what appears in it meanwhile is either read or reported.
                descriptor = self._inotify.add_watch(place, self._mask | self._flags.DONT_FOLLOW)
                self._register(descriptor, tree, path)
                if not tree.scope.is_deep:
                    return True
                if os.lstat(place).st_dev != tree.device:
                    return False
                with os.scandir(place) as entries:
                    waiting += [
                        _join(path, entry.name)
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                    ]
            except (FileNotFoundError, NotADirectoryError):
                if not path:
                    raise
        return True

    def _check_limit(self) -> None:
        if len(self._places) + len(self._parents) >= self._limit:
            raise OSError(errno.EDQUOT, f"{self._limit:,} directories are watched already")

    def _register(self, descriptor: int, tree: _Tree, path: str) -> None:
        old = tree.watches.get(path)
        if old is not None and old != descriptor:
            # Another directory has this path now.
            self._remove(tree, [path])
        former = self._places.get(descriptor)
        if former and former[0].watches.get(former[1]) == descriptor:
            del former[0].watches[former[1]]
        self._places[descriptor] = (tree, path)
        tree.watches[path] = descriptor

    def _forget(self, name: str) -> None:
        tree = self._trees.pop(name, None)
        if tree:
            self._remove(tree, list(tree.watches))

    def _remove(self, tree: _Tree, paths: list[str]) -> None:
        for path in paths:
            descriptor = tree.watches.pop(path)
            del self._places[descriptor]
            # It is gone already where its directory is.
            with contextlib.suppress(OSError):
                self._inotify.rm_watch(descriptor)

    # -- events

    def _run(self) -> None:
        poll, end = select.poll(), select.poll()
        poll.register(self._inotify.fileno(), select.POLLIN)
        for poller in (poll, end):
            poller.register(self._end, select.POLLIN)
        while all(descriptor != self._end for descriptor, _ in poll.poll()):
            events = self._inotify.read(timeout=0)
            with self._lock:
                changes = self._merge(events)
            for name, change in changes.items():
                self._on_change(name, change)
            if end.poll(1000 * self._pause_after(changes)):
                return

    def _pause_after(self, changes: dict[str, Change]) -> float:
        if any(change != Change.CONTENT for change in changes.values()):
            return _PAUSE
        settling = changes and all(name in self._trees for name in changes)
        return _PAUSE_IN_SETTLING if settling else _PAUSE_IN_WRITING

    def _merge(self, events: list[Any]) -> dict[str, Change]:
        """Return what to report of events, by names; the lock is held."""
        changes: dict[str, Change] = {}
        # Watches of trees of which is known already that something in them has changed, and of
        # which nothing else is to be reported: copying a tree brings thousands of events at once.
        known: set[int] = set()
        for event in events:
            if event.mask & self._special:
                # Other trees may have the watches afterwards.
                known.clear()
            elif event.wd in known:
                continue
            name, change = self._handle(event)
            before = changes.get(name)
            if change and change != before:
                changes[name] = change | before if before else change
            tree, _ = self._places.get(event.wd, (None, ""))
            if tree is not None and not tree.scope.awaited_names:
                known.add(event.wd)
        return changes

    def _handle(self, event: Any) -> tuple[str, Change]:
        """Return what to report of an event, and of which name."""
        flags = self._flags
        if event.mask & flags.Q_OVERFLOW:
            for name in list(self._trees):
                self._forget(name)
            return "", Change.ENTRY | Change.LOST
        above = "" if event.wd == self._own else self._parents.get(event.wd)
        if above is None:
            return self._follow(event)
        if not event.name:
            if event.mask & flags.IGNORED:
                self._forget_parent(event.wd)
            gone = event.mask & (self._itself | flags.IGNORED | flags.UNMOUNT)
            return above, Change.ENTRY if gone or above else Change(0)
        key = _join(above, event.name)
        if event.mask & flags.ISDIR and event.mask & flags.MOVED_FROM:
            self._forget_parents(key)
        written = event.mask & (flags.CLOSE_WRITE | flags.ATTRIB)
        return key, Change.CONTENT if written else Change.ENTRY

    def _forget_parent(self, descriptor: int) -> None:
        key = self._parents.pop(descriptor, None)
        if key is not None and self._parent_keys.get(key) == descriptor:
            del self._parent_keys[key]

    def _forget_parents(self, key: str) -> None:
        """Watch a directory no more that was moved away, nor those in it."""
        for descriptor, parent in [*self._parents.items()]:
            if f"{parent}/".startswith(f"{key}/"):
                self._forget_parent(descriptor)
                with contextlib.suppress(OSError):
                    self._inotify.rm_watch(descriptor)

    def _follow(self, event: Any) -> tuple[str, Change]:
        """Follow a change in a tree: directories in it come and go; return what to report."""
        flags, nothing = self._flags, Change(0)
        tree, path = self._places.get(event.wd, (None, ""))
        if tree is None:
            return "", nothing
        if event.mask & flags.IGNORED:
            del self._places[event.wd]
            if tree.watches.get(path) == event.wd:
                del tree.watches[path]
            return "", nothing
        change = Change.CONTENT if tree.scope.every_change else nothing
        path = _join(path, event.name)
        if event.mask & self._appeared and tree.scope.awaits(path):
            change |= Change.AWAITED
        if event.mask & flags.ISDIR and event.name and tree.scope.is_deep:
            if event.mask & flags.MOVED_FROM:
                inner = [place for place in tree.watches if f"{place}/".startswith(f"{path}/")]
                self._remove(tree, inner)
            elif event.mask & self._new:
                # What is awaited may lie in it already.
                if tree.scope.awaited_names:
                    change |= Change.AWAITED
                try:
                    complete = self._add(tree, path)
                except OSError:
                    complete = False
                if not complete:
                    self._forget(tree.name)
                    change |= Change.LOST
        return tree.name, change


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _watch_limit() -> int:
    """Return how many watches one notifier takes at most."""
    try:
        return min(_MAX_WATCHES, int(_LIMIT_FILE.read_text()) // 2)
    except (OSError, ValueError):
        return _MAX_WATCHES
