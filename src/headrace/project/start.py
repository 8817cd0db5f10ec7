"""Starting a run: names resolved and the input checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.project.errors import ProjectError
from headrace.project.lock import DeployedFlow
from headrace.project.names import collections_in, resolve_input
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services


@dataclass(frozen=True)
class PreparedRun:
    """A run that is ready to be started.

    Attributes:
        flow: the flow's name.
        flow_id: its id at the place.
        place: where.
        body: the input, names resolved.
    """

    flow: str
    flow_id: str
    place: str
    body: Mapping[str, Any]


def prepare(project: Project, place: str, flow: str, body: Mapping[str, Any]) -> PreparedRun:
    """Prepares a run of a deployed flow, without asking the place.

    Args:
        project: the project.
        place: ``local`` or ``globus``.
        flow: the flow's name.
        body: its input, in which names may stand (:func:`~headrace.project.names.resolve_input`).

    Raises:
        ProjectError: the flow is unknown or not deployed, a name is unknown, a collection's root
            is not there, or the input does not fit the schema.
    """
    source = project.flow(flow)
    deployed = deployed_flow(project, place, flow)
    if place == "local":
        check_roots(project, collections_in(body))
    resolved = resolve_input(project, project.lock(), place, body)
    check_input(flow, resolved, source.input_schema)
    return PreparedRun(flow, deployed.id, place, resolved)


def send(
    run: PreparedRun, services: Services, *, label: str | None = None, tags: Sequence[str] = ()
) -> dict[str, Any]:
    """Starts a prepared run.

    Args:
        run: the run.
        services: the services of its place.
        label: what to call the run; the flow's name by default.
        tags: words to find it by.

    Returns:
        The run document.

    Raises:
        ProjectError: the place does not know the flow any more.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    from globus_sdk import GlobusAPIError

    client = services.flow(run.flow_id)
    try:
        # A second sending could start a second run: a lost answer is the caller's to look up.
        with client.retry_config.tune(max_retries=0):
            answer = client.run_flow(dict(run.body), label=label or run.flow, tags=list(tags))
    except GlobusAPIError as error:
        if error.http_status == 404:
            raise _not_deployed(run.flow, run.place, "any more") from error
        raise
    return dict(answer.data)


def start(
    project: Project,
    place: str,
    services: Services,
    flow: str,
    body: Mapping[str, Any],
    *,
    label: str | None = None,
    tags: Sequence[str] = (),
) -> dict[str, Any]:
    """Prepares and starts a run: :func:`prepare`, then :func:`send`.

    Raises:
        ProjectError: as both.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    return send(prepare(project, place, flow, body), services, label=label, tags=tags)


def deployed_flow(project: Project, place: str, flow: str) -> DeployedFlow:
    """Returns what the lock says about a flow.

    Raises:
        ProjectError: it is not deployed at the place.
    """
    deployed = project.lock().at(place).flows.get(flow)
    if deployed is None:
        raise _not_deployed(flow, place)
    return deployed


def is_current(project: Project, place: str, flow: str) -> bool:
    """Returns whether what is deployed of a flow is what its files say now.

    Raises:
        ProjectError: it is unknown or not deployed.
    """
    return deployed_flow(project, place, flow).sha256 == project.flow(flow).sha256()


def check_input(flow: str, body: Any, input_schema: Mapping[str, Any]) -> None:
    """Checks an input against a flow's schema, formats included.

    Raises:
        ProjectError: it does not fit; the message names the member.
    """
    from jsonschema import Draft7Validator, FormatChecker

    validator = Draft7Validator(input_schema, format_checker=FormatChecker())
    errors = sorted(validator.iter_errors(body), key=lambda error: error.json_path)
    if errors:
        first = errors[0]
        message = first.message if len(first.message) <= 200 else f"{first.message[:200]}..."
        more = f"; and {len(errors) - 1} more" if errors[1:] else ""
        raise ProjectError(
            f"input of flow {flow!r}: {first.json_path}: {message}{more}; "
            f"see flows/{flow}/input_schema.json"
        )


def check_roots(project: Project, names: set[str]) -> None:
    """Checks that the directories of collections are there.

    Raises:
        ProjectError: one is not.
    """
    for name in sorted(names):
        root = project.collection(name).root
        if not root.is_dir():
            raise ProjectError(
                f"{project.config_file}: collection {name!r}: its root {root} is not a directory: "
                "create it, or change `root`"
            )


def _not_deployed(flow: str, place: str, more: str = "") -> ProjectError:
    command = "headrace deploy" if place == "local" else f"headrace deploy --at {place}"
    words = " ".join(word for word in ("not deployed at", place, more) if word)
    return ProjectError(f"flow {flow!r} is {words}: run `{command}`")
