"""The project's endpoints as ones of `globus-compute-endpoint`, at a target."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError
from headrace.endpoints.canary import canary_id
from headrace.endpoints.configuration_check import endpoint_problem
from headrace.endpoints.output_reader import reader_id
from headrace.errors import HeadraceError
from headrace.project.project import Project
from headrace.project.targets import connect
from headrace.runs.describe import format_duration
from headrace.runs.poller import parse_time

if TYPE_CHECKING:
    from headrace.compute import EndpointSpec
    from headrace.compute.managed_endpoints import InstalledEndpoint
    from headrace.hosted import Services

# Of the interchange, of workers, and of what blocks printed.
_LOG_SUFFIXES: Final = frozenset({".log", ".out", ".err", ".stdout", ".stderr"})
# At the facility, an endpoint beats often: it is on the same machine.
_LOCAL_SETTINGS: Mapping[str, Any] = {"local_compute_services": True, "heartbeat_period": 5}


def installed_endpoint(project: Project, name: str, target: str) -> InstalledEndpoint:
    """Return an endpoint of the project as it is, or would be, installed here.

    Args:
        project: the project.
        name: the endpoint's name in ``headrace.toml``.
        target: the service that it registers at.

    Raises:
        ProjectError: no such endpoint.
    """
    from headrace.compute.managed_endpoints import InstalledEndpoint

    project.endpoint(name)
    return InstalledEndpoint(name, installation_home(project, target))


def installation_home(project: Project, target: str) -> Path:
    """Return the directory of the endpoints that register at a target."""
    if target == "local":
        from headrace.facility import state_directory

        return state_directory(project.root) / "globus_compute"
    home = os.environ.get("GLOBUS_COMPUTE_USER_DIR")
    return Path(home).expanduser() if home else Path.home() / ".globus_compute"


def installed_here(project: Project, target: str) -> list[str]:
    """Return the names of the project's endpoints that were created on this machine."""
    from headrace.compute.managed_endpoints import installed_names

    names = installed_names(installation_home(project, target))
    return [name for name in names if name in project.endpoints]


def create(project: Project, name: str, target: str, services: Services) -> InstalledEndpoint:
    """Create an endpoint's directory from its template and options.

    Raises:
        ProjectError: it is there already, or nothing is deployed that it could run.
        ComputeError: the template or the options are not as they must be.
    """
    endpoint = _with_credentials(project, name, target)
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
    endpoint = _with_credentials(project, name, target)
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
    endpoint = _with_credentials(project, name, target)
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
    delete_endpoint(_with_credentials(project, name, target), project.root)
    if target == "local":
        connect(project, target)  # the facility hosts it again
    else:
        _remember(project, name, target, None)


def endpoint_documents(
    project: Project, target: str, services: Services | None
) -> list[dict[str, Any]]:
    """Return what is known of each endpoint of the project; one bad one hides no other.

    Args:
        project: the project.
        target: the service that they belong to.
        services: the services there; None where they are not to be asked.
    """
    return [_document_or_problem(project, name, target, services) for name in project.endpoints]


def _document_or_problem(
    project: Project, name: str, target: str, services: Services | None
) -> dict[str, Any]:
    try:
        return endpoint_document(project, name, target, services)
    except (HeadraceError, OSError, ValueError) as error:
        told = {"kind": "unknown", "state": "unknown", "warning": str(error)}
        return {**_blank(project, name, target), **told}


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
        ``name``, ``place``, ``kind`` (``installed``, ``hosted`` by the facility, ``elsewhere``),
        ``id``, ``state``, ``heard_seconds``, ``service`` (``online``, ``offline`` or
        ``unknown``), ``template``, ``directory``, ``pid``, ``warning``, and of a hosted one
        ``workers``, ``busy`` (what each busy worker does), ``tasks`` (number by state),
        ``configuration`` (in use, on disk, whether they differ) and ``retired``.
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
    age = endpoint.age()
    document = _blank(project, name, target) | {
        "kind": kind,
        "id": endpoint_id,
        "state": state,
        "heard_seconds": None if age is None else round(age),
        "service": service_status(services, endpoint_id),
        "directory": str(endpoint.directory) if endpoint.exists else None,
        "pid": endpoint.pid() if endpoint.exists else None,
        "warning": endpoint_problem(project, name),
    }
    if kind == "hosted":
        document["directory"] = str(_hosted_directory(project, name))
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
        "place": target,
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
    }


