"""Answers of scripted providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
REFUSED = "refused"
NEVER = "never"


@dataclass(frozen=True)
class Reply:
    """One answer to one call.

    Attributes:
        status: ``SUCCEEDED``, ``FAILED``, ``refused`` or ``never``.
        details: the ``details`` of the status document; of a refusal its ``code`` and
            ``description``.
        after: seconds until the action ends.
        resumed: whether it waits for a person to resume the run, showing these details meanwhile.
    """

    status: str
    details: Any = None
    after: float = 0.0
    resumed: Mapping[str, Any] | None = None


# A reply; details of a success; a function of the body that returns either; or a list of them, of
# which the last is repeated.
Script = Reply | Mapping[str, Any] | str | Callable[[dict[str, Any]], Any] | Sequence[Any]


def answer(details: Any = None, *, after: float = 0.0) -> Reply:
    """Answer with success.

    Args:
        details: the ``details`` of the status document.
        after: seconds that the action takes.
    """
    return Reply(SUCCEEDED, {} if details is None else details, after)


def fail(details: Any = "it failed", *, after: float = 0.0) -> Reply:
    """End the action as FAILED; a text becomes its ``description``."""
    if isinstance(details, str):
        details = {"code": "Failed", "description": details}
    return Reply(FAILED, details, after)


def refuse(description: str = "it was refused", code: str = "BadActionRequest") -> Reply:
    """Refuse to begin: the state fails with ``ActionUnableToRun``."""
    return Reply(REFUSED, {"code": code, "description": description})


def never() -> Reply:
    """Leave the action active: the state fails with ``ActionTimeout`` after its WaitTime."""
    return Reply(NEVER)


def unless_resumed(details: Any = None, *, code: str = "ConsentRequired") -> Reply:
    """Leave the action INACTIVE until the run is resumed; then it succeeds with these details."""
    reason = {"code": code, "description": "the action waits for you"}
    return Reply(SUCCEEDED, {} if details is None else details, resumed=reason)


def reply_of(script: Script, body: dict[str, Any], number: int) -> Reply:
    """Return the reply of a script to a call.

    Args:
        script: the script.
        body: what the provider is asked.
        number: how many calls there were before.
    """
    if isinstance(script, Reply):
        return script
    if isinstance(script, list | tuple):
        return reply_of(script[min(number, len(script) - 1)], body, number)
    if callable(script):
        return reply_of(script(body), body, number)
    return Reply(SUCCEEDED, script)
