"""One question to the scheduler for all who wait, on one budget for all runs and processes.

Sites ban users whose programs ask too often. What was answered lies in a file that every process of
this user on the cluster reads; who finds it too old asks again, if the budget allows it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from .errors import SchedulerError
from .scheduler import QueuedJob, queue

# One question in so many seconds on average, and some at once after a pause.
PERIOD = 10.0
BURST = 4.0
# Nobody is content with an older answer than that.
OLDEST = 60.0


class Queries:
    """The questions of this user to one cluster.

    Args:
        directory: where the answer is kept; ``~/.cache/headrace/slurm`` by default.
    """

    def __init__(self, directory: Path | None = None) -> None:
        base = os.environ.get("HEADRACE_SLURM_CACHE") or Path.home() / ".cache/headrace/slurm"
        self._directory = directory or Path(base)
        cluster = os.environ.get("SLURM_CONF", "") + os.environ.get("SLURM_CLUSTERS", "")
        name = hashlib.sha256(cluster.encode()).hexdigest()[:16]
        self._path = self._directory / f"{name}.json"

    def jobs(self, newer_than: float) -> tuple[float, list[QueuedJob]] | None:
        """Returns this user's jobs and when they were asked for.

        Args:
            newer_than: seconds since 1970; an older answer is of no use. Where there is none and
                the budget is used up, nothing is asked.

        Returns:
            None where there is no such answer yet.

        Raises:
            SchedulerError: Slurm does not answer.
        """
        with self._locked() as stream:
            known = _read(stream)
            moment = time.time()
            asked = known.get("asked", 0.0)
            # A clock that was set back must not make an answer new for ever.
            if newer_than < asked <= moment:
                return asked, [QueuedJob(**job) for job in known["jobs"]]
            filled = max(0.0, moment - known.get("filled", 0.0)) / PERIOD
            budget = min(BURST, known.get("budget", BURST) + filled)
            if budget < 1.0:
                return None
            record = {**known, "budget": budget - 1.0, "filled": moment}
            try:
                jobs = queue()
            except SchedulerError:
                _write(stream, record)
                raise
            count = known.get("questions", 0) + 1
            record |= {"asked": moment, "jobs": [asdict(job) for job in jobs], "questions": count}
            _write(stream, record)
            return moment, jobs

    def count(self) -> int:
        """Returns how often Slurm was asked."""
        with self._locked() as stream:
            return int(_read(stream).get("questions", 0))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SchedulerError(f"{self._path}: {error.strerror}") from error
        with os.fdopen(handle, "r+", encoding="utf-8") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield stream


def _read(stream: IO[str]) -> dict[str, Any]:
    stream.seek(0)
    try:
        known = json.loads(stream.read() or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _write(stream: IO[str], record: dict[str, Any]) -> None:
    stream.seek(0)
    stream.truncate()
    json.dump(record, stream)
    stream.flush()
