"""Checks of endpoints and collections before a run is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.endpoints.status import endpoint_status, last_seen
from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project
from headrace.runs.collection_access import check_location, read_only_members
from headrace.runs.input_resolution import locations_of, names_of_kind

if TYPE_CHECKING:
    from headrace.hosted import Services


def preflight(project: Project, target: str, services: Services, flow: str, body: Any) -> None:
    """Check whether a run's endpoints are online and its collections reachable.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        flow: the flow's name.
        body: its input, in which names may stand.

    Raises:
        ProjectError: something would make the run fail; one line with all of it.
        HostedError: a consent is missing, exit code 4; or the service does not answer.
    """
    definition = project.flow(flow).definition
    found = [check_endpoint(project, target, services, name) for name in endpoints_in(body)]
    found += check_locations(project, target, services, definition, body)
    bad = [f"{one.subject}: {one.message}" for one in found if one.health == "bad"]
    if bad:
        raise ProjectError(
            f"flow {flow!r} is not started: {'; '.join(bad)}; `--no-preflight` starts it anyway"
        )


def endpoints_in(body: Any) -> list[str]:
    """Return the names of the endpoints that an unresolved input uses, sorted."""
    return sorted(set(names_of_kind("endpoint", body)))


def check_endpoint(project: Project, target: str, services: Services, name: str) -> Diagnosis:
    """Check what the service says of an endpoint.

    Raises:
        ProjectError: there is no such endpoint, or it has no id at the target.
    """
    endpoint_id = project.endpoint_id(name, target)
    status_document = endpoint_status(services, endpoint_id)
    status = str(status_document.get("status", "unknown"))
    what = f"endpoint {name}"
    if status == "online":
        return Diagnosis(what, "good", f"online ({endpoint_id})")
    seen = last_seen(status_document)
    start = f"start it where it runs with `headrace endpoint start {name}`"
    return Diagnosis(what, "bad", f"the service calls it {status}{seen}: {start}")


def check_locations(
    project: Project, target: str, services: Services, definition: Any, body: Any
) -> Iterator[Diagnosis]:
    """Check every collection and path of an unresolved input.

    Raises:
        ProjectError: there is no such collection, or it has no id at the target.
        HostedError: a consent is missing, exit code 4; or the service does not answer.
    """
    read = read_only_members(definition)
    for location in locations_of(body):
        yield check_location(
            project, target, services, location, must_exist=location.member in read
        )
