"""Endpoints as pages show them: their mark, and the jobs that are their blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.blockers import queued_jobs

if TYPE_CHECKING:
    from headrace.compute.scheduler import Job

_QUEUE_SECONDS: Final = 10.0
_GOOD: Final = frozenset({"running", "ready", "busy", "idle", "online"})
_BAD: Final = frozenset({"disconnected", "refused", "unknown", "no facility is running"})


def endpoint_mark(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the word for an endpoint's state, and its shape and colour.

    Args:
        row: its document, `headrace.endpoints.status.endpoint_document`.
    """
    state = str(row["state"])
    if row["warning"] or state in _BAD:
        return state, "bad"
    if row["drain"] or state in ("waiting for workers", "starting", "retiring"):
        return state, "wait"
    if row["kind"] == "elsewhere":
        return f"{state}; the service calls it {row['service']}", _service_kind(row["service"])
    return state, "good" if state in _GOOD else "idle"


def _service_kind(service: str) -> str:
    return {"online": "good", "offline": "bad"}.get(service, "idle")


class SchedulerQueue:
    """This account's jobs in the queues of the schedulers here, asked for once in some seconds.

    Args:
        ask: asks the schedulers.
        elapsed: a clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        ask: Callable[[], Sequence[Job]] = queued_jobs,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._jobs: Sequence[Job] = ()

    def jobs(self) -> Sequence[Job]:
        """Return the jobs that have not ended."""
        with self._lock:
            now = self._elapsed()
            if self._asked_at is None or now - self._asked_at >= _QUEUE_SECONDS:
                self._jobs = self._ask()
                self._asked_at = self._elapsed()
            return self._jobs
