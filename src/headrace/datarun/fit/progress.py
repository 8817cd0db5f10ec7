"""Progress file of the fits."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace._internal.files import write_whole
from headrace.datarun.errors import DataRunError
from headrace.ranks import Ranks

_INTERVAL = 0.5


class Progress:
    """Progress of all ranks as rank 0 sees it: one JSON object, replaced atomically.

    Its keys: ``stage`` (``start``, ``staging``, ``compiling``, ``index``, ``fit``, ``writing``,
    then ``done`` or ``failed``), ``hits`` and ``done`` (how many are there, how many are fitted),
    ``seconds`` since the start, ``hits_per_s``, ``source``, ``target``, ``error`` (why it failed),
    ``pid``. After the first write, a disk that refuses it ends the reports and not the fits.
    """

    def __init__(self, path: Path | None, source: Path, target: Path) -> None:
        """Start to count.

        Args:
            path: the file; None for no file.
            source: the segment.
            target: the fitted segment.
        """
        self._path = path
        self._names = {"source": str(source), "target": str(target), "pid": os.getpid()}
        self._started_at = time.monotonic()
        self._written_at = -_INTERVAL
        self._fits_started_at = self._started_at
        self._stage = "start"
        self._hits = 0
        self._done = 0
        self._pieces = 0
        self._error: str | None = None
        self._reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._error = None if error is None else str(error) or type(error).__name__
        self.report("done" if error is None else "failed")

    def start(self) -> None:
        """Write the file for the first time.

        Raises:
            DataRunError: it cannot be written.
        """
        path = self._path
        self._write()
        if path is not None and self._path is None:
            raise DataRunError(
                f"{path}: cannot be written: {self._reason}; "
                "check the directory, or leave --progress out"
            )

    def report(self, stage: str) -> None:
        """Write the file.

        Args:
            stage: what is being done.
        """
        self._stage = stage
        self._write()

    def start_fits(self, hits: int) -> None:
        """Begin the fits, of so many hits."""
        self._hits = hits
        self._fits_started_at = time.monotonic()
        self.report("fit")

    def count(self, ranks: Ranks, hits: int) -> None:
        """Count a piece of so many hits that this rank has fitted."""
        if ranks.rank:
            ranks.send(hits)
            return
        self._add(hits)
        while (news := ranks.receive(wait=False)) is not None:
            self._count_piece(news)

    def wait_for_pieces(self, ranks: Ranks, pieces: int) -> None:
        """Count the other ranks' pieces, until all have been counted.

        Args:
            ranks: all of them.
            pieces: how many the other ranks had.
        """
        if ranks.rank:
            return
        while self._pieces < pieces:
            news = ranks.receive(wait=True)
            if news is None:
                break
            self._count_piece(news)

    def _count_piece(self, news: tuple[int, int]) -> None:
        self._pieces += 1
        self._add(news[1])

    def _add(self, hits: int) -> None:
        self._done += hits
        if time.monotonic() - self._written_at >= _INTERVAL:
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        now = time.monotonic()
        fact = {
            "stage": self._stage,
            "hits": self._hits,
            "done": self._done,
            "seconds": round(now - self._started_at, 3),
            "hits_per_s": round(self._done / max(now - self._fits_started_at, 1e-3)),
            "error": self._error,
        }
        try:
            write_whole(self._path, json.dumps(fact | self._names) + "\n")
        except OSError as error:
            self._reason = error.strerror or str(error)
            self._path = None
        self._written_at = now
