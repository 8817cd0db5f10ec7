"""Figures of a project's runs: how many of each status, what they do, what ended lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace.project.project import Project
from headrace.project_status.scheduler_queue import queued_tasks
from headrace.runs.run_endpoints import endpoint_names

if TYPE_CHECKING:
    from headrace.hosted import Services

STATUSES: Final = ("ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED")
# Runs of one list that are read at a service which counts none.
_MOST: Final = 1_000
_PAGE: Final = 100

ACTIVITIES: Final = {
    "transferring": "transferring",
    "waiting_at_endpoint": "waiting at an endpoint",
    "queued": "queued at the scheduler",
    "running_tasks": "running tasks",
    "waiting_for_answer": "waiting for an answer",
    "other_action": "in other actions",
    "between_actions": "waiting or between actions",
    "unknown": "doing what this target does not say",
}
"""What an active run does, in words."""


@dataclass(frozen=True)
class RunFigures:
    """Figures of the runs at a target; None is what the target does not tell.

    Attributes:
        counts: runs by status.
        truncated: statuses, or ``active``, ``finished``, of which there may be more.
        active: active runs by what they do, of :data:`ACTIVITIES`.
        tasks: open tasks by endpoint: ``pending``, ``queued`` at the scheduler, ``running``.
        finished: runs that ended in the last hour, by status.
        finished_by_endpoint: by the endpoint that they used; ``""`` for those that used none.
        problems: of the service, in one line each.
        parked: runs that cannot be advanced.
        held: open runs that somebody holds.
        failed_last_day: runs that failed in the last day, mended or not.
        web_inputs: questions that wait for an answer.
        core_hours: of the last ``day`` and ``week``, by endpoint: ``core_hours`` (None where no
            task reports any), ``tasks`` that report theirs, ``silent_tasks`` that do not.
        store: path and size of the facility's store, and what its file system has left, in bytes.
    """

    counts: Mapping[str, int | None]
    truncated: Sequence[str] = ()
    active: Mapping[str, int] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, int]] | None = None
    finished: Mapping[str, int] | None = None
    finished_by_endpoint: Mapping[str, int] | None = None
    problems: Sequence[str] = ()
    parked: int | None = None
    held: int | None = None
    failed_last_day: int | None = None
    web_inputs: int | None = None
    store: Mapping[str, Any] | None = None
    core_hours: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON shows them."""
        return asdict(self)


def read_run_figures(project: Project, target: str, services: Services) -> RunFigures:
    """Return the figures of the runs at a target.

    A facility counts them; of the hosted service the runs of the project's flows are read: those
    that are open, and those that ended in the last hour.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
        HostedError: the facility does not answer.
    """
    if services.is_facility and target == "local":
        return _of_facility(services.read("/status"), endpoint_names(project, target))
    return _of_service(project, target, services)


def _of_facility(status: Mapping[str, Any], names: Mapping[str, str]) -> RunFigures:
    active = Counter[str](status["active"])
    tasks: dict[str, Counter[str]] = {}
    queued = queued_tasks() if any(each["running"] for each in status["compute"]) else set()
    for each in status["compute"]:
        at = tasks.setdefault(names.get(each["endpoint_id"], each["endpoint_id"]), Counter())
        running = [task for task in each["running"] if task not in queued]
        at.update(
            pending=len(each["pending"]),
            queued=len(each["running"]) - len(running),
            running=len(running),
        )
        if each["running"] and not running:
            active.update(queued=1, running_tasks=-1)
    finished = status["finished"]
    by_endpoint = {names.get(id_, id_): n for id_, n in finished["endpoints"].items()}
    by_endpoint |= {"": finished["without_endpoint"]} if finished["without_endpoint"] else {}
    partly = [] if finished["complete"] else ["finished"]
    partly += [] if status["active_complete"] else ["active"]
    return RunFigures(
        {each: int(status["runs"].get(each, 0)) for each in STATUSES},
        partly,
        {name: active[name] for name in ACTIVITIES if active[name] > 0},
        {name: dict(counts) for name, counts in sorted(tasks.items())},
        dict(finished["runs"]),
        by_endpoint,
        [f"{each['part']}: {each['description']}" for each in status["problems"]],
        status["parked_runs"],
        # A facility that was not started anew since does not count them.
        status.get("held_runs"),
        status["failed_last_day"],
        status["web_inputs"],
        status["store"],
        # Likewise.
        {
            period: {names.get(id_, id_): figures for id_, figures in by_id.items()}
            for period, by_id in status["core_hours"].items()
        }
        if "core_hours" in status
        else None,
    )


def _of_service(project: Project, target: str, services: Services) -> RunFigures:
    flows = sorted({flow.id for flow in project.lock().at(target).flows.values()})
    counts: dict[str, int | None] = dict.fromkeys(STATUSES)
    truncated = []
    active: Counter[str] = Counter()
    for status in ("ACTIVE", "INACTIVE"):
        runs = _read(services, flows, {"filter_status": status})
        counts[status] = len(runs)
        truncated += [status] if len(runs) == _MOST else []
        if status == "ACTIVE":
            active.update(map(_activity, runs))
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    ended = _read(services, flows, {"filter_completion_time": f"{since},"})
    truncated += ["finished"] if len(ended) == _MOST else []
    finished = Counter(str(run["status"]) for run in ended)
    return RunFigures(counts, truncated, dict(active), finished=dict(finished))


def _read(
    services: Services, flows: Sequence[str], conditions: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return runs of some flows, the newest first; of other projects' flows there may be many."""
    if not flows:
        return []
    query = {**conditions, "orderby": "start_time DESC", "per_page": _PAGE}
    query["filter_flow_id"] = ",".join(flows)
    return list(islice(services.read_items("/runs", "runs", query), _MOST))


def _activity(run: Mapping[str, Any]) -> str:
    """Return what an active run does, as far as its document tells."""
    actions = (run.get("details") or {}).get("action_statuses") or []
    details = actions[0].get("details") if actions and isinstance(actions[0], Mapping) else None
    if not isinstance(details, Mapping):
        return "unknown"
    if "files_transferred" in details or "bytes_transferred" in details:
        return "transferring"
    tasks = details.get("tasks")
    if isinstance(tasks, Mapping) and "total" in tasks:
        return "running_tasks" if tasks.get("running") else "waiting_at_endpoint"
    return "other_action"
