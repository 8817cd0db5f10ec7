"""The project's endpoints as ones of `globus-compute-endpoint`, at a place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.project.canary import canary_id
from headrace.project.errors import ProjectError
from headrace.project.following import moment_of
from headrace.project.output_reader import reader_id
from headrace.project.places import connect
from headrace.project.project import Project
from headrace.project.words import duration

if TYPE_CHECKING:
    from headrace.compute import EndpointSpec
    from headrace.compute.installed import InstalledEndpoint
    from headrace.hosted import Services

# At the facility, an endpoint beats often: it is on the same machine.
_LOCAL_SETTINGS: Mapping[str, Any] = {"local_compute_services": True, "heartbeat_period": 5}


def installed_endpoint(project: Project, name: str, place: str) -> InstalledEndpoint:
    """Returns an endpoint of the project as it is, or would be, installed here.

    Args:
        project: the project.
        name: the endpoint's name in ``headrace.toml``.
        place: the service that it registers at.

    Raises:
        ProjectError: no such endpoint.
    """
    from headrace.compute.installed import InstalledEndpoint

    project.endpoint(name)
    return InstalledEndpoint(name, installation_home(project, place))


def installation_home(project: Project, place: str) -> Path:
    """Returns the directory of the endpoints that register at a place."""
    if place == "local":
        from headrace.facility import state_directory

        return state_directory(project.root) / "globus_compute"
    home = os.environ.get("GLOBUS_COMPUTE_USER_DIR")
    return Path(home).expanduser() if home else Path.home() / ".globus_compute"


def installed_here(project: Project, place: str) -> list[str]:
    """Returns the names of the project's endpoints that were created on this machine."""
    from headrace.compute.installed import installed_names

    names = installed_names(installation_home(project, place))
    return [name for name in names if name in project.endpoints]


def create(project: Project, name: str, place: str, services: Services) -> InstalledEndpoint:
    """Creates an endpoint's directory from its template and options.

    Raises:
        ProjectError: it is there already, or nothing is deployed that it could run.
        ComputeError: the template or the options are not as they must be.
    """
    endpoint = _with_credentials(project, name, place)
    if endpoint.exists:
        raise ProjectError(
            f"{endpoint.directory}: endpoint {name} was created already; "
            f"`headrace endpoint restart {name}` takes up what changed in headrace.toml"
        )
    _write(project, endpoint, place, services)
    return endpoint


def start(project: Project, name: str, place: str, services: Services) -> bool:
    """Starts an endpoint with what ``headrace.toml`` and ``headrace.lock`` say now.

    Returns:
        Whether it was started, not running already.

    Raises:
        ProjectError: the facility does not serve real endpoints.
        ComputeError: it was not created, or does not start.
    """
    from headrace.compute.installed import start_endpoint

    endpoint = _with_credentials(project, name, place)
    if endpoint.exists and endpoint.state() != "running":
        _write(project, endpoint, place, services)
    known = project.endpoint(name).id or project.lock().at(place).endpoints.get(name, "")
    if place == "local":
        known = project.endpoint_id(name, place)
    started = start_endpoint(endpoint, project.root, known)
    endpoint.hold(False)
    if endpoint.id and place != "local":
        _remember(project, name, place, endpoint.id)
    return started


def stop(project: Project, name: str, place: str, *, hold: bool = True) -> bool:
    """Stops an endpoint; says whether it ran.

    Args:
        project: the project.
        name: the endpoint.
        place: the service that it belongs to.
        hold: whether the monitor shall leave it so.

    Raises:
        ComputeError: it was not created, or runs where it is not reached.
    """
    from headrace.compute.installed import stop_endpoint

    endpoint = _with_credentials(project, name, place)
    if hold and endpoint.exists:
        endpoint.hold(True)
    return stop_endpoint(endpoint, project.root)


def delete(project: Project, name: str, place: str) -> None:
    """Stops an endpoint, makes the service forget it, and removes its directory.

    Raises:
        ComputeError: the service does not answer.
    """
    from headrace.compute.installed import delete_endpoint

    delete_endpoint(_with_credentials(project, name, place), project.root)
    if place == "local":
        connect(project, place)  # the facility hosts it again
    else:
        _remember(project, name, place, None)


