"""Start a run: resolve names and check the input before anything is sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.idempotency import create_once
from headrace.config.errors import ProjectError
from headrace.config.lock_file import DeployedFlow
from headrace.config.project_config import at_option
from headrace.project.project import Project
from headrace.runs.input_resolution import locations_of, resolve_input
from headrace.runs.tags import find_tagged

if TYPE_CHECKING:
    from headrace.hosted import Services

_PRINCIPAL: Final = re.compile(
    r"urn:globus:(auth:identity|groups:id):[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)

# Begins the tag by which a run is found whose answer was lost.
REQUEST_TAG_PREFIX: Final = "headrace:"
# The clock of this machine may be ahead of the service's by so much.
_CLOCK_ERROR: Final = timedelta(days=2)
# A request of the same name may be sent again so much later: a session of the pages lasts a week.
_REPEATED_WITHIN: Final = timedelta(days=10)
# After so long the hosted service lists a run that it has started.
_LISTED_WITHIN: Final = timedelta(minutes=2)


@dataclass(frozen=True)
class PreparedRun:
    """A run that is ready to be started.

    Attributes:
        flow: the flow's name.
        flow_id: its id at the target.
        target: where.
        body: the input, names resolved.
    """

    flow: str
    flow_id: str
    target: str
    body: Mapping[str, Any]


def prepare(project: Project, target: str, flow: str, body: Mapping[str, Any]) -> PreparedRun:
    """Prepare a run of a deployed flow, without asking the target.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        flow: the flow's name.
        body: its input, in which names may stand (`headrace.runs.resolve_input`).

    Raises:
        ProjectError: the flow is unknown or not deployed, a name is unknown, a collection's root
            is not there, or the input does not fit the schema.
    """
    source = project.flow(flow)
    lock = project.lock()
    deployed = lock.at(target).flows.get(flow)
    if deployed is None:
        raise _not_deployed(flow, target)
    if target == "local":
        check_roots(project, {location.collection for location in locations_of(body)})
    resolved = resolve_input(project, lock, target, body)
    check_input(flow, resolved, source.input_schema)
    return PreparedRun(flow, deployed.id, target, resolved)


@dataclass(frozen=True)
class RunOptions:
    """Options of a run: its label and tags, and who may see and manage it.

    Attributes:
        label: what to call the run; the flow's name by default.
        tags: words to find it by.
        monitors: principals that may see it, as URNs.
        managers: principals that may see and cancel it, as URNs.
        notify_on: ends and stops that the service notifies the owner of, such as ``FAILED``.
        request_id: names the request, for which one run is started, however often it is sent: a
            facility knows the name, the run has a tag by it at the hosted service. Empty for a
            request that has no name.
        earliest: when a run of the same request can have been started at the earliest, by the
            service's clock; by default twelve days ago.
        asked_at: when the request was sent before, where nobody knows what became of it: while the
            hosted service may not list its run yet, none is started.
    """

    label: str | None = None
    tags: Sequence[str] = ()
    monitors: Sequence[str] = ()
    managers: Sequence[str] = ()
    notify_on: Sequence[str] = ()
    request_id: str = ""
    earliest: datetime | None = None
    asked_at: datetime | None = None


def send(
    run: PreparedRun,
    services: Services,
    options: RunOptions | None = None,
    *,
    wait_for_service: bool = False,
) -> dict[str, Any]:
    """Start a prepared run.

    Args:
        run: the run.
        services: the services of its target.
        options: what it is called, and who may see it.
        wait_for_service: whether a service that fails for a while is waited for. The run gets a
            tag of its own then, by which it is found where only the answer was lost, and where a
            request that has a name is sent once more.

    Returns:
        The run document.

    Raises:
        ProjectError: the target does not know the flow any more.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    from uuid import uuid4

    from globus_sdk import GlobusAPIError

    options = options or RunOptions()
    _check_principals([*options.monitors, *options.managers])
    client = services.flow(run.flow_id)
    name = options.request_id
    own = REQUEST_TAG_PREFIX + (
        hashlib.sha256(f"{run.flow_id} {name}".encode()).hexdigest()[:32]
        if name
        else uuid4().hex[:12]
    )
    tags = [*options.tags, own] if wait_for_service else list(options.tags)
    request_id = own if wait_for_service else name
    since = datetime.now(UTC) - _CLOCK_ERROR - (_REPEATED_WITHIN if name else timedelta())
    if options.earliest is not None:
        since = max(since, options.earliest)

    def call() -> dict[str, Any]:
        members: dict[str, Any] = {
            "run_monitors": list(options.monitors),
            "run_managers": list(options.managers),
        }
        if options.notify_on:
            members["activity_notification_policy"] = {"status": list(options.notify_on)}
        if request_id and services.is_facility:
            members["additional_fields"] = {"request_id": request_id}
        given = {name: value for name, value in members.items() if value}
        label = options.label or run.flow
        return dict(client.run_flow(dict(run.body), label=label, tags=tags, **given).data)

    def find() -> dict[str, Any] | None:
        return find_tagged(services, own, since, flow_id=run.flow_id)

    try:
        if wait_for_service and name and not services.is_facility:
            # The hosted service knows no names of requests.
            earlier = find()
            if earlier is not None:
                return earlier
            refuse_unlisted(options.asked_at)
        if wait_for_service:
            return create_once(client, call, find)
        # A second sending could start a second run: a lost answer is the caller's to look up.
        with client.retry_config.tune(max_retries=0):
            return call()
    except GlobusAPIError as error:
        if error.http_status == 404:
            raise _not_deployed(run.flow, run.target, "any more") from error
        raise


