"""What a run waits for outside of its flow: Slurm's queue, an endpoint that is away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.project.endpoints import endpoint_status, last_seen
from headrace.project.errors import ProjectError
from headrace.project.following import RunView
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.compute.batch.scheduler import QueuedJob
    from headrace.hosted import Services

_MOST = 3


def slurm_queue() -> list[QueuedJob]:
    """Returns the jobs of this account in Slurm's queue; none where there is no Slurm."""
    from headrace.compute.batch import scheduler
    from headrace.compute.batch.errors import SchedulerError

    if shutil.which("squeue") is None:
        return []
    try:
        return list(scheduler.queue())
    except SchedulerError:
        return []  # what a run waits for is told as far as it is known


def waits_for(
    project: Project,
    place: str,
    services: Services,
    view: RunView,
    entries: Iterable[Mapping[str, Any]],
    queue: Callable[[], Sequence[QueuedJob]] = slurm_queue,
) -> str:
    """Says in one line what keeps a run's tasks from ending; empty where nothing is known.

    Args:
        project: the project.
        place: where the run is.
        services: the services there.
        view: the run.
        entries: its log; the last action's input names the endpoint.
        queue: asks Slurm on this machine.
    """
    details = (view.actions[0].get("details") or {}) if view.actions else {}
    if view.final or not isinstance(details, Mapping) or "tasks" not in details:
        return ""
    jobs = queue()
    words = _own_jobs(jobs, {str(task) for task in details.get("task_ids") or ()})
    last = json.dumps([entry.get("details") for entry in entries][-1:])
    for name in project.endpoints:
        words += _endpoint(project, place, services, name, last, jobs)
    return "; ".join(words)


def _own_jobs(jobs: Sequence[QueuedJob], tasks: set[str]) -> list[str]:
    """Batch jobs that the run's functions submitted: their comments name the task."""
    own = []
    for job in jobs:
        kind, _, rest = job.comment.partition(":")
        if kind == "headrace" and rest.rpartition(":")[0] in tasks:
            own.append(_job(job))
    return _few(own)


def _endpoint(
    project: Project,
    place: str,
    services: Services,
    name: str,
    last: str,
    jobs: Sequence[QueuedJob],
) -> list[str]:
    try:
        endpoint_id = project.endpoint_id(name, place)
    except ProjectError:
        return []  # it has no id at this place, so no run there uses it
    if endpoint_id not in last:
        return []
    status = endpoint_status(services, endpoint_id)
    if status.get("status") == "offline":
        return [f"endpoint {name} is offline{last_seen(status)}"]
    details = status.get("details")
    blocks = set(map(str, details.get("jobs") or ())) if isinstance(details, Mapping) else set()
    waiting = [job for job in jobs if job.job_id in blocks and job.state != "RUNNING"]
    return _few([f"endpoint {name}: {_job(job)}" for job in waiting])


def _job(job: QueuedJob) -> str:
    why = f" ({job.reason})" if job.reason not in ("", "None") else ""
    where = f" on {job.nodes}" if job.nodes else ""
    return f"Slurm job {job.job_id} {job.state}{why}{where}"


def _few(words: list[str]) -> list[str]:
    more = [f"and {len(words) - _MOST} more"] if len(words) > _MOST else []
    return words[:_MOST] + more
