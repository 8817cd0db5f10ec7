"""Tasks whose batch jobs wait in a queue, by the answers that functions of this user keep.

No scheduler is asked: to show the state of many runs must cost it nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

# An older answer says nothing of now.
_MAX_AGE_SECONDS: Final = 600.0


def queued_tasks(directory: Path | None = None) -> set[str]:
    """Return the ids of tasks whose batch jobs all wait.

    Args:
        directory: where the answers are kept; that of this user by default.
    """
    from headrace.compute.batch.cancelling import task_of_tag
    from headrace.compute.batch.clusters import cache_directory
    from headrace.compute.scheduler import JobState

    waiting_states = {JobState.PENDING, JobState.REQUEUED, JobState.REQUEUE_FED}
    waiting: set[str] = set()
    going: set[str] = set()
    for job in _jobs(directory or cache_directory()):
        state = JobState(job["state"]) if job.get("state") in [*JobState] else JobState.UNKNOWN
        task = task_of_tag(str(job.get("tag") or ""))
        if task:
            (waiting if state in waiting_states or state.held else going).add(task)
    return waiting - going


def _jobs(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.glob("*.queue.json")):
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            if abs(time.time() - float(known["asked"])) <= _MAX_AGE_SECONDS:
                yield from (job for job in known["jobs"] if isinstance(job, dict))
        except (OSError, ValueError, KeyError, TypeError):
            continue
