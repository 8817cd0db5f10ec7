"""Blockers of a run outside of its flow: the scheduler's queue, an endpoint that is offline."""

from __future__ import annotations

import contextlib
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


def queued_jobs() -> list[Job]:
    """Return the jobs of this account in the queues of the schedulers that this machine has."""
    from headrace.compute.batch.clusters import known_clusters, known_schedulers
    from headrace.compute.scheduler import SchedulerError

    found: list[Job] = []
    for scheduler in known_schedulers():
        # The reason is given as far as it is known.
        with contextlib.suppress(SchedulerError):
            queue = scheduler.queue(known_clusters(scheduler))
            found += [job for job in queue.jobs if not job.state.final]
    return found


def pending_reason(
    project: Project,
    target: str,
    services: Services,
    view: RunView,
    entries: Iterable[Mapping[str, Any]],
    queue: Callable[[], Sequence[Job]] = queued_jobs,
) -> str:
    """Return in one line what keeps a run's tasks from ending; empty where nothing is known.

    Args:
        project: the project.
        target: where the run is.
        services: the services there.
        view: the run.
        entries: its log; the last action's input names the endpoint.
        queue: asks the schedulers of this machine.
    """
    details = (view.actions[0].get("details") or {}) if view.actions else {}
    if view.final or not isinstance(details, Mapping) or "tasks" not in details:
        return ""
    from headrace.compute.batch.notices import read_notices

    jobs = queue()
    tasks = {str(task) for task in details.get("task_ids") or ()}
    reasons = [*_own_jobs(jobs, tasks), *_few(read_notices(tasks))]
    last = json.dumps([entry.get("details") for entry in entries][-1:])
    for name in project.endpoints:
        reasons += _endpoint(project, target, services, name, last, jobs)
    return "; ".join(reasons)


def _own_jobs(jobs: Sequence[Job], tasks: set[str]) -> list[str]:
    """Batch jobs that the run's functions submitted: their tags name the task."""
    from headrace.compute.batch.cancelling import task_of_tag

    return _few([_job(job) for job in jobs if task_of_tag(job.tag) in tasks])


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
    return f"batch job {job.job_id} {job.state}{why}{where}{needs}"


def _few(reasons: list[str]) -> list[str]:
    more = [f"and {len(reasons) - _MAX_REASONS} more"] if len(reasons) > _MAX_REASONS else []
    return reasons[:_MAX_REASONS] + more
