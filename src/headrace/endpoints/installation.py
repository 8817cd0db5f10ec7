"""Installations of the project's endpoints on this machine, or at the facility."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config.errors import ProjectError
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.compute import EndpointSpec
    from headrace.compute.managed_endpoints import ManagedEndpoint


def installed_endpoint(project: Project, name: str, target: str) -> ManagedEndpoint:
    """Return an endpoint of the project as it is, or would be, installed here.

    Args:
        project: the project.
        name: the endpoint's name in ``headrace.toml``.
        target: the service that it registers at.

    Raises:
        ProjectError: no such endpoint.
    """
    from headrace.compute.managed_endpoints import ManagedEndpoint

    project.endpoint(name)
    return ManagedEndpoint(name, installation_home(project, target))


def installation_home(project: Project, target: str) -> Path:
    """Return the directory of the endpoints that register at a target."""
    if target == "local":
        from headrace.facility import state_directory

        return state_directory(project.root) / "globus_compute"
    home = os.environ.get("GLOBUS_COMPUTE_USER_DIR")
    return Path(home).expanduser() if home else Path.home() / ".globus_compute"


def installed_here(project: Project, target: str) -> list[str]:
    """Return the names of the project's endpoints that were created on this machine."""
    from headrace.compute.managed_endpoints import managed_endpoint_names

    names = managed_endpoint_names(installation_home(project, target))
    return [name for name in names if name in project.endpoints]


def is_hosted(project: Project, name: str, target: str) -> bool:
    """Return whether the facility hosts an endpoint itself."""
    if target != "local" or project.endpoint(name).template is None:
        return False
    return not installed_endpoint(project, name, target).exists


def hosted_directory(project: Project, name: str) -> Path:
    """Return the state directory of an endpoint that the facility hosts."""
    from headrace.facility import endpoint_state_directory

    return endpoint_state_directory(project.root, project.endpoint_id(name, "local"))


def with_credentials(project: Project, name: str, target: str) -> ManagedEndpoint:
    """Return an endpoint as installed here, with the environment that reaches the facility."""
    endpoint = installed_endpoint(project, name, target)
    if target != "local":
        return endpoint
    from headrace.facility import compute_environment

    return replace(endpoint, environment=compute_environment(project.root))


def endpoint_spec(project: Project, name: str, endpoint: ManagedEndpoint) -> EndpointSpec:
    """Return the specification of an endpoint.

    Raises:
        ProjectError: it has no template.
    """
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