def endpoint_document(
    project: Project, name: str, place: str, services: Services | None
) -> dict[str, Any]:
    """Returns what is known of an endpoint.

    Args:
        project: the project.
        name: the endpoint.
        place: the service that it belongs to.
        services: the services there; None where they are not to be asked.

    Returns:
        ``name``, ``place``, ``kind`` (``installed``, ``hosted`` by the facility, ``elsewhere``),
        ``id``, ``state``, ``heard_seconds``, ``service`` (``online``, ``offline`` or
        ``unknown``), ``template``, ``directory``, ``pid`` and ``warning``.
    """
    configured = project.endpoint(name)
    endpoint = installed_endpoint(project, name, place)
    try:
        endpoint_id: str | None = endpoint.id or project.endpoint_id(name, place)
    except ProjectError:
        endpoint_id = None
    state: str
    if endpoint.exists:
        kind, state = "installed", endpoint.state()
    elif place == "local" and configured.template:
        kind, state = "hosted", "starts with its first task"
    else:
        kind, state = "elsewhere", "not created here"
    age = endpoint.age()
    document = {
        "name": name,
        "place": place,
        "kind": kind,
        "id": endpoint_id,
        "state": state,
        "heard_seconds": None if age is None else round(age),
        "service": service_status(services, endpoint_id),
        "template": configured.template,
        "directory": str(endpoint.directory) if endpoint.exists else None,
        "pid": endpoint.pid() if endpoint.exists else None,
        "warning": "",
    }
    if kind == "hosted" and services is not None and endpoint_id:
        details = endpoint_status(services, endpoint_id).get("details") or {}
        document["state"] = details.get("state", state)
        document["warning"] = details.get("warning") or details.get("error") or ""
    return document


def service_status(services: Services | None, endpoint_id: str | None) -> str:
    """Returns what the service says of an endpoint: ``online``, ``offline`` or ``unknown``."""
    if services is None or not endpoint_id:
        return "unknown"
    return str(endpoint_status(services, endpoint_id).get("status", "unknown"))


def last_seen(status: Mapping[str, Any], now: datetime | None = None) -> str:
    """Returns when an endpoint was last seen in words, `` (last seen 3:20 ago)``, or nothing.

    Args:
        status: what :func:`endpoint_status` returned.
        now: the present time.
    """
    details = status.get("details")
    told = details.get("last_heartbeat") if isinstance(details, Mapping) else None
    told = told or status.get("last_heartbeat") or status.get("last_seen")
    moment = datetime.fromtimestamp(told, UTC) if isinstance(told, int | float) else moment_of(told)
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f" (last seen {duration(max(0.0, seconds))} ago)"


def endpoint_status(services: Services, endpoint_id: str) -> Mapping[str, Any]:
    """Returns what the service says of an endpoint: ``status``, ``details``; empty if nothing."""
    from globus_sdk import GlobusAPIError, NetworkError

    from headrace.hosted import HostedError

    try:
        return services.compute_v2.get_endpoint_status(endpoint_id).data or {}
    except GlobusAPIError as error:
        return {"status": "not registered" if error.http_status == 404 else "unknown"}
    except (NetworkError, HostedError):
        return {}


def _spec(project: Project, name: str, endpoint: InstalledEndpoint) -> EndpointSpec:
    from headrace.compute import EndpointSpec

    configured = project.endpoint(name)
    if configured.template is None:
        raise ProjectError(
            f"{project.config_file}: endpoints.{name} has no template; "
            f'add `template = "slurm-login"` or another folder of {project.templates_dir}'
        )
    return EndpointSpec(
        name=name,
        id=endpoint.id,
        template=project.templates_dir / configured.template,
        options=configured.options,
        state_dir=endpoint.directory,
        project_root=project.root,
    )


def _write(project: Project, endpoint: InstalledEndpoint, place: str, services: Services) -> None:
    from headrace.compute.installed import write_endpoint

    functions = project.lock().at(place).functions
    if not functions:
        raise ProjectError(
            f"no function is deployed at {place} that endpoint {endpoint.name} could be limited "
            f"to: run `headrace deploy{'' if place == 'local' else f' --at {place}'}` first"
        )
    allowed = [function.id for function in functions.values()]
    own = [canary_id(project, place, services), reader_id(project, place, services)]
    settings = dict(_LOCAL_SETTINGS) if place == "local" else {}
    write_endpoint(
        endpoint,
        _spec(project, endpoint.name, endpoint),
        [*allowed, *own],
        settings,
    )


def _with_credentials(project: Project, name: str, place: str) -> InstalledEndpoint:
    endpoint = installed_endpoint(project, name, place)
    if place != "local":
        return endpoint
    from headrace.facility import compute_environment

    return replace(endpoint, environment=compute_environment(project.root))


def _remember(project: Project, name: str, place: str, endpoint_id: str | None) -> None:
    lock = project.lock()
    deployed = lock.at(place).with_endpoint(name, endpoint_id)
    if deployed != lock.at(place):
        project.write_lock(lock.with_place(place, deployed))
