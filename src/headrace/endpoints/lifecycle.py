"""Create, start, stop, restart and delete the project's endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.config.project_config import at_option
from headrace.endpoints.canary import canary_id
from headrace.endpoints.configuration_check import endpoint_problem
from headrace.endpoints.installation import endpoint_spec, is_hosted, with_credentials
from headrace.endpoints.output_reader import reader_id
from headrace.endpoints.result_cleaner import result_cleaner_id
from headrace.endpoints.scratch_cleaner import cleaner_id
from headrace.endpoints.status import endpoint_status
from headrace.project.project import Project
from headrace.project.targets import connect

if TYPE_CHECKING:
    from headrace.compute.managed_endpoints import ManagedEndpoint
    from headrace.hosted import Services

# At the facility, an endpoint beats often: it is on the same machine.
_LOCAL_SETTINGS: Mapping[str, Any] = {"local_compute_services": True, "heartbeat_period": 5}


def create(project: Project, name: str, target: str, services: Services) -> ManagedEndpoint:
    """Create an endpoint's directory from its template and options.

    Raises:
        ProjectError: it is there already, or nothing is deployed that it could run.
        ComputeError: the template or the options are not as they must be.
    """
    endpoint = with_credentials(project, name, target)
    if endpoint.exists:
        raise ProjectError(
            f"{endpoint.directory}: endpoint {name} was created already; "
            f"`headrace endpoint restart {name}` takes up what changed in headrace.toml"
        )
    _write(project, endpoint, target, services)
    return endpoint


def start(project: Project, name: str, target: str, services: Services) -> bool:
    """Start an endpoint with what ``headrace.toml`` and ``headrace.lock`` say now.

    Returns:
        Whether it was started, not running already.

    Raises:
        ProjectError: the facility does not serve real endpoints.
        ComputeError: it was not created, or does not start.
    """
    from headrace.compute.managed_endpoints import start_endpoint

    _refuse_hosted(project, name, target, "its first task starts it")
    endpoint = with_credentials(project, name, target)
    if endpoint.exists and endpoint.state() != "running":
        _write(project, endpoint, target, services)
    known = project.endpoint(name).id or project.lock().at(target).endpoints.get(name, "")
    if target == "local":
        known = project.endpoint_id(name, target)
    started = start_endpoint(endpoint, project.root, known)
    endpoint.hold(False)
    if endpoint.id and target != "local":
        _remember(project, name, target, endpoint.id)
    return started


def stop(project: Project, name: str, target: str, *, hold: bool = True) -> bool:
    """Stop an endpoint; say whether it ran.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
        hold: whether the monitor shall leave it so.

    Raises:
        ComputeError: it was not created, or runs where it is not reached.
    """
    from headrace.compute.managed_endpoints import stop_endpoint

    _refuse_hosted(project, name, target, "it ends with `headrace facility down`")
    endpoint = with_credentials(project, name, target)
    if hold and endpoint.exists:
        endpoint.hold(True)
    return stop_endpoint(endpoint, project.root)


def delete(project: Project, name: str, target: str) -> None:
    """Stop an endpoint, make the service forget it, and remove its directory.

    Raises:
        ComputeError: the service does not answer.
    """
    from headrace.compute.managed_endpoints import delete_endpoint

    _refuse_hosted(project, name, target, "it goes with its lines in headrace.toml")
    delete_endpoint(with_credentials(project, name, target), project.root)
    if target == "local":
        connect(project, target)  # the facility hosts it again
    else:
        _remember(project, name, target, None)


def restart_hosted(project: Project, name: str, services: Services) -> bool:
    """Has a hosted endpoint's next task start with what the project says now.

    Tasks that wait go to the new host; those that run end on the old one.

    Returns:
        Whether a host was there.

    Raises:
        ProjectError: the template or the options are not as they must be.
    """
    problem = endpoint_problem(project, name)
    if problem:
        raise ProjectError(problem)
    endpoint_id = project.endpoint_id(name, "local")
    answer = services.compute_v2.post(f"/v2/endpoints/{endpoint_id}/restart").data
    return bool(answer.get("restarted"))


def drain(project: Project, name: str, target: str, services: Services, *, on: bool) -> bool:
    """Keep an endpoint's new tasks back at the facility while those that run end, or no more.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
        services: the services there.
        on: whether it is drained from now on.

    Returns:
        Whether that has changed anything.

    Raises:
        ProjectError: the facility does not host it.
    """
    if not is_hosted(project, name, target):
        raise ProjectError(
            f"endpoint {name} is no endpoint that the facility hosts: Globus Compute has no call "
            f"that keeps the tasks of one back; `headrace endpoint stop {name}` ends it with what "
            "it runs, and queued tasks wait for its start"
        )
    endpoint_id = project.endpoint_id(name, "local")
    details = endpoint_status(services, endpoint_id).get("details")
    was_on = bool(details.get("drain")) if isinstance(details, Mapping) else False
    services.compute_v2.post(f"/v2/endpoints/{endpoint_id}/{'drain' if on else 'undrain'}")
    return was_on != on


def _refuse_hosted(project: Project, name: str, target: str, instead: str) -> None:
    if is_hosted(project, name, target):
        raise ProjectError(
            f"endpoint {name} is hosted by the facility: {instead}; `headrace endpoint restart "
            f"{name}` renews it, `headrace endpoint create {name}` makes a real endpoint of it"
        )


def _write(project: Project, endpoint: ManagedEndpoint, target: str, services: Services) -> None:
    from headrace.compute.managed_endpoints import write_endpoint

    functions = project.lock().at(target).functions
    if not functions:
        raise ProjectError(
            f"no function is deployed at {target} that endpoint {endpoint.name} could be limited "
            f"to: run `headrace deploy{at_option(target)}` first"
        )
    allowed = [function.id for function in functions.values()]
    makers = (canary_id, reader_id, cleaner_id, result_cleaner_id)
    own = [make(project, target, services) for make in makers]
    settings = dict(_LOCAL_SETTINGS) if target == "local" else {}
    write_endpoint(
        endpoint,
        endpoint_spec(project, endpoint.name, endpoint),
        [*allowed, *own],
        settings,
    )


def _remember(project: Project, name: str, target: str, endpoint_id: str | None) -> None:
    lock = project.lock()
    deployed = lock.at(target).with_endpoint(name, endpoint_id)
    if deployed != lock.at(target):
        project.write_lock(lock.with_target(target, deployed))
