"""One call of a deployed function at an endpoint, by a flow made for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError
from headrace.deploy.inventory import function_arguments
from headrace.project.project import Project
from headrace.runs.input_resolution import resolve_input

if TYPE_CHECKING:
    from headrace.hosted import Services

_COMPUTE: Final = "https://compute.actions.globus.org/v3"
_POLL_SECONDS: Final = {"local": 0.2, "globus": 3.0}
_FINAL: Final = frozenset({"SUCCEEDED", "FAILED", "ENDED"})


def call_function(
    project: Project,
    target: str,
    services: Services,
    name: str,
    endpoint: str,
    kwargs: Mapping[str, Any],
    *,
    wait_time: int = 3600,
    pause: Callable[[float], None] = time.sleep,
) -> Any:
    """Call a deployed function once and return what it returned.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        name: the function.
        endpoint: name of the endpoint.
        kwargs: its arguments, in which names may stand as in a flow's input.
        wait_time: seconds that it may take.
        pause: waits so many seconds between two checks.

    Raises:
        ProjectError: the arguments do not fit the function, a name is unknown, or it failed.
    """
    named = {
        "endpoint_id": {"endpoint": endpoint},
        "user_endpoint_config": {"options_of": endpoint},
        "tasks": [{"function_id": {"function": name}, "kwargs": dict(kwargs)}],
    }
    parameters = resolve_input(project, project.lock(), target, named)
    check_arguments(project, name, parameters["tasks"][0]["kwargs"])
    state = {
        "Type": "Action",
        "ActionUrl": _COMPUTE,
        "Parameters": parameters,
        "ResultPath": "$.call",
        "WaitTime": wait_time,
        "End": True,
    }
    definition = {"StartAt": "Call", "States": {"Call": state}}
    flow_id = services.flows.create_flow(f"headrace function run {name}", definition, {})["id"]
    try:
        run_id = services.flow(flow_id).run_flow({}, label=name[:64])["run_id"]
        run = services.flows.get_run(run_id).data
        while run["status"] not in _FINAL:
            pause(_POLL_SECONDS[target])
            run = services.flows.get_run(run_id).data
    finally:
        services.flows.delete_flow(flow_id)
    details = run["details"]
    if run["status"] == "SUCCEEDED":
        return details["output"]["call"]["details"]["result"][0]
    raise ProjectError(f"{name}: {_reason(details)} (run {run_id})")


def check_arguments(project: Project, name: str, kwargs: Mapping[str, Any]) -> None:
    """Check arguments against a function's annotations.

    Raises:
        ProjectError: they do not fit; the message names every argument that does not.
    """
    from headrace._internal.json_schema import value_problems

    problems = value_problems(function_arguments(project, name), dict(kwargs))
    if problems:
        text = "; ".join(f"{p.json_path}: {p.message}" for p in problems)
        raise ProjectError(f"{name}: {text}; see `headrace function show {name}`")


def _reason(details: Mapping[str, Any]) -> str:
    failure = details.get("details") or {}
    cause = failure.get("cause", details.get("description"))
    if isinstance(cause, Mapping):
        inner = cause.get("details", cause)
        cause = inner.get("description", inner) if isinstance(inner, Mapping) else inner
    return " ".join(str(cause).split())
