"""Status of the project's endpoints: what is installed here, and what the service says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.endpoints.configuration_check import endpoint_problem
from headrace.endpoints.installation import endpoint_spec, hosted_directory, installed_endpoint
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.runs.describe import format_duration
from headrace.runs.poller import parse_time

if TYPE_CHECKING:
    from headrace.compute.managed_endpoints import ManagedEndpoint
    from headrace.hosted import Services


def endpoint_documents(
    project: Project,
    target: str,
    services: Services | None,
    names: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return what is known of endpoints of the project; one bad one hides no other.

    Args:
        project: the project.
        target: the service that they belong to.
        services: the services there; None where they are not to be asked.
        names: the endpoints; all by default.

    Raises:
        ProjectError: one of the names is none of an endpoint.
    """
    chosen = [*dict.fromkeys(project.endpoints if names is None else names)]
    for name in chosen:
        project.endpoint(name)
    return [_document_or_problem(project, name, target, services) for name in chosen]


def _document_or_problem(
    project: Project, name: str, target: str, services: Services | None
) -> dict[str, Any]:
    try:
        return endpoint_document(project, name, target, services)
    except (HeadraceError, OSError, ValueError) as error:
        faulty = {"kind": "unknown", "state": "unknown", "warning": str(error)}
        return {**_blank(project, name, target), **faulty}


def endpoint_document(
    project: Project, name: str, target: str, services: Services | None
) -> dict[str, Any]:
    """Return what is known of an endpoint.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
        services: the services there; None where they are not to be asked.

    Returns:
        ``name``, ``target``, ``kind`` (``installed``, ``hosted`` by the facility, ``elsewhere``),
        ``id``, ``state``, ``heard_seconds``, ``service`` (``online``, ``offline`` or
        ``unknown``), ``template``, ``directory``, ``pid``, ``warning``,
        ``held`` (whether a person stopped it), and of a hosted one ``workers``, ``busy`` (what each
        busy worker does), ``tasks`` (number by state), ``configuration`` (in use, on disk, whether
        they differ), ``retired`` and ``drain`` (``since``, ``tasks_left``, ``held_back``).
    """
    configured = project.endpoint(name)
    endpoint = installed_endpoint(project, name, target)
    try:
        endpoint_id: str | None = endpoint.id or project.endpoint_id(name, target)
    except ProjectError:
        endpoint_id = None
    state: str
    if endpoint.exists:
        kind, state = "installed", endpoint.state()
    elif target == "local" and configured.template:
        kind, state = "hosted", "starts with its first task"
    else:
        kind, state = "elsewhere", "not created here"
    age = endpoint.heartbeat_age()
    document = _blank(project, name, target) | {
        "kind": kind,
        "id": endpoint_id,
        "state": state,
        "heard_seconds": None if age is None else round(age),
        "service": service_status(services, endpoint_id),
        "directory": str(endpoint.directory) if endpoint.exists else None,
        "pid": endpoint.pid() if endpoint.exists else None,
        "warning": endpoint_problem(project, name),
        "held": endpoint.held,
    }
    if kind == "hosted":
        document["directory"] = str(hosted_directory(project, name))
        if services is None:
            document["state"] = "no facility is running"
        elif endpoint_id:
            document |= _hosted_document(endpoint_status(services, endpoint_id), document)
    elif kind == "installed":
        document["configuration"] = _installed_configuration(project, endpoint)
    return document


def _blank(project: Project, name: str, target: str) -> dict[str, Any]:
    return {
        "name": name,
        "target": target,
        "kind": "",
        "id": None,
        "state": "",
        "heard_seconds": None,
        "service": "unknown",
        "template": project.endpoint(name).template,
        "directory": None,
        "pid": None,
        "warning": "",
        "workers": None,
        "busy": [],
        "tasks": {},
        "configuration": None,
        "retired": [],
        "drain": None,
        "held": False,
    }


def _hosted_document(status: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the facility reports of an endpoint that it hosts."""
    details = status.get("details")
    if not isinstance(details, Mapping):
        return {"state": "unknown"}
    configuration = details.get("configuration") or None
    warnings = (before["warning"], (configuration or {}).get("error"), details.get("warning"))
    state = details.get("state") or "unknown"
    return {
        "state": drain_words(details.get("drain"))
        or ("starts with its first task" if state == "stopped" else state),
        "drain": details.get("drain"),
        "warning": next(filter(None, warnings), "") or details.get("error") or "",
        "pid": details.get("pid"),
        "workers": details.get("workers"),
        "busy": details.get("busy") or [],
        "tasks": details.get("tasks") or {},
        "configuration": configuration,
        "retired": details.get("retired") or [],
    }


def drain_words(drain: Mapping[str, Any] | None) -> str:
    """Return what an endpoint that is drained still does; empty where it is not drained."""
    if not drain:
        return ""
    left, waiting = drain.get("tasks_left") or 0, drain.get("held_back") or 0
    words = f"draining: {left} {'task' if left == 1 else 'tasks'} left" if left else "drained"
    return f"{words}, {waiting} held back" if waiting else words


def _installed_configuration(project: Project, endpoint: ManagedEndpoint) -> dict[str, Any]:
    """Tell whether the files that an endpoint works with are what the project says now."""
    from headrace.compute import ComputeError
    from headrace.compute.managed_endpoints import outdated_files

    try:
        outdated = outdated_files(endpoint, endpoint_spec(project, endpoint.name, endpoint))
    except (ComputeError, ProjectError) as error:
        return {"differs": True, "error": str(error), "outdated": []}
    return {"differs": bool(outdated), "error": "", "outdated": outdated}


def service_status(services: Services | None, endpoint_id: str | None) -> str:
    """Return what the service says of an endpoint: ``online``, ``offline`` or ``unknown``."""
    if services is None or not endpoint_id:
        return "unknown"
    return str(endpoint_status(services, endpoint_id).get("status", "unknown"))


def last_seen(status: Mapping[str, Any], now: datetime | None = None) -> str:
    """Return when an endpoint was last seen in words, `` (last seen 3:20 ago)``, or nothing.

    Args:
        status: what :func:`endpoint_status` returned.
        now: the present time.
    """
    details = status.get("details")
    heartbeat = details.get("last_heartbeat") if isinstance(details, Mapping) else None
    heartbeat = heartbeat or status.get("last_heartbeat") or status.get("last_seen")
    moment = (
        datetime.fromtimestamp(heartbeat, UTC)
        if isinstance(heartbeat, int | float)
        else parse_time(heartbeat)
    )
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f" (last seen {format_duration(max(0.0, seconds))} ago)"


def endpoint_status(services: Services, endpoint_id: str) -> Mapping[str, Any]:
    """Return what the service says of an endpoint: ``status``, ``details``; empty if nothing."""
    from headrace.hosted import HostedError, sdk

    try:
        return services.read_compute(f"/v2/endpoints/{endpoint_id}/status")
    except sdk().GlobusAPIError as error:
        return {"status": "not registered" if error.http_status == 404 else "unknown"}
    except (sdk().NetworkError, HostedError):
        return {}
