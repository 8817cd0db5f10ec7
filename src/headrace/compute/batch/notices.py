"""Reasons for which a task's job does not start, for whoever asks: a file for each task."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from .atomic import write_atomic
from .clusters import cache_directory

_OLDEST_SECONDS = 30 * 86_400.0


class Notices:
    """A notice of what a task's job waits for.

    Nothing depends on it: where it cannot be written, it is left out.

    Args:
        task: the task.
        directory: the job's directory.
    """

    def __init__(self, task: str, directory: Path) -> None:
        place = hashlib.sha256(str(directory).encode(errors="surrogateescape")).hexdigest()[:12]
        self._path = _folder() / f"{task}.{place}.json"
        self._task = task
        self._directory = directory
        self._text: str | None = None

    def publish(self, text: str, seconds: float = 0.0) -> None:
        """Publish what is waited for.

        Args:
            text: one line.
            seconds: when something is tried again.
        """
        if text == self._text:
            return
        self._text = text
        moment = time.time()
        known = {
            "task": self._task,
            "text": text,
            "directory": str(self._directory),
            "time": moment,
            "again": moment + seconds if seconds else None,
        }
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(self._path, json.dumps(known), flush=False)

    def clear(self) -> None:
        """Remove the notice."""
        if self._text is not None:
            self._text = None
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def read_notices(tasks: Collection[str]) -> list[str]:
    """Return the notices of tasks on this machine."""
    return [str(known["text"]) for known in _read_all() if known.get("task") in tasks]


def _read_all() -> Iterator[dict[str, Any]]:
    try:
        names = sorted(os.listdir(_folder()))  # noqa: PTH208
    except OSError:
        return
    for name in names:
        path = _folder() / name
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(known, dict) or not isinstance(known.get("text"), str):
                continue
            if time.time() - path.stat().st_mtime > _OLDEST_SECONDS:
                path.unlink()  # its worker was ended before it could take it back
                continue
            yield known


def _folder() -> Path:
    return cache_directory() / "notices"
