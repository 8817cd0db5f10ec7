"""Indexes of segments: made by processes of their own, one at a time, while pages are served.

They are in ``.headrace/data_run_index`` of the project, never beside a product: whatever removes
them, they are made again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import private_directory
from headrace.errors import HeadraceError

if TYPE_CHECKING:
    from headrace.datarun.hit_index.index_file import HitIndex, Stamp

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN: Final = 5.0
"""Least time between two looks at a segment that grows."""

_MOST_OPEN: Final = 1_000


@dataclass(frozen=True)
class SegmentIndex:
    """Index of a segment as far as it is there.

    Attributes:
        path: the segment.
        index: the index; None before there is one.
        share: how much of the segment was read for a new one; None where none is being made.
        problem: why there will be none; empty where there will.
    """

    path: Path
    index: HitIndex | None
    share: float | None = None
    problem: str = ""


@dataclass
class _Wanted:
    path: Path
    stamp: Stamp
    share: float = 0.0


class SegmentIndexes:
    """Finds indexes of segments, and has those made that are missing or out of date.

    Args:
        directory: where they are; made where it is missing.
        run: makes an index of a segment, and is told of the share that was read; tests replace it.
    """

    def __init__(
        self,
        directory: Path,
        run: Callable[[Path, Path, Callable[[float], None]], None] | None = None,
    ) -> None:
        self._directory = directory
        self._run = run or (lambda *given: run_index_program(*given))
        self._lock = threading.Lock()
        self._wanted: dict[Path, _Wanted] = {}
        self._open: dict[Path, tuple[tuple[int, int], HitIndex]] = {}
        self._made_at: dict[Path, float] = {}
        self._problems: dict[Path, tuple[Stamp, str]] = {}
        self._worker: threading.Thread | None = None

    def find(self, path: Path) -> SegmentIndex:
        """Return the index of a segment; it is made meanwhile where it is missing.

        One of a segment that grows holds for what was there before.

        Args:
            path: the segment.
        """
        from headrace.datarun.hit_index.index_file import Stamp

        try:
            stamp = Stamp.of(path.stat())
        except OSError as error:
            return SegmentIndex(path, None, problem=f"{path}: cannot be read: {error.strerror}")
        with self._lock:
            index = self._opened(self._target(path))
            if index is not None and index.header.is_of(stamp):
                return SegmentIndex(path, index)
            has_grown = (
                index is not None
                and index.header.stamp.inode == stamp.inode
                and index.header.stamp.size < stamp.size
            )
            is_young_only = index is not None and index.header.stamp == stamp
            failed = self._problems.get(path)
            if failed is not None and failed[0] == stamp:
                return SegmentIndex(path, None, problem=failed[1])
            since = time.monotonic() - self._made_at.get(path, -_SECONDS_BETWEEN)
            if since >= _SECONDS_BETWEEN:
                self._want(path, stamp)
            wanted = self._wanted.get(path)
        share = wanted.share if wanted is not None else None
        return SegmentIndex(path, index if has_grown or is_young_only else None, share)

    def wait(self) -> None:
        """Wait until all indexes that were wanted are made."""
        worker = self._worker
        if worker is not None:
            worker.join()

    def _target(self, path: Path) -> Path:
        name = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=12).hexdigest()
        return self._directory / f"{name}.idx"

    def _opened(self, target: Path) -> HitIndex | None:
        from headrace.datarun.hit_index.index_file import read_index

        try:
            status = target.stat()
        except OSError:
            return None
        # An index is replaced, never changed: another one is another file.
        identity = status.st_ino, status.st_mtime_ns
        known = self._open.get(target)
        if known is not None and known[0] == identity:
            return known[1]
        index = read_index(target)
        if index is None:
            return None
        if len(self._open) >= _MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        self._open[target] = identity, index
        return index

    def _want(self, path: Path, stamp: Stamp) -> None:
        self._wanted.setdefault(path, _Wanted(path, stamp))
        if self._worker is None or not self._worker.is_alive():
            self._worker = threading.Thread(target=self._work, name="hit-index", daemon=True)
            self._worker.start()

    def _work(self) -> None:
        self._remove_orphans()
        while True:
            with self._lock:
                wanted = next(iter(self._wanted.values()), None)
                if wanted is None:
                    self._worker = None
                    return
            problem = self._make(wanted)
            with self._lock:
                self._made_at[wanted.path] = time.monotonic()
                del self._wanted[wanted.path]
                if problem:
                    self._problems[wanted.path] = wanted.stamp, problem
                else:
                    self._problems.pop(wanted.path, None)

    def _make(self, wanted: _Wanted) -> str:
        def report(share: float) -> None:
            wanted.share = share

        try:
            private_directory(self._directory)
            self._run(wanted.path, self._target(wanted.path), report)
        except (HeadraceError, OSError) as error:
            logger.warning("index of %s: %s", wanted.path, error)
            return str(error)
        return ""

    def _remove_orphans(self) -> None:
        """Remove indexes whose segments are gone."""
        from headrace.datarun.errors import DataRunError
        from headrace.datarun.hit_index.index_file import read_index

        for target in self._directory.glob("*.idx"):
            with suppress(OSError, DataRunError):
                index = read_index(target)
                if index is None or not Path(index.header.source).exists():
                    target.unlink()
                    target.with_suffix(".lock").unlink(missing_ok=True)


def run_index_program(source: Path, target: Path, report: Callable[[float], None]) -> None:
    """Make an index by a process of its own, which a segment that is cut short cannot end ours.

    Args:
        source: the segment.
        target: the index.
        report: called with the share that was read.

    Raises:
        HeadraceError: it cannot be made; the message is the program's.
    """
    command = [sys.executable, "-m", "headrace.datarun.hit_index", str(source), str(target)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        last = ""
        for line in program.stdout or ():
            last = line.decode("utf-8", "replace").strip() or last
            with suppress(ValueError, KeyError, TypeError, ZeroDivisionError):
                facts = json.loads(last)
                report(facts["done"] / facts["size"])
    if program.returncode:
        missing = "No module named" in last
        advice = "; pip install 'headrace[datarun]'" if missing else ""
        raise HeadraceError(f"{last.removeprefix('hit_index: ')}{advice}")