def _hosted_document(status: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the facility tells of an endpoint that it hosts."""
    details = status.get("details")
    if not isinstance(details, Mapping):
        return {"state": "unknown"}
    configuration = details.get("configuration") or None
    told = (before["warning"], (configuration or {}).get("error"), details.get("warning"))
    state = details.get("state") or "unknown"
    return {
        "state": "starts with its first task" if state == "stopped" else state,
        "warning": next(filter(None, told), "") or details.get("error") or "",
        "pid": details.get("pid"),
        "workers": details.get("workers"),
        "busy": details.get("busy") or [],
        "tasks": details.get("tasks") or {},
        "configuration": configuration,
        "retired": details.get("retired") or [],
    }


def _installed_configuration(project: Project, endpoint: InstalledEndpoint) -> dict[str, Any]:
    """Tell whether the files that an endpoint works with are what the project says now."""
    from headrace.compute import ComputeError
    from headrace.compute.managed_endpoints import outdated_files

    try:
        outdated = outdated_files(endpoint, _spec(project, endpoint.name, endpoint))
    except (ComputeError, ProjectError) as error:
        return {"differs": True, "error": str(error), "outdated": []}
    return {"differs": bool(outdated), "error": "", "outdated": outdated}


def _hosted_directory(project: Project, name: str) -> Path:
    from headrace.facility import endpoint_state_directory

    return endpoint_state_directory(project.root, project.endpoint_id(name, "local"))


def is_hosted(project: Project, name: str, target: str) -> bool:
    """Return whether the facility hosts an endpoint itself."""
    if target != "local" or project.endpoint(name).template is None:
        return False
    return not installed_endpoint(project, name, target).exists


def _refuse_hosted(project: Project, name: str, target: str, instead: str) -> None:
    if is_hosted(project, name, target):
        raise ProjectError(
            f"endpoint {name} is hosted by the facility: {instead}; `headrace endpoint restart "
            f"{name}` renews it, `headrace endpoint create {name}` makes a real endpoint of it"
        )


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


def log_lines(project: Project, name: str, target: str, lines: int, *, workers: bool) -> list[str]:
    """Return the end of an endpoint's log.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
        lines: how many.
        workers: whether those of what runs the tasks are wanted, not its own.

    Raises:
        ProjectError: it runs elsewhere.
    """
    if not is_hosted(project, name, target):
        found = installed_endpoint(project, name, target)
        if not found.exists:
            raise ProjectError(
                f"endpoint {name}: not created on this machine: run `headrace endpoint create "
                f"{name}{'' if target == 'local' else f' --at {target}'}`"
            )
        return list(found.log_lines(lines, workers=workers))
    directory = _hosted_directory(project, name)
    paths = [directory / "host.log", directory / "host.out"]
    if workers:
        paths = sorted(_worker_logs(directory), key=lambda path: path.stat().st_mtime)
    texts = ((path, path.read_text(errors="replace").splitlines()) for path in paths if _is(path))
    found_lines = [f"{path.name}: {line}" if workers else line for path, all_ in texts
                   for line in all_]  # fmt: skip
    return found_lines[-lines:]


def _worker_logs(directory: Path) -> list[Path]:
    found = (directory / "run").glob("*/**/*")
    return [path for path in found if path.suffix in _LOG_SUFFIXES and _is(path)]


def _is(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


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
    told = details.get("last_heartbeat") if isinstance(details, Mapping) else None
    told = told or status.get("last_heartbeat") or status.get("last_seen")
    moment = (
        datetime.fromtimestamp(told, UTC) if isinstance(told, int | float) else parse_time(told)
    )
    if moment is None:
        return ""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f" (last seen {format_duration(max(0.0, seconds))} ago)"


def endpoint_status(services: Services, endpoint_id: str) -> Mapping[str, Any]:
    """Return what the service says of an endpoint: ``status``, ``details``; empty if nothing."""
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


def _write(project: Project, endpoint: InstalledEndpoint, target: str, services: Services) -> None:
    from headrace.compute.managed_endpoints import write_endpoint

    functions = project.lock().at(target).functions
    if not functions:
        raise ProjectError(
            f"no function is deployed at {target} that endpoint {endpoint.name} could be limited "
            f"to: run `headrace deploy{'' if target == 'local' else f' --at {target}'}` first"
        )
    allowed = [function.id for function in functions.values()]
    own = [canary_id(project, target, services), reader_id(project, target, services)]
    settings = dict(_LOCAL_SETTINGS) if target == "local" else {}
    write_endpoint(
        endpoint,
        _spec(project, endpoint.name, endpoint),
        [*allowed, *own],
        settings,
    )


def _with_credentials(project: Project, name: str, target: str) -> InstalledEndpoint:
    endpoint = installed_endpoint(project, name, target)
    if target != "local":
        return endpoint
    from headrace.facility import compute_environment

    return replace(endpoint, environment=compute_environment(project.root))


def _remember(project: Project, name: str, target: str, endpoint_id: str | None) -> None:
    lock = project.lock()
    deployed = lock.at(target).with_endpoint(name, endpoint_id)
    if deployed != lock.at(target):
        project.write_lock(lock.with_target(target, deployed))
