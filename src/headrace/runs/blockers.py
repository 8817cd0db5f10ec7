"""Blockers of a run outside of its flow: Slurm's queue, an endpoint that is offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.endpoints.status import endpoint_status, last_seen
from headrace.project.project import Project
from headrace.runs.poller import RunView

if TYPE_CHECKING:
    from headrace.compute.scheduler import Job
    from headrace.hosted import Services

_MAX_REASONS = 3


def slurm_queue() -> list[Job]:
    """Return the jobs of this account in Slurm's queue; none where there is no Slurm."""
    from headrace.compute.batch.clusters import known_clusters
    from headrace.compute.scheduler import SchedulerError, get_scheduler

    scheduler = get_scheduler()
    if scheduler.missing_commands():
        return []
    try:
        queue = scheduler.queue(known_clusters())
        return [job for job in queue.jobs if not job.state.final]
    except SchedulerError:
        return []  # the reason is given as far as it is known


def pending_reason(
    project: Project,
    target: str,
    services: Services,
    view: RunView,
    entries: Iterable[Mapping[str, Any]],
    queue: Callable[[], Sequence[Job]] = slurm_queue,
) -> str:
    """Return in one line what keeps a run's tasks from ending; empty where nothing is known.

    Args:
        project: the project.
        target: where the run is.
        services: the services there.
        view: the run.
        entries: its log; the last action's input names the endpoint.
        queue: asks Slurm on this machine.
    """
    from headrace.compute.batch.notices import read_notices

    details = (view.actions[0].get("details") or {}) if view.actions else {}
    if view.final or not isinstance(details, Mapping) or "tasks" not in details:
        return ""
    jobs = queue()
    tasks = {str(task) for task in details.get("task_ids") or ()}
    reasons = [*_own_jobs(jobs, tasks), *_few(read_notices(tasks))]
    last = json.dumps([entry.get("details") for entry in entries][-1:])
    for name in project.endpoints:
        reasons += _endpoint(project, target, services, name, last, jobs)
    return "; ".join(reasons)


def _own_jobs(jobs: Sequence[Job], tasks: set[str]) -> list[str]:
    """Batch jobs that the run's functions submitted: their comments name the task."""
    from headrace.compute.batch.cancelling import task_of_comment

    return _few([_job(job) for job in jobs if task_of_comment(job.comment) in tasks])


def _endpoint(
    project: Project,
    target: str,
    services: Services,
    name: str,
    last: str,
    jobs: Sequence[Job],
) -> list[str]:
    try:
        endpoint_id = project.endpoint_id(name, target)
    except ProjectError:
        return []  # it has no id at this target, so no run there uses it
    if endpoint_id not in last:
        return []
    status = endpoint_status(services, endpoint_id)
    if status.get("status") == "offline":
        return [f"endpoint {name} is offline{last_seen(status)}"]
    details = status.get("details")
    blocks = set(map(str, details.get("jobs") or ())) if isinstance(details, Mapping) else set()
    waiting = [job for job in jobs if job.job_id in blocks and not job.state.running]
    return _few([f"endpoint {name}: {_job(job)}" for job in waiting])


def _job(job: Job) -> str:
    why = f" ({job.reason})" if job.reason not in ("", "None") else ""
    where = f" on {job.nodes}" if job.nodes else ""
    needs = "; it does not start by itself" if job.needs_attention else ""
    return f"Slurm job {job.job_id} {job.state}{why}{where}{needs}"


def _few(reasons: list[str]) -> list[str]:
    more = [f"and {len(reasons) - _MAX_REASONS} more"] if len(reasons) > _MAX_REASONS else []
    return reasons[:_MAX_REASONS] + more
