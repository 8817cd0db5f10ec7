"""The canary: a task that does nothing, to see that an endpoint runs tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from headrace.endpoints.builtin_functions import OwnFunction, call_own_function, own_function_id
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
_FUNCTION: Final = OwnFunction(_NAME, _CODE, "canary")


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
    """Return the id of the canary function at a place; register it the first time.

    Args:
        project: the project.
        place: the place.
        services: the services there.
    """
    return own_function_id(project, place, services, _FUNCTION)


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
    """Run the canary at an endpoint.

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
    answer = call_own_function(
        project,
        place,
        services,
        endpoint_id,
        _FUNCTION,
        {},
        deadline,
        elapsed=elapsed,
        pause=pause,
    )
    if answer.problem:
        return Canary(False, answer.problem, answer.seconds)
    return Canary(True, f"ran on {answer.value}", answer.seconds)
