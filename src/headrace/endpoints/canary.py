"""The canary: a task that does nothing, to see that an endpoint runs tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.compute.wire_text import source_code
from headrace.endpoints.builtin_functions import (
    BuiltinFunction,
    builtin_function_id,
    call_builtin_function,
)
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_NAME: Final = "headrace_canary"
# Source text, as every function that headrace registers: it runs under any Python.
_CODE: Final = source_code(
    _NAME,
    "def headrace_canary():\n"
    "    import platform\n    import socket\n\n"
    "    return f'{socket.gethostname()} under Python {platform.python_version()}'\n",
)
_FUNCTION: Final = BuiltinFunction(_NAME, _CODE, "canary")


@dataclass(frozen=True)
class CanaryResult:
    """Result of a canary.

    Attributes:
        succeeded: whether it came back in time.
        message: where it ran, or what happened, in one line.
        seconds: how long it took.
    """

    succeeded: bool
    message: str
    seconds: float


def canary_id(project: Project, target: str, services: Services) -> str:
    """Return the id of the canary function at a target; register it the first time.

    Args:
        project: the project.
        target: the target.
        services: the services there.
    """
    return builtin_function_id(project, target, services, _FUNCTION)


def send_canary(
    project: Project,
    target: str,
    services: Services,
    endpoint_id: str,
    deadline: float,
    *,
    elapsed: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> CanaryResult:
    """Run the canary at an endpoint.

    Args:
        project: the project.
        target: the endpoint's target.
        services: the services there.
        endpoint_id: the endpoint.
        deadline: seconds within which it must come back; a block may have to start first.
        elapsed: a clock that only goes forward, in seconds.
        pause: waits so many seconds between two checks.

    Returns:
        The result. A service that does not answer counts as a canary that did not come back.
    """
    answer = call_builtin_function(
        project,
        target,
        services,
        endpoint_id,
        _FUNCTION,
        {},
        deadline,
        elapsed=elapsed,
        pause=pause,
    )
    if answer.error:
        return CanaryResult(False, answer.error, answer.seconds)
    return CanaryResult(True, f"ran on {answer.value}", answer.seconds)
