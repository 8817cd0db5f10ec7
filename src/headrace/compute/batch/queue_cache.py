"""The answer of a scheduler about a user's jobs, shared by all processes on one budget.

Sites ban users whose programs ask too often. What was answered lies in a file that every process of
this user on the cluster reads; who finds it too old asks again, if the budget allows it. Nobody
waits for another's question: no lock is held over one. Where the file cannot be kept (a full disk,
a file system without locks), each process goes by its own memory.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ..scheduler import Job, JobState, Queue, Scheduler, SchedulerError
from .atomic import write_atomic
from .clusters import cache_directory, known_clusters

# One question in so many seconds on average, and some at once after a pause.
SECONDS_PER_QUERY: Final = 10.0
MAX_BURST: Final = 4.0
# Nobody is content with an older answer than that.
MAX_AGE_SECONDS: Final = 60.0
# A question that somebody asks is waited for so long before another one is asked.
_QUERY_TIMEOUT_SECONDS: Final = 75.0


@dataclass(frozen=True)
class QueueSnapshot:
    """An answer that is shared.

    Attributes:
        name: its own; two answers are the same if their names are.
        queue: the jobs.
    """

    name: str
    queue: Queue


class _Memory:
    """The record of this process, for where none can be shared."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.record: dict[str, Any] = {}


_MEMORY: dict[Path, _Memory] = {}
_MEMORY_LOCK = threading.Lock()


class QueueCache:
    """The questions of this user to the scheduler.

    Args:
        scheduler: the scheduler.
        directory: where the answer is kept; ``~/.cache/headrace/scheduler`` by default.
    """

    def __init__(self, scheduler: Scheduler, directory: Path | None = None) -> None:
        self._scheduler = scheduler
        self._directory = directory or cache_directory()
        digest = hashlib.sha256(scheduler.installation().encode()).hexdigest()[:16]
        self._path = self._directory / f"{scheduler.name}-{digest}.queue.json"
        with _MEMORY_LOCK:
            self._memory = _MEMORY.setdefault(self._path, _Memory())

    def query(self, known_name: str, interval: float) -> QueueSnapshot | None:
        """Return an answer that the caller has not seen; ask where there is none and it may.

        Args:
            known_name: name of the answer that the caller has; empty: none.
            interval: seconds for which that one is new enough.

        Returns:
            None where there is no other answer yet.

        Raises:
            SchedulerError: the scheduler was asked and did not answer.
        """
        with self._record() as record:
            moment = time.time()
            answer = _snapshot(record)
            if answer is not None and answer.name != known_name:
                # A clock that was set back must not make an answer new for ever.
                if 0.0 <= moment - record["asked"] <= MAX_AGE_SECONDS:
                    return answer
            elif answer is not None and 0.0 <= moment - record["asked"] < interval:
                return None
            if 0.0 <= moment - record.get("asking", 0.0) < _QUERY_TIMEOUT_SECONDS:
                return None
            filled = abs(moment - record.get("filled", 0.0)) / SECONDS_PER_QUERY
            budget = min(MAX_BURST, record.get("budget", MAX_BURST) + filled)
            if budget < 1.0:
                return None
            count = record.get("questions", 0) + 1
            record.update(budget=budget - 1.0, filled=moment, asking=moment, questions=count)
        try:
            queue = self._scheduler.queue(known_clusters(self._scheduler))
        except SchedulerError:
            with self._record() as record:
                record.pop("asking", None)
            raise
        name = uuid.uuid4().hex
        jobs = [asdict(job) for job in queue.jobs]
        with self._record() as record:
            record.pop("asking", None)
            record.update(asked=moment, name=name, jobs=jobs)
            record.update(clusters=list(queue.clusters), complete=list(queue.complete_clusters))
        return QueueSnapshot(name, queue)

    def query_count(self) -> int:
        """Return how often the scheduler was asked."""
        with self._record() as record:
            return int(record.get("questions", 0))

    @contextlib.contextmanager
    def _record(self) -> Iterator[dict[str, Any]]:
        """Give the record, and store what becomes of it: in the file, or else in memory."""
        with self._memory.lock, contextlib.ExitStack() as stack:
            shared = self._lock(stack)
            record = self._read() if shared else self._memory.record
            before = json.dumps(record)
            yield record
            if json.dumps(record) != before and not (shared and self._write(record)):
                self._memory.record = record

    def _lock(self, stack: contextlib.ExitStack) -> bool:
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            stream = stack.enter_context(os.fdopen(handle, "r+"))
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError:
            return False
        return True

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return dict(self._memory.record)
        return known if isinstance(known, dict) else {}

    def _write(self, record: dict[str, Any]) -> bool:
        try:
            write_atomic(self._path, json.dumps(record), flush=False)
        except OSError:
            return False
        self._memory.record = {}
        return True


def _snapshot(record: dict[str, Any]) -> QueueSnapshot | None:
    """Read the last answer; one that another version of headrace has kept is none."""
    if not isinstance(record.get("name"), str) or "asked" not in record:
        return None
    try:
        jobs = [Job(**{**job, "state": JobState(job["state"])}) for job in record["jobs"]]
        queue = Queue(tuple(jobs), tuple(record["clusters"]), tuple(record["complete"]))
        return QueueSnapshot(record["name"], queue)
    except (KeyError, TypeError, ValueError):
        return None
