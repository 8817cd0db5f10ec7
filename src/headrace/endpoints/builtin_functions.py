"""Functions that headrace itself registers at a target and calls without a flow."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.files import write_private
from headrace.compute.wire_text import code_with_length
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_POLL_SECONDS: Final = {"local": 0.2, "globus": 3.0}
_JSON_RESULTS: Final = ["globus_compute_sdk.serialize.JSONData"]


@dataclass(frozen=True)
class BuiltinFunction:
    """A function that headrace itself calls.

    Attributes:
        name: its name.
        code: its wire text, ``st``, a newline, ``<name>:<source>``.
        file_prefix: begins the name of the file that keeps its id.
    """

    name: str
    code: str
    file_prefix: str


@dataclass(frozen=True)
class CallResult:
    """Result of a call.

    Attributes:
        value: what the function returned; None where it did not.
        error: why there is no value, in one line; empty where there is one.
        seconds: how long it took.
    """

    value: Any
    error: str
    seconds: float


def builtin_function_id(
    project: Project, target: str, services: Services, function: BuiltinFunction
) -> str:
    """Return the id of a function at a target; register it the first time.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        function: the function.
    """
    from headrace.facility import state_directory

    path = state_directory(project.root) / f"{function.file_prefix}.{target}.json"
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and known.get("code") == function.code:
        return str(known["id"])
    packed = code_with_length(function.code)
    answer = services.compute.register_function(
        {"function_name": function.name, "function_code": packed, "meta": {}}
    )
    function_id = str(answer["function_uuid"])
    write_private(path, json.dumps({"id": function_id, "code": function.code}))
    return function_id


def call_builtin_function(
    project: Project,
    target: str,
    services: Services,
    endpoint_id: str,
    function: BuiltinFunction,
    kwargs: Mapping[str, Any],
    deadline: float,
    *,
    elapsed: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> CallResult:
    """Call a function at an endpoint.

    Args:
        project: the project.
        target: the endpoint's target.
        services: the services there.
        endpoint_id: the endpoint.
        function: the function.
        kwargs: its arguments.
        deadline: seconds within which it must come back; a block may have to start first.
        elapsed: a clock that only goes forward, in seconds.
        pause: waits so many seconds between two checks.

    Returns:
        What became of it. A service that does not answer counts as a call that did not come back.
    """
    from globus_compute_sdk.serialize import ComputeSerializer, JSONData
    from globus_sdk import GlobusAPIError, NetworkError

    from headrace.compute.task_messages import failure_line, read_result
    from headrace.hosted import HostedError

    started = elapsed()
    serializer = ComputeSerializer(strategy_data=JSONData())
    packed = serializer.pack_buffers([serializer.serialize(()), serializer.serialize(dict(kwargs))])
    function_id = builtin_function_id(project, target, services, function)
    body: dict[str, Any] = {
        "tasks": {function_id: [packed]},
        "create_queue": False,
        "result_serializers": _JSON_RESULTS,
    }
    try:
        answer = services.compute.submit(endpoint_id, body)
        [task_id] = answer["tasks"][function_id]
        while (seconds := elapsed() - started) < deadline:
            task = services.compute_v2.get_task(task_id).data
            if task["status"] == "success":
                return CallResult(read_result(str(task["result"])), "", seconds)
            if task["status"] == "failed":
                error = failure_line(str(task.get("exception", ""))) or "failed without a word"
                return CallResult(None, f"failed: {error}", seconds)
            pause(_POLL_SECONDS[target])
    except GlobusAPIError as error:
        return CallResult(None, f"refused: {error.message}", elapsed() - started)
    except (NetworkError, HostedError) as error:
        return CallResult(None, " ".join(str(error).split()), elapsed() - started)
    reason = str(task.get("reason") or task["status"])
    return CallResult(None, f"did not come back within {deadline:.0f} s ({reason})", seconds)
