"""The journal of a pack: one file that only grows, with a line for each member that is done."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .file_trees import write_all, write_new

# In the directory of each member that is done, with which its name there is removed.
JOURNAL: Final = "members.jsonl"
# Its first line: the file is known by it, however long the others are.
HEADER: Final = '{"headrace_journal": 1}\n'
# So much is lost at most by a power cut: these members would be run again.
_FLUSH_LINES: Final = 50
_FLUSH_SECONDS: Final = 2.0


class Journal:
    """Manifests of the members of a pack that are done, by their directories.

    It begins in the directory of the first member. The file has a name in the directory of each
    one that is done, too: another pack, in which that is not the first, finds its manifest there.

    A process that is killed loses no line that was written; a power cut those of the last moments,
    for many are flushed at once. All are when the journal is closed, before anybody is told.

    Args:
        path: the file; it is made with the first line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._unflushed = 0
        self._flushed_at = time.monotonic()
        self._is_cut = False
        # Of other packs: by file, for the members of one have its name in common.
        self._read: dict[tuple[int, int, int], dict[str, Mapping[str, Any]]] = {}
        self._own: os.stat_result | None = None
        with contextlib.suppress(OSError):
            self._own = path.stat()
        self._known = read_journal(path)

    def get(self, directory: str, place: Path) -> list[Mapping[str, Any]]:
        """Return the manifests of a member, the likeliest first.

        Args:
            directory: the member's name for its directory.
            place: the directory.
        """
        at_place = self._read_once(place / JOURNAL)
        journals = [at_place] if at_place is self._known else [at_place, self._known]
        return [known[directory] for known in journals if directory in known]

    def _read_once(self, path: Path) -> dict[str, Mapping[str, Any]]:
        try:
            seen = path.stat()
        except OSError:
            return {}
        if self._own is not None and os.path.samestat(seen, self._own):
            return self._known  # what was added since is of members that are not asked for again
        key = (seen.st_dev, seen.st_ino, seen.st_size)
        with self._lock:
            if key not in self._read:
                self._read[key] = read_journal(path)
            return self._read[key]

    def add(self, directory: str, place: Path, manifest: Mapping[str, Any]) -> None:
        """Write down that a member is done.

        Args:
            directory: the member's name for its directory.
            place: the directory.
            manifest: its manifest.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps({"directory": directory, "manifest": dict(manifest)}) + "\n"
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._open()
            start = "\n" if self._is_cut else ""
            self._is_cut = True
            write_all(self._descriptor, f"{start}{line}".encode())
            self._is_cut = False
            self._unflushed += 1
            late = time.monotonic() - self._flushed_at > _FLUSH_SECONDS
            if self._unflushed >= _FLUSH_LINES or late:
                self._flush()
        self._give_name(f"{place}/{JOURNAL}", line)

    def _give_name(self, path: str, line: str) -> None:
        """Give the file another name; where that is impossible, write the line to one of its own.

        Raises:
            OSError: it cannot be written.
        """
        for _ in range(2):
            try:
                os.link(self._path, path)
            except FileExistsError:
                if self._path.samefile(path):
                    return
                Path(path).unlink(missing_ok=True)  # of an earlier pack
            except OSError:  # a file system without hard links
                break
            else:
                return
        write_new(path, HEADER + line)

    def close(self) -> None:
        """Flush what was written, and close the file."""
        with self._lock:
            if self._descriptor is None:
                return
            try:
                if self._unflushed:
                    # A journal that cannot be flushed costs a repetition, not the outcomes.
                    with contextlib.suppress(OSError):
                        self._flush()
            finally:
                os.close(self._descriptor)
                self._descriptor = None

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if not size:
                write_all(descriptor, HEADER.encode())
            elif os.pread(descriptor, 1, size - 1) != b"\n":
                write_all(descriptor, b"\n")  # the last line was cut
            parent = os.open(self._path.parent, os.O_RDONLY)
            try:
                with contextlib.suppress(OSError):  # not every file system can
                    os.fsync(parent)
            finally:
                os.close(parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _flush(self) -> None:
        assert self._descriptor is not None  # noqa: S101 - a line was written
        os.fsync(self._descriptor)
        self._unflushed = 0
        self._flushed_at = time.monotonic()


def read_journal(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the manifests of a journal by the directories' names; none where it is not there.

    Args:
        path: the file.
    """
    found: dict[str, Mapping[str, Any]] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):  # a line that was cut or damaged
            entry = json.loads(line)
            if isinstance(entry, dict) and isinstance(entry.get("manifest"), dict):
                found[str(entry.get("directory"))] = entry["manifest"]
    return found
