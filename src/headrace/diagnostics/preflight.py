"""What would fail first, looked at before a run is started: endpoints and collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.endpoints.manage import endpoint_status, last_seen
from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project
from headrace.runs.collection_access import locations_of, look_at_location, only_read
from headrace.runs.input_resolution import named

if TYPE_CHECKING:
    from headrace.hosted import Services


def preflight(project: Project, place: str, services: Services, flow: str, body: Any) -> None:
    """Look whether a run's endpoints are online and its collections reachable.

    Args:
        project: the project.
        place: ``local`` or ``globus``.
        services: the services there.
        flow: the flow's name.
        body: its input, in which names may stand.

    Raises:
        ProjectError: something would make the run fail; one line with all of it.
        HostedError: a consent is missing, exit code 4; or the service does not answer.
    """
    definition = project.flow(flow).definition
    found = [look_at_endpoint(project, place, services, name) for name in endpoints_in(body)]
    found += look_at_locations(project, place, services, definition, body)
    bad = [f"{one.what}: {one.words}" for one in found if one.health == "bad"]
    if bad:
        raise ProjectError(
            f"flow {flow!r} is not started: {'; '.join(bad)}; `--no-preflight` starts it anyway"
        )


def endpoints_in(body: Any) -> list[str]:
    """Return the names of the endpoints that an unresolved input uses, sorted."""
    return sorted(set(named("endpoint", body)))


def look_at_endpoint(project: Project, place: str, services: Services, name: str) -> Diagnosis:
    """Look at what the service says of an endpoint.

    Raises:
        ProjectError: there is no such endpoint, or it has no id at the place.
    """
    endpoint_id = project.endpoint_id(name, place)
    told = endpoint_status(services, endpoint_id)
    status = str(told.get("status", "unknown"))
    what = f"endpoint {name}"
    if status == "online":
        return Diagnosis(what, "good", f"online ({endpoint_id})")
    seen = last_seen(told)
    start = f"start it where it runs with `headrace endpoint start {name}`"
    return Diagnosis(what, "bad", f"the service calls it {status}{seen}: {start}")


def look_at_locations(
    project: Project, place: str, services: Services, definition: Any, body: Any
) -> Iterator[Diagnosis]:
    """Look at every collection and path of an unresolved input.

    Raises:
        ProjectError: there is no such collection, or it has no id at the place.
        HostedError: a consent is missing, exit code 4; or the service does not answer.
    """
    read = only_read(definition)
    for location in locations_of(body):
        yield look_at_location(
            project, place, services, location, must_exist=location.member in read
        )
