"""Cancellation of tasks: their batch jobs are cancelled, and no new ones submitted.

A file for each task says so to workers wherever they are, also to those that find the task in
their queue later, and to the next facility where this one dies before the jobs are cancelled.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from headrace._internal.files import private_directory, write_whole

from .batch.cancelling import open_jobs
from .batch.clusters import known_schedulers
from .scheduler import Scheduler, SchedulerError

log = logging.getLogger(__name__)

_DONE: Final = "done\n"
_KEPT: Final = 1000
# A job may be on its way to the scheduler when its task is cancelled: it is looked for several
# times, so many seconds apart.
_LOOKUP_PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
_RETRY_SECONDS: Final = 60.0


class Cancellations:
    """The cancelled tasks of an endpoint.

    Args:
        directory: has a file for each.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def add(self, task_id: str, *, jobs: bool = True) -> None:
        """Cancel a task. Returns at once.

        Args:
            task_id: the task.
            jobs: whether it may have batch jobs.
        """
        private_directory(self._directory)
        write_whole(self._directory / task_id, "" if jobs else _DONE)
        self.resume()

    def resume(self) -> None:
        """Continue with those whose jobs may not be cancelled yet."""
        if not self.open():
            return
        with self._lock:
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._work, name="cancelling", daemon=True)
                self._thread.start()

    def open(self) -> set[str]:
        """Return the tasks whose jobs may not be cancelled yet."""
        return {path.name for path in self._files() if path.stat().st_size == 0}

    def _files(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        # A hidden one is being written, and has its name in a moment.
        return [path for path in self._directory.iterdir() if not path.name.startswith(".")]

    def stop(self) -> None:
        """End; what is left is done after the next start."""
        self._stopping.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._lock:
                    tasks = self.open()
                    if not tasks:
                        self._thread = None
                        return
                self._cancel(tasks)
            except Exception:
                log.exception("cancelling batch jobs; tried again in %g s", _RETRY_SECONDS)
                self._stopping.wait(_RETRY_SECONDS)
        with self._lock:
            self._thread = None

    def _cancel(self, tasks: set[str]) -> None:
        answered, schedulers = True, known_schedulers()
        for pause in _LOOKUP_PAUSES if schedulers else ():
            if self._stopping.wait(pause):
                return
            answers = [self._cancel_jobs(scheduler) for scheduler in schedulers]
            answered = all(answers)
        if not answered:
            self._stopping.wait(_RETRY_SECONDS)
            return
        for task in tasks:
            write_whole(self._directory / task, _DONE)
        files = sorted(self._files(), key=lambda path: path.stat().st_mtime)
        for path in files[:-_KEPT]:
            if path.stat().st_size:
                path.unlink(missing_ok=True)

    def _cancel_jobs(self, scheduler: Scheduler) -> bool:
        """Cancel the tasks' jobs, and return whether the scheduler has answered."""
        started_at = time.monotonic()
        try:
            # Those that were cancelled meanwhile are asked for with them.
            jobs = open_jobs(scheduler, self.open())
            scheduler.cancel(jobs)
        except SchedulerError as error:
            log.warning("batch jobs cannot be cancelled yet: %s", error)
            return False
        if jobs:
            seconds = time.monotonic() - started_at
            names = ", ".join(map(str, jobs))
            log.info("cancelled the batch jobs %s (%.1f s)", names, seconds)
        return True
