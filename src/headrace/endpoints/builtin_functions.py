"""Functions of headrace's own at endpoints: registered once a place, called without a flow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.files import write_private
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_POLL_SECONDS: Final = {"local": 0.2, "globus": 3.0}
_JSON_RESULTS: Final = ["globus_compute_sdk.serialize.JSONData"]


@dataclass(frozen=True)
class OwnFunction:
    """A function that headrace itself calls.

    Attributes:
        name: its name.
        code: its wire text, ``st``, a newline, ``<name>:<source>``.
        file: begins the name of the file that keeps its id.
    """

    name: str
    code: str
    file: str


@dataclass(frozen=True)
class Answer:
    """What became of a call.

    Attributes:
        value: what the function returned; None where it did not.
        problem: why there is no value, in one line; empty where there is one.
        seconds: how long it took.
    """

    value: Any
    problem: str
    seconds: float


def own_function_id(project: Project, place: str, services: Services, function: OwnFunction) -> str:
    """Return the id of a function at a place; register it the first time.

    Args:
        project: the project.
        place: the place.
        services: the services there.
        function: the function.
    """
    from headrace.facility import state_directory

    path = state_directory(project.root) / f"{function.file}.{place}.json"
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and known.get("code") == function.code:
        return str(known["id"])
    packed = f"{len(function.code)}\n{function.code}"
    answer = services.compute.register_function(
        {"function_name": function.name, "function_code": packed, "meta": {}}
    )
    function_id = str(answer["function_uuid"])
    write_private(path, json.dumps({"id": function_id, "code": function.code}))
    return function_id


def call_own_function(
    project: Project,
    place: str,
    services: Services,
    endpoint_id: str,
    function: OwnFunction,
    kwargs: Mapping[str, Any],
    deadline: float,
    *,
    elapsed: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Answer:
    """Call a function at an endpoint.

    Args:
        project: the project.
        place: the endpoint's place.
        services: the services there.
        endpoint_id: the endpoint.
        function: the function.
        kwargs: its arguments.
        deadline: seconds within which it must come back; a block may have to start first.
        elapsed: a clock that only goes forward, in seconds.
        pause: waits so many seconds between two looks.

    Returns:
        What became of it. A service that does not answer counts as a call that did not come back.
    """
    from globus_compute_sdk.serialize import ComputeSerializer, JSONData
    from globus_sdk import GlobusAPIError, NetworkError

    from headrace.compute.task_results import failure_line, read_result
    from headrace.hosted import HostedError

    begun = elapsed()
    serializer = ComputeSerializer(strategy_data=JSONData())
    packed = serializer.pack_buffers([serializer.serialize(()), serializer.serialize(dict(kwargs))])
    function_id = own_function_id(project, place, services, function)
    body: dict[str, Any] = {
        "tasks": {function_id: [packed]},
        "create_queue": False,
        "result_serializers": _JSON_RESULTS,
    }
    try:
        answer = services.compute.submit(endpoint_id, body)
        [task_id] = answer["tasks"][function_id]
        while (seconds := elapsed() - begun) < deadline:
            task = services.compute_v2.get_task(task_id).data
            if task["status"] == "success":
                return Answer(read_result(str(task["result"])), "", seconds)
            if task["status"] == "failed":
                story = failure_line(str(task.get("exception", ""))) or "failed without a word"
                return Answer(None, f"failed: {story}", seconds)
            pause(_POLL_SECONDS[place])
    except GlobusAPIError as error:
        return Answer(None, f"refused: {error.message}", elapsed() - begun)
    except (NetworkError, HostedError) as error:
        return Answer(None, " ".join(str(error).split()), elapsed() - begun)
    reason = str(task.get("reason") or task["status"])
    return Answer(None, f"did not come back within {deadline:.0f} s ({reason})", seconds)