def refuse_unlisted(asked_at: datetime | None) -> None:
    """Refuse to start a run once more that the hosted service may not list yet.

    Args:
        asked_at: when it was asked for before; None where it was not.

    Raises:
        NoAnswerError: that was so shortly ago.
    """
    from headrace.hosted import NoAnswerError

    if asked_at is not None and datetime.now(UTC) - asked_at < _LISTED_WITHIN:
        raise NoAnswerError(
            f"whether the run that was asked for at {asked_at:%H:%M:%S} UTC was started is not "
            "known: the service may not list it yet; ask again 2 minutes after that time"
        )


def start(
    project: Project,
    target: str,
    services: Services,
    flow: str,
    body: Mapping[str, Any],
    *,
    label: str | None = None,
    tags: Sequence[str] = (),
    request_id: str = "",
) -> dict[str, Any]:
    """Prepare and start a run: :func:`prepare`, then :func:`send`.

    Raises:
        ProjectError: as both.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    options = RunOptions(label=label, tags=tags, request_id=request_id)
    return send(prepare(project, target, flow, body), services, options)


def deployed_flow(project: Project, target: str, flow: str) -> DeployedFlow:
    """Return what the lock says about a flow.

    Raises:
        ProjectError: it is not deployed at the target, or there is none of this name.
    """
    deployed = project.lock().at(target).flows.get(flow)
    if deployed is None:
        project.flow(flow)  # a name that is not there is another trouble
        raise _not_deployed(flow, target)
    return deployed


def is_current(project: Project, target: str, flow: str) -> bool:
    """Return whether what is deployed of a flow is what its files say now.

    Raises:
        ProjectError: it is unknown or not deployed.
    """
    return deployed_flow(project, target, flow).sha256 == project.flow(flow).sha256()


def check_input(flow: str, body: Any, input_schema: Mapping[str, Any]) -> None:
    """Check an input against a flow's schema, formats included.

    Raises:
        ProjectError: it does not fit; the message names every member that does not.
    """
    from headrace._internal.json_schema import value_problems

    problems = value_problems(dict(input_schema), body)
    if problems:
        text = "; ".join(f"{p.json_path}: {p.message}" for p in problems)
        raise ProjectError(f"input of flow {flow!r}: {text}; see flows/{flow}/input_schema.json")


def check_roots(project: Project, names: set[str]) -> None:
    """Check that the directories of collections are there.

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


def _check_principals(principals: Sequence[str]) -> None:
    for principal in principals:
        if not _PRINCIPAL.fullmatch(principal):
            raise ProjectError(
                f"{principal!r} is no principal: write urn:globus:auth:identity:ID of a person, "
                "or urn:globus:groups:id:ID of a group"
            )


def _not_deployed(flow: str, target: str, more: str = "") -> ProjectError:
    words = " ".join(word for word in ("not deployed at", target, more) if word)
    return ProjectError(f"flow {flow!r} is {words}: run `headrace deploy{at_option(target)}`")
