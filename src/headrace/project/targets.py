"""The services of a target: a facility beside the project, or the hosted ones."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace.config.errors import ProjectError
from headrace.project.project import Project, load_project

if TYPE_CHECKING:
    from headrace.facility import Settings, SettingsSource
    from headrace.hosted import Services

FACILITY_SERVICE_VARIABLE: Final = "HEADRACE_FACILITY_SERVICE"
"""Set where the facility is a service: its manager starts it then, and nothing else."""


def connect(
    project: Project,
    target: str,
    *,
    start: bool = False,
    report: Callable[[str], None] = lambda message: None,
) -> Services:
    """Return the services of a target.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        start: whether a facility that is not running shall be started.
        report: called with one line when one is, and for each collection that shows another
            directory than at the last call.

    Raises:
        ProjectError: no facility is running, or what it should serve is not there.
        FacilityError: the facility did not start.
        HostedError: no login at the hosted services.
    """
    if target == "globus":
        from headrace.hosted import hosted_services

        return hosted_services(*_hosted_needs(project))
    return _connect_local(project, start, report)


def hosted_needs(directory: Path | None = None) -> tuple[list[str], list[str]]:
    """Return what a login at ``globus`` must allow for a directory's project.

    Flows that its lock knows there, and its mapped collections; ids of both.

    Args:
        directory: where the project is looked for; without one there are none.

    Raises:
        ProjectError: a directory was given that has no project, or the lock is not one.
    """
    try:
        project = load_project(directory, target="globus")
    except ProjectError:
        if directory is not None:
            raise
        return [], []
    return _hosted_needs(project)


def _hosted_needs(project: Project) -> tuple[list[str], list[str]]:
    flows = [flow.id for flow in project.lock().at("globus").flows.values()]
    mapped = [c.id for c in project.collections.values() if c.data_access and c.id is not None]
    return flows, mapped


def _connect_local(project: Project, start: bool, report: Callable[[str], None]) -> Services:
    from headrace.facility import find_address, write_settings
    from headrace.hosted import services_at

    settings = facility_settings(project)
    for change in _changed_roots(project, settings):
        report(change)
    address = find_address(project.root)
    if address is not None:
        write_settings(project.root, settings)
    elif start and os.environ.get(FACILITY_SERVICE_VARIABLE):
        raise ProjectError(
            f"{project.root}: the facility's service is not running: see `headrace service status`"
        )
    elif start:
        from headrace.facility import start_facility

        report(f"starting the facility of {project.root}")
        address = start_facility(project.root, settings)
    else:
        raise ProjectError(f"{project.root}: no facility is running: run `headrace facility up`")
    return services_at(address.url, address.token)


def _changed_roots(project: Project, settings: Settings) -> Iterator[str]:
    """Yield a line for each collection whose directory was another one until now."""
    from headrace.errors import HeadraceError
    from headrace.facility import read_settings

    try:
        before = {served.id: served.root for served in read_settings(project.root).collections}
    except HeadraceError:
        return  # what cannot be read is written anew
    for served in settings.collections:
        root = before.get(served.id, served.root)
        if root != served.root:
            yield (
                f"collection {served.name}: its root is now {served.root}, it was {root}; "
                "transfers that are under way stay where they were started"
            )


def facility_settings(project: Project) -> Settings:
    """Return what the project's facility serves.

    An endpoint that was created as one of `globus-compute-endpoint` registers by itself, and is
    not hosted too. One whose template or options are not as they must be is there all the same:
    its tasks fail and say why, and the others work.
    """
    from headrace.facility import (
        CollectionSettings,
        EndpointSettings,
        ProviderSettings,
        Settings,
        state_directory,
    )

    # Before the rest: a change while they are made is seen.
    source = _source(project)
    home = state_directory(project.root) / "globus_compute"
    installed = [path.parent.name for path in home.glob("*/config.yaml")]
    return Settings(
        collections=tuple(
            CollectionSettings(project.collection_id(name, "local"), name, str(collection.root))
            for name, collection in project.collections.items()
        ),
        endpoints=tuple(
            EndpointSettings(
                id=project.endpoint_id(name, "local"),
                name=name,
                template=str(project.templates_dir / endpoint.template),
                options=endpoint.options,
            )
            for name, endpoint in project.endpoints.items()
            if endpoint.template is not None and name not in installed
        ),
        action_providers=tuple(
            ProviderSettings(provider.url, str(provider.token_file or ""))
            for provider in project.config.action_providers.values()
        ),
        source=source,
    )


def _source(project: Project) -> SettingsSource:
    from headrace._internal.file_signature import file_signature
    from headrace.facility import SettingsSource

    profile = project.config.profile
    return SettingsSource(
        file=str(project.config_file),
        signature=file_signature(project.config_file),
        command=(
            sys.executable,
            "-m",
            "headrace.project.facility_refresh",
            str(project.root),
            *([profile] if profile else []),
        ),
        environment={name: os.environ[name] for name in project.config.overrides.values()},
    )
