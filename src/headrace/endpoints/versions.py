"""Versions of an endpoint and of its workers, as far as its service knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.endpoints.status import endpoint_status
from headrace.hosted.errors import HostedError, sdk

if TYPE_CHECKING:
    from headrace.hosted import Services

# Members of documents of the Compute service, by what has the version.
_NAMES: Final[Mapping[str, str]] = {
    "python": "python_version",
    "parsl": "parsl_version",
    "dill": "dill_version",
    "globus-compute-endpoint": "endpoint_version",
    "globus-compute-sdk": "sdk_version",
}
_MOST_WORKERS: Final = 10
_ORDER: Final = ("headrace", "python", "parsl", "dill")


@dataclass(frozen=True)
class EndpointVersions:
    """Versions of an endpoint and of its workers, by what has them.

    Attributes:
        endpoint: those of the endpoint; empty where they are not known.
        workers: those of its workers, each combination once; empty where they are not known.
    """

    endpoint: Mapping[str, str]
    workers: Sequence[Mapping[str, str]]


def endpoint_versions(services: Services, endpoint_id: str) -> EndpointVersions:
    """Return the versions of an endpoint and of its workers.

    Args:
        services: the services that it belongs to.
        endpoint_id: the endpoint.
    """
    details = endpoint_status(services, endpoint_id).get("details")
    details = details if isinstance(details, Mapping) else {}
    known = {**_versions_in(_document(services, endpoint_id)), **_texts(details.get("versions"))}
    workers = [_sorted(each) for each in _worker_versions(details) if each]
    different = [each for n, each in enumerate(workers) if each not in workers[:n]]
    return EndpointVersions(_sorted(known), different[:_MOST_WORKERS])


def _document(services: Services, endpoint_id: str) -> Mapping[str, Any]:
    """Return what an endpoint said of itself when it registered; empty where nothing is known."""
    try:
        found = services.read_compute(f"/v2/endpoints/{endpoint_id}")
    except (sdk().GlobusError, HostedError):
        return {}
    metadata = found.get("metadata")
    return {**(metadata if isinstance(metadata, Mapping) else {}), **_given(found)}


def _given(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


def _worker_versions(details: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the versions of workers: a facility's, or by batch job as an endpoint reports them."""
    for each in _list(details.get("worker_versions")):
        yield _texts(each)
    nodes = details.get("node_info")
    for managers in nodes.values() if isinstance(nodes, Mapping) else ():
        for manager in _list(managers):
            yield _versions_in(manager)


def _versions_in(document: Any) -> dict[str, str]:
    given = document if isinstance(document, Mapping) else {}
    return _texts({name: given.get(member) for name, member in _NAMES.items()})


def _texts(versions: Any) -> dict[str, str]:
    given = versions if isinstance(versions, Mapping) else {}
    return {str(name): text for name, text in given.items() if isinstance(text, str) and text}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _sorted(versions: Mapping[str, str]) -> dict[str, str]:
    names = [name for name in _ORDER if name in versions]
    return {name: versions[name] for name in [*names, *sorted(set(versions) - set(names))]}
