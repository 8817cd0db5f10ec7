"""Request bodies of the Compute action providers, in both of their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.facility.errors import ActionRejected
from headrace.facility.providers.bodies import check_body


@dataclass(frozen=True)
class FunctionCall:
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
class ComputeRequest:
    """The calls of one action.

    Attributes:
        endpoint_id: where they run.
        calls: at least one.
        user_endpoint_config: options of the endpoint's template.
        resource_specification: what an MPI engine is asked for.
    """

    endpoint_id: str
    calls: list[FunctionCall]
    user_endpoint_config: dict[str, Any] = field(default_factory=dict)
    resource_specification: dict[str, Any] = field(default_factory=dict)


def parse_v3(url: str, body: Mapping[str, Any]) -> ComputeRequest:
    """Read a V3 body.

    Args:
        url: the provider's address.
        body: what it is asked.

    Raises:
        ActionRejected: it is malformed.
    """
    check_body(url, body)
    return ComputeRequest(
        body["endpoint_id"],
        [_call(task, "function_id") for task in body["tasks"]],
        dict(body.get("user_endpoint_config") or {}),
        dict(body.get("resource_specification") or {}),
    )


def parse_v2(url: str, body: Mapping[str, Any]) -> ComputeRequest:
    """Read a V2 body: one call, or ``tasks`` for one endpoint.

    Args:
        url: the provider's address.
        body: what it is asked.

    Raises:
        ActionRejected: it is malformed.
    """
    check_body(url, body)
    tasks = body.get("tasks", [body])
    endpoints = {task["endpoint"] for task in tasks}
    if len(endpoints) > 1:
        text = "tasks: all must name one endpoint at this facility"
        raise ActionRejected("RequestValidationError", text)
    return ComputeRequest(endpoints.pop(), [_call(task, "function") for task in tasks])


def _call(task: Mapping[str, Any], function_field: str) -> FunctionCall:
    keywords = task.get("payload") if "payload" in task else task.get("kwargs")
    return FunctionCall(task[function_field], task.get("args", []), dict(keywords or {}))
