"""The canary: a task that does nothing, to see that an endpoint runs tasks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.files import write_private
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_NAME: Final = "headrace_canary"
# Source text, as every function that headrace registers: it runs under any Python.
_CODE: Final = (
    "st\nheadrace_canary:def headrace_canary():\n"
    "    import platform\n    import socket\n\n"
    "    return f'{socket.gethostname()} under Python {platform.python_version()}'\n"
)
_POLL_SECONDS: Final = {"local": 0.2, "globus": 3.0}
_JSON_RESULTS: Final = ["globus_compute_sdk.serialize.JSONData"]


@dataclass(frozen=True)
class Canary:
    """How a canary fared.

    Attributes:
        lives: whether it came back in time.
        story: where it ran, or what happened, in one line.
        seconds: how long it took.
    """

    lives: bool
    story: str
    seconds: float


def canary_id(project: Project, place: str, services: Services) -> str:
    """Returns the id of the canary function at a place; registers it the first time.

    Args:
        project: the project.
        place: the place.
        services: the services there.
    """
    from headrace.facility import state_directory

    path = state_directory(project.root) / f"canary.{place}.json"
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and known.get("code") == _CODE:
        return str(known["id"])
    answer = services.compute.register_function(
        {"function_name": _NAME, "function_code": _packed(_CODE), "meta": {}}
    )
    function_id = str(answer["function_uuid"])
    write_private(path, json.dumps({"id": function_id, "code": _CODE}))
    return function_id


def send_canary(
    project: Project,
    place: str,
    services: Services,
    endpoint_id: str,
    deadline: float,
    *,
    elapsed: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Canary:
    """Runs the canary at an endpoint.

    Args:
        project: the project.
        place: the endpoint's place.
        services: the services there.
        endpoint_id: the endpoint.
        deadline: seconds within which it must come back; a block may have to start first.
        elapsed: a clock that only goes forward, in seconds.
        pause: waits so many seconds between two looks.

    Returns:
        How it fared. A service that does not answer counts as a canary that did not come back.
    """
    from globus_compute_sdk.serialize import ComputeSerializer, JSONData
    from globus_sdk import GlobusAPIError, NetworkError

    from headrace.compute.outcomes import failure_line, read_result
    from headrace.hosted import HostedError

    begun = elapsed()
    serializer = ComputeSerializer(strategy_data=JSONData())
    packed = serializer.pack_buffers([serializer.serialize(()), serializer.serialize({})])
    function_id = canary_id(project, place, services)
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
                return Canary(True, f"ran on {read_result(str(task['result']))}", seconds)
            if task["status"] == "failed":
                story = failure_line(str(task.get("exception", ""))) or "failed without a word"
                return Canary(False, f"failed: {story}", seconds)
            pause(_POLL_SECONDS[place])
    except GlobusAPIError as error:
        return Canary(False, f"refused: {error.message}", elapsed() - begun)
    except (NetworkError, HostedError) as error:
        return Canary(False, " ".join(str(error).split()), elapsed() - begun)
    reason = str(task.get("reason") or task["status"])
    return Canary(False, f"did not come back within {deadline:.0f} s ({reason})", seconds)


def _packed(code: str) -> str:
    return f"{len(code)}\n{code}"
