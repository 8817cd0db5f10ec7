"""What an endpoint's looks mean, and what to do about it. Pure: no clock, no files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from headrace.endpoints.canary import Canary

Health = Literal["healthy", "held", "down", "hung", "unreachable", "sick", "unknown"]
Action = Literal["none", "restart", "wait", "give up"]

# How many checks in a row must find it so before something is done: what a network's hiccup or
# a full queue looks like is not acted upon at once.
_PATIENCE: Final[dict[str, int]] = {"down": 1, "hung": 1, "unreachable": 2, "sick": 2}
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 3600.0
TRIES: Final = 8


@dataclass(frozen=True)
class Sighting:
    """What is seen of an endpoint at one moment.

    Attributes:
        state: of its process: ``running``, ``disconnected`` or ``stopped``.
        process: whether the process is there, on this machine.
        service: what the service says: ``online``, ``offline``, ``not registered``, ``unknown``.
        held: whether a person stopped it.
        canary: how the canary fared, where one was sent.
    """

    state: str
    process: bool
    service: str
    held: bool = False
    canary: Canary | None = None


@dataclass(frozen=True)
class Record:
    """What is remembered of an endpoint from check to check.

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


def judge(sighting: Sighting) -> tuple[Health, str]:
    """Return how an endpoint is, and why, in one line."""
    if sighting.held and sighting.state != "running":
        return "held", "stopped by hand"
    if sighting.state == "stopped":
        return "down", "its process has ended"
    if sighting.state == "disconnected":
        if sighting.process:
            return "hung", "its process gives no sign of life"
        return "down", "its process was killed"
    if sighting.service in ("offline", "not registered"):
        return "unreachable", f"it runs, but the service calls it {sighting.service}"
    if sighting.canary is not None and not sighting.canary.lives:
        return "sick", f"the canary {sighting.canary.story}"
    if sighting.service == "unknown":
        return "unknown", "it runs, but the service does not answer"
    return "healthy", f"the canary {sighting.canary.story}" if sighting.canary else ""


def decide(
    record: Record, health: Health, now: float, chance: float, tries: int = TRIES
) -> tuple[Action, Record]:
    """Return what to do about an endpoint, and what to remember.

    Args:
        record: what is remembered.
        health: how it is.
        now: the time, in seconds since 1970.
        chance: a random number in [0, 1); it spreads the restarts of many endpoints.
        tries: restarts in vain before it is given up.
    """
    if health in ("healthy", "held"):
        return "none", Record()
    if health == "unknown":
        return "none", record
    record = replace(record, bad=record.bad + 1)
    if record.gave_up:
        return "none", record
    if record.bad < _PATIENCE[health] or now < record.not_before:
        return "wait", record
    if record.tries >= tries:
        return "give up", replace(record, gave_up=f"{record.tries} restarts were in vain")
    pause = min(_FIRST_PAUSE * 2.0**record.tries, _LONGEST_PAUSE) * (0.5 + chance)
    return "restart", replace(record, tries=record.tries + 1, not_before=now + pause)
