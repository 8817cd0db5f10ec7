"""One endpoint: its workers and what they do, blocks, log; start, stop, restart, drain, canary."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from headrace.endpoints import lifecycle
from headrace.endpoints.canary import send_canary
from headrace.endpoints.installation import is_hosted
from headrace.endpoints.logs import has_log_here, log_lines
from headrace.endpoints.status import endpoint_status
from headrace.endpoints.versions import endpoint_versions
from headrace.errors import HeadraceError
from headrace.runs.blockers import queued_jobs
from headrace.web.errors import NotHere, PageMissing
from headrace.web.page import Action, Done, Page, Part
from headrace.web.pages.endpoints import documents, monitored
from headrace.web.view import View
from headrace.web.views.endpoint_states import endpoint_mark

if TYPE_CHECKING:
    from headrace.compute.scheduler import Job
    from headrace.hosted import Services
    from headrace.project import Project

_LOG_LINES: Final = 80
_CANARY_SECONDS: Final = 300.0
_SHOWN_WORKERS: Final = 50
_SHOWN_JOBS: Final = 50
_QUEUE_SECONDS: Final = 10.0


def _name(view: View) -> str:
    name = view.path["endpoint"]
    if name not in view.project.endpoints:
        raise PageMissing(
            f"the project has no endpoint {name!r}: the page Endpoints has those that are"
        )
    return name


def _load(view: View) -> Mapping[str, Any]:
    name = _name(view)
    return {"title": f"Endpoint {name}", "name": name}


def _load_state(view: View) -> Mapping[str, Any]:
    ((row,), problem) = documents(view, [_name(view)])
    actions = view.site.store.actions_of(view.address)
    seen = f"{row['state']} {actions[0].id if actions else 0}"
    return {
        "row": row,
        "mark": endpoint_mark(row),
        "problem": problem,
        "busy": row["busy"][:_SHOWN_WORKERS],
        "now": time.time(),
        "seen": seen,
        "actions": actions,
    }


def _load_blocks(view: View) -> Mapping[str, Any]:
    endpoint_id = view.project.endpoint_id(_name(view), view.target)
    status = view.ask(lambda services: endpoint_status(services, endpoint_id))
    details = status.get("details")
    if not isinstance(details, Mapping) or "jobs" not in details:
        raise NotHere(
            "the service does not report the batch jobs of this endpoint's workers: the scheduler "
            "of its machine knows them"
        )
    ids = [str(job) for job in details["jobs"] or ()]
    jobs = {job.job_id: job for job in _queued(view)} if ids else {}
    shown = [(number, jobs.get(number)) for number in reversed(ids)]
    return {"jobs": shown[:_SHOWN_JOBS], "count": len(shown), "unlimited": math.inf}


def _queued(view: View) -> Sequence[Job]:
    """Return this account's jobs in the queues of the schedulers here, asked for now and then."""
    return view.site.shared.get("scheduler queues", _QUEUE_SECONDS, lambda before: queued_jobs())


def _load_versions(view: View) -> Mapping[str, Any]:
    endpoint_id = view.project.endpoint_id(_name(view), view.target)
    found = view.ask(lambda services: endpoint_versions(services, endpoint_id))
    if not found.endpoint and not found.workers:
        raise NotHere("the service does not report versions of this endpoint or of its workers")
    names = dict.fromkeys(name for each in (found.endpoint, *found.workers) for name in each)
    return {"names": list(names), "endpoint": found.endpoint, "workers": found.workers}


def _load_monitor(view: View) -> Mapping[str, Any]:
    found = monitored(view)
    name = _name(view)
    own = [row for row in found["endpoints"] if isinstance(row, dict) and row.get("name") == name]
    return {"monitor": {**found, "endpoints": own}}


def _load_log(view: View) -> Mapping[str, Any]:
    of_workers = view.query.get("log") == "workers"
    name = _name(view)
    if not has_log_here(view.project, name, view.target):
        raise NotHere(
            f"the log of endpoint {name} is on the machine where the endpoint runs; to run one on "
            f"this machine: `headrace endpoint create {name} --at {view.target}`"
        )
    lines = log_lines(view.project, name, view.target, _LOG_LINES, workers=of_workers)
    return {"lines": lines, "of_workers": of_workers}


Change = Callable[["Project", str, str, "Services"], str]
"""Changes an endpoint of a target, and returns the outcome in words."""


def _change(doing: str, change: Change, view: View) -> Done:
    project, name, target = view.project, _name(view), view.target

    def work() -> Done:
        words = view.ask(lambda services: change(project, name, target, services))
        return Done(f"endpoint {name} {words}", subject=name)

    return view.site.long_actions.begin(
        f"endpoint {name}", f"endpoint {name} is being {doing}", work
    )


def _start(project: Project, name: str, target: str, services: Services) -> str:
    return "started" if lifecycle.start(project, name, target, services) else "was running"


def _stop(project: Project, name: str, target: str, services: Services) -> str:
    return "stopped" if lifecycle.stop(project, name, target) else "was not running"


def _restart(project: Project, name: str, target: str, services: Services) -> str:
    if is_hosted(project, name, target):
        if lifecycle.restart_hosted(project, name, services):
            return "restarted: the next task starts it anew, what runs ends as it is"
        return "was not running"
    lifecycle.stop(project, name, target)
    lifecycle.start(project, name, target, services)
    return "restarted"


def _drain(project: Project, name: str, target: str, services: Services) -> str:
    changed = lifecycle.drain(project, name, target, services, on=True)
    return f"{'drained' if changed else 'was drained'}: new tasks wait, what runs ends as it is"


def _undrain(project: Project, name: str, target: str, services: Services) -> str:
    changed = lifecycle.drain(project, name, target, services, on=False)
    return "takes new tasks" if changed else "was not drained"


def _canary(project: Project, name: str, target: str, services: Services) -> str:
    endpoint_id = project.endpoint_id(name, target)
    found = send_canary(project, target, services, endpoint_id, _CANARY_SECONDS)
    if not found.succeeded:
        raise HeadraceError(f"endpoint {name}: the canary {found.message}")
    return f"runs tasks: the canary {found.message}, {found.seconds:.1f} s"


PAGE: Final = Page(
    name="endpoint",
    path="/endpoints/{endpoint}",
    title="Endpoint",
    template="endpoints/endpoint.html",
    load=_load,
    parts=(
        Part("state", "endpoints/state.html", _load_state, topics=("endpoints",), every=5.0),
        Part("blocks", "endpoints/blocks.html", _load_blocks, topics=("endpoints",), every=15.0),
        Part("versions", "endpoints/versions.html", _load_versions, ("endpoints",), every=60.0),
        Part("monitor", "endpoints/monitor.html", _load_monitor, topics=("endpoints",), every=30.0),
        Part("log", "endpoints/log.html", _load_log, every=15.0),
    ),
    actions=(
        Action("start", partial(_change, "started", _start)),
        Action("stop", partial(_change, "stopped", _stop)),
        Action("restart", partial(_change, "restarted", _restart)),
        Action("drain", partial(_change, "drained", _drain)),
        Action("undrain", partial(_change, "undrained", _undrain)),
        Action("canary", partial(_change, "sent a canary", _canary)),
    ),
)
