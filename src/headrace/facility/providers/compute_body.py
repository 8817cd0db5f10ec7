"""What the Compute action providers are asked, in both of their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.facility.errors import ActionRejected

_V3_FIELDS = {
    "endpoint_id",
    "tasks",
    "task_group_id",
    "user_endpoint_config",
    "resource_specification",
    "create_queue",
}
_V2_FIELDS = {"endpoint", "function", "args", "kwargs", "payload", "tasks"}


@dataclass(frozen=True)
class Call:
    """One function call.

    Attributes:
        function_id: the function.
        args: positional arguments.
        kwargs: keyword arguments.
    """

    function_id: str
    args: list[Any]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """The calls of one action.

    Attributes:
        endpoint_id: where they run.
        calls: at least one.
        user_endpoint_config: options of the endpoint's template.
        resource_specification: what an MPI engine is asked for.
    """

    endpoint_id: str
    calls: list[Call]
    user_endpoint_config: dict[str, Any] = field(default_factory=dict)
    resource_specification: dict[str, Any] = field(default_factory=dict)


def parse_v3(body: Mapping[str, Any]) -> Request:
    """Reads a V3 body.

    Raises:
        ActionRejected: it is malformed.
    """
    _only(body, _V3_FIELDS)
    endpoint = _text(body, "endpoint_id")
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise _reject("tasks: at least one is required")
    calls = [_call(task, f"tasks[{n}]", "function_id") for n, task in enumerate(tasks)]
    return Request(
        endpoint,
        calls,
        _object(body, "user_endpoint_config"),
        _object(body, "resource_specification"),
    )


def parse_v2(body: Mapping[str, Any]) -> Request:
    """Reads a V2 body: one call, or ``tasks`` for one endpoint.

    Raises:
        ActionRejected: it is malformed.
    """
    _only(body, _V2_FIELDS)
    tasks = body.get("tasks")
    if tasks is None:
        return Request(_text(body, "endpoint"), [_call(body, "body", "function")])
    if not isinstance(tasks, list) or not tasks:
        raise _reject("tasks: at least one is required")
    calls = [_call(task, f"tasks[{n}]", "function") for n, task in enumerate(tasks)]
    endpoints = {_text(task, "endpoint") for task in tasks}
    if len(endpoints) > 1:
        raise _reject("tasks: all must name one endpoint at this facility")
    return Request(endpoints.pop(), calls)


def _call(task: Any, where: str, function_field: str) -> Call:
    if not isinstance(task, Mapping):
        raise _reject(f"{where}: must be an object")
    function = task.get(function_field)
    if not isinstance(function, str):
        raise _reject(f"{where}.{function_field}: must be a function id")
    args = task.get("args", [])
    if not isinstance(args, list):
        raise _reject(f"{where}.args: must be an array")
    name = "payload" if "payload" in task else "kwargs"
    return Call(function, args, _object(task, name))


def _only(body: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise _reject(f"{unknown[0]}: not a field of this provider; it takes {sorted(known)}")


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _reject(f"{name}: required, a string")
    return value


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _reject(f"{name}: must be an object")
    return dict(value)


def _reject(text: str) -> ActionRejected:
    return ActionRejected("RequestValidationError", text)
