"""Policy of the monitor: how an endpoint is, and what to do about it. No clock, no files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from headrace._internal.backoff import backoff_seconds
from headrace.endpoints.canary import CanaryResult

Health = Literal["healthy", "held", "down", "hung", "unreachable", "sick", "unknown"]
Action = Literal["none", "restart", "wait", "give up"]

# How many checks in a row must find it so before something is done: what a network's hiccup or
# a full queue looks like is not acted upon at once.
_CHECKS_BEFORE_ACTION: Final[dict[str, int]] = {"down": 1, "hung": 1, "unreachable": 2, "sick": 2}
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 3600.0
MAX_RESTARTS: Final = 8


@dataclass(frozen=True)
class EndpointStatus:
    """Status of an endpoint at one moment.

    Attributes:
        state: of its process: ``running``, ``disconnected`` or ``stopped``.
        process_alive: whether the process is there, on this machine.
        service: what the service says: ``online``, ``offline``, ``not registered``, ``unknown``.
        held: whether a person stopped it.
        canary: how the canary fared, where one was sent.
    """

    state: str
    process_alive: bool
    service: str
    held: bool = False
    canary: CanaryResult | None = None


@dataclass(frozen=True)
class RestartRecord:
    """Restarts of an endpoint, kept from check to check.

    Attributes:
        bad: checks in a row that did not find it healthy.
        tries: restarts since it was healthy last.
        not_before: when it may be restarted next, in seconds since 1970.
        gave_up: why it is not restarted any more; empty where it is.
    """

    bad: int = 0
    tries: int = 0
    not_before: float = 0.0
    gave_up: str = ""


def assess(status: EndpointStatus) -> tuple[Health, str]:
    """Return how an endpoint is, and why, in one line."""
    if status.held and status.state != "running":
        return "held", "stopped by hand"
    if status.state == "stopped":
        return "down", "its process has ended"
    if status.state == "disconnected":
        if status.process_alive:
            return "hung", "its process gives no sign of life"
        return "down", "its process was killed"
    if status.service in ("offline", "not registered"):
        return "unreachable", f"it runs, but the service calls it {status.service}"
    if status.canary is not None and not status.canary.succeeded:
        return "sick", f"the canary {status.canary.message}"
    if status.service == "unknown":
        return "unknown", "it runs, but the service does not answer"
    return "healthy", f"the canary {status.canary.message}" if status.canary else ""


def choose_action(
    record: RestartRecord,
    health: Health,
    now: float,
    jitter: float,
    max_restarts: int = MAX_RESTARTS,
) -> tuple[Action, RestartRecord]:
    """Return what to do about an endpoint, and what to remember.

    Args:
        record: what is remembered.
        health: how it is.
        now: the time, in seconds since 1970.
        jitter: a random number in [0, 1); it spreads the restarts of many endpoints.
        max_restarts: restarts in vain before it is given up.
    """
    if health in ("healthy", "held"):
        return "none", RestartRecord()
    if health == "unknown":
        return "none", record
    record = replace(record, bad=record.bad + 1)
    if record.gave_up:
        return "none", record
    if record.bad < _CHECKS_BEFORE_ACTION[health] or now < record.not_before:
        return "wait", record
    if record.tries >= max_restarts:
        return "give up", replace(record, gave_up=f"{record.tries} restarts were in vain")
    pause = backoff_seconds(record.tries, _FIRST_PAUSE, _LONGEST_PAUSE) * (0.5 + jitter)
    return "restart", replace(record, tries=record.tries + 1, not_before=now + pause)
