"""The facility's log: bounded in its file and in its rate, one line a message."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headrace._internal.terminal_text import terminal_text

# Bytes of the log before another file is started, and how many earlier ones are kept.
LOG_BYTES: Final = 5_000_000
BACKUP_FILES: Final = 3
# Messages from one line of the source in a minute; the rest are counted.
MAX_PER_MINUTE: Final = 30
_WINDOW_SECONDS: Final = 60.0
_MAX_SOURCES: Final = 1_000
_MAX_CHARACTERS: Final = 20_000


def log_to_stderr(path: Path) -> None:
    """Have everything that is logged written to standard error.

    Args:
        path: the log. Where standard error goes there, the file is changed for another one when it
            is full, and what else is written to standard error goes to the new one too.
    """
    handler = LogHandler(path)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


class LogHandler(logging.Handler):
    """Writes lines to standard error, and changes the file behind it when it is full.

    Args:
        path: the log's file.
        limit: bytes of the file.
        backups: how many full ones are kept.
    """

    def __init__(self, path: Path, limit: int = LOG_BYTES, backups: int = BACKUP_FILES) -> None:
        super().__init__()
        self._path = path
        self._limit = limit
        self._backups = backups

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; what a full disk does not take is lost."""
        data = f"{self.format(record)}\n".encode()
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ else 2
        try:
            self._rotate(descriptor, len(data))
            os.write(descriptor, data)
        except OSError:
            return

    def _rotate(self, descriptor: int, more: int) -> None:
        behind = os.fstat(descriptor)
        if behind.st_size + more <= self._limit or not self._is_log(behind):
            return
        for number in range(self._backups - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fresh = os.open(self._path, flags, 0o600)
        try:
            self._redirect(fresh, behind)
        finally:
            os.close(fresh)

    @staticmethod
    def _redirect(fresh: int, before: os.stat_result) -> None:
        for standard in (1, 2):
            now = os.fstat(standard)
            if (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino):
                os.dup2(fresh, standard)

    def _is_log(self, behind: os.stat_result) -> bool:
        try:
            log = self._path.stat()
        except OSError:
            return False
        return (log.st_dev, log.st_ino) == (behind.st_dev, behind.st_ino)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class RateLimit(logging.Filter):
    """Lets so many records from one line of the source through in a minute.

    Args:
        limit: how many.
        clock: returns seconds.
    """

    def __init__(
        self, limit: int = MAX_PER_MINUTE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        # Beginning of the minute, records in it, and how many of them were left out.
        self._windows: OrderedDict[tuple[str, int], tuple[float, int, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written; it says how many before it were not."""
        source, now = (record.pathname, record.lineno), self._clock()
        with self._lock:
            started, count, left_out = self._windows.pop(source, (now, 0, 0))
            if now - started >= _WINDOW_SECONDS:
                started, count = now, 0
            let_through = count < self._limit
            self._windows[source] = (started, count + 1, 0 if let_through else left_out + 1)
            while len(self._windows) > _MAX_SOURCES:
                self._windows.popitem(last=False)
        if let_through and left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this were left out)"
            record.args = None
        return let_through


class _Formatter(logging.Formatter):
    """Writes data in messages so that they make no lines and steer no terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's
        """Write the message itself, in one line."""
        record.message = terminal_text(_cut(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802
        """Write a traceback."""
        return terminal_text(_cut(super().formatException(ei)), multiline=True)  # type: ignore[arg-type]


def _cut(text: str) -> str:
    if len(text) <= _MAX_CHARACTERS:
        return text
    half = _MAX_CHARACTERS // 2
    return f"{text[:half]} ... {text[-half:]}"
