"""Symbolic links on the way of a path, and at its end, followed as long as they stay inside.

The kernel never follows a link here. A link is read, and the names of its target are walked one
by one from the directory that holds it, or from the collection's root, each opened without
following. Where a target is absolute, or climbs above the root, it is first looked up which path
in the collection that is; the look-up decides only which names are walked, never where
they lead.
"""

from __future__ import annotations

import contextlib
import os
import stat as modes
from pathlib import Path

from headrace.facility.transfer.collection import Collection, OpenDirectory, open_root
from headrace.facility.transfer.errors import TransferError
from headrace.facility.transfer.paths import parse_path

# As many as Linux follows on one path.
_MAX_LINKS = 40


def follow_directory(
    root: OpenDirectory, parts: tuple[str, ...], *, create: bool = False
) -> OpenDirectory:
    """Open a directory of a collection, through links that stay in it.

    Args:
        root: the collection's open root.
        parts: names that lead from the root to the directory.
        create: make the directories that are missing.

    Raises:
        TransferError: a link leads out of the collection or in circles, or as
            ``OpenDirectory.open_directory``.
    """
    folder, _ = _LinkResolver(root).resolve(parts, create=create, directory=True)
    return folder


def open_directory(
    collection: Collection, parts: tuple[str, ...], *, create: bool = False
) -> OpenDirectory:
    """Open a directory of a collection; links on the way that stay in it are followed.

    Args:
        collection: where it is.
        parts: names that lead from the root to it.
        create: make the directories that are missing, below the root.

    Raises:
        TransferError: the root is missing, a link leads out of the collection, or as
            ``OpenDirectory.open_directory``.
    """
    with open_root(collection) as root:
        return follow_directory(root, parts, create=create)


def resolve_path(
    collection: Collection, parts: tuple[str, ...]
) -> tuple[OpenDirectory, str | None]:
    """Find what a path of a collection names in the end, through links that stay in it.

    Args:
        collection: where it is.
        parts: names that lead from the root to it.

    Returns:
        The directory that holds it, open, and what it is called there, which was no link when it
        was looked at; None in place of the name for the collection's root.

    Raises:
        TransferError: as ``follow_directory``.
    """
    with open_root(collection) as root:
        return _LinkResolver(root).resolve(parts, create=False, directory=False)


class _LinkResolver:
    """Resolution of one path: the open directories from the root to the current one."""

    def __init__(self, root: OpenDirectory) -> None:
        self._root = root
        self._real = os.path.realpath(root.collection.root)
        self._stack: list[OpenDirectory] = []
        self._links = 0

    def resolve(
        self, parts: tuple[str, ...], *, create: bool, directory: bool
    ) -> tuple[OpenDirectory, str | None]:
        """Resolve names, and return the last directory, open; all others are closed."""
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self._close)
            self._restart()
            todo = list(reversed(parts))
            while todo:
                name = todo.pop()
                if name in ("", "."):
                    continue
                if name == "..":
                    self._to_parent(todo)
                    continue
                here = self._stack[-1]
                target = self._link_target(here, name)
                if target is not None:
                    self._follow(here, name, target, todo)
                elif not directory and not any(todo):
                    return self._stack.pop(), name
                else:
                    self._stack.append(here.open_directory(name, create=create))
            if not directory and len(self._stack) > 1:
                last = self._stack.pop()
                with last:
                    return self._stack.pop(), last.parts[-1]
            return self._stack.pop(), None

    def _restart(self) -> None:
        self._close()
        self._stack.append(self._root.open_path(()))

    def _close(self) -> None:
        while self._stack:
            with self._stack.pop():
                pass

    def _to_parent(self, todo: list[str]) -> None:
        if len(self._stack) > 1:
            with self._stack.pop():
                return
        here = self._stack[-1]
        self._restart_at("/".join([self._real, "..", *reversed(todo)]), here.describe(), todo)

    def _link_target(self, here: OpenDirectory, name: str) -> str | None:
        """Return where a link points; None for what is no link."""
        status = here.lstat(name)
        if status is None or not modes.S_ISLNK(status.st_mode):
            return None
        try:
            return os.readlink(name, dir_fd=here.fd)
        except OSError:
            return None  # replaced since it was seen; opening it shows what it is now

    def _follow(self, here: OpenDirectory, name: str, target: str, todo: list[str]) -> None:
        self._links += 1
        if self._links > _MAX_LINKS:
            raise TransferError(
                "PermissionDenied", f"{here.describe(name)}: symbolic links lead in circles"
            )
        if target.startswith("/"):
            self._restart_at("/".join([target, *reversed(todo)]), here.describe(name), todo)
        else:
            todo.extend(reversed(target.split("/")))

    def _restart_at(self, path: str, where: str, todo: list[str]) -> None:
        """Start again from the root towards an absolute path, if it lies in the collection."""
        self._links += 1
        inside = None if self._links > _MAX_LINKS else self._inside(path)
        if inside is None:
            raise outside_link_error(where)
        todo[:] = reversed(inside)
        self._restart()

    def _inside(self, path: str) -> tuple[str, ...] | None:
        try:
            return Path(os.path.realpath(path)).relative_to(self._real).parts
        except (ValueError, OSError):
            return None


def outside_link_error(where: str) -> TransferError:
    """Return the error for a link that leaves its collection."""
    return TransferError(
        "PermissionDenied",
        f"{where}: is a symbolic link that leads out of the collection: make a collection of "
        "where it leads, or mount that here (mount --bind)",
    )


def outside_link_problem(name: str, root: Path, path: str) -> str | None:
    """Return the problem of a path whose links leave the collection.

    Args:
        name: the collection's name.
        root: the collection's directory.
        path: a path in it; it may be missing.

    Returns:
        One line; None where no link leads out, or in circles.
    """
    collection = Collection("", name, root)
    try:
        folder, _ = resolve_path(collection, parse_path(path))
    except TransferError as error:
        return str(error) if error.code == "PermissionDenied" and "link" in str(error) else None
    with folder:
        return None
