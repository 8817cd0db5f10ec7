"""The payload of a run: a JSON object that knows its size, and is never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.json_check import json_size
from headrace.flowlang import limits
from headrace.flowlang.errors import FlowLanguageError
from headrace.flowlang.json_values import deeper_than
from headrace.flowlang.paths import MISSING, Path, Step

_LIMIT: Final = limits.PAYLOAD_LIMIT


class TooLargeError(FlowLanguageError):
    """A payload, or the body of an action, of more bytes or levels than a run may carry."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Payload: the JSON value that is passed from state to state.

    The size goes with the value, so that placing a result costs as much as the result is large,
    however large the rest is.

    Attributes:
        value: the object; it is shared between payloads, so nobody changes it.
        size: bytes of its compact JSON in UTF-8.
    """

    value: dict[str, Any]
    size: int

    @classmethod
    def of(cls, value: dict[str, Any]) -> Payload:
        """Measure an object, however large it is."""
        return cls(value, json_size(value))

    def place(self, path: Path, value: Any) -> Payload:
        """Return a payload with a value at a reference path; objects on the way are made.

        Raises:
            PathError: the value cannot be put there.
            TooLargeError: the payload would be larger or deeper than allowed.
        """
        if deeper_than(value, limits.MAX_DEPTH - len(path.steps)):
            raise TooLargeError(_too_large("the payload", f"deeper than {limits.MAX_DEPTH} levels"))
        placed = path.place(self.value, value)
        if path.steps:
            size = self.size + _growth(self.value, path.steps, value)
        else:
            size = json_size(value)
        if size > _LIMIT:
            raise TooLargeError(_too_large("the payload", _bytes(size)))
        return Payload(placed, size)


def check_body(body: dict[str, Any]) -> None:
    """Check the body of an action.

    Raises:
        TooLargeError: it is larger or deeper than allowed.
    """
    if deeper_than(body, limits.MAX_DEPTH):
        raise TooLargeError(
            _too_large("the action's body", f"deeper than {limits.MAX_DEPTH} levels")
        )
    size = json_size(body)
    if size > _LIMIT:
        raise TooLargeError(_too_large("the action's body", _bytes(size)))


def _bytes(size: int) -> str:
    return f"{size} bytes of JSON, and at most {_LIMIT} are allowed"


def _too_large(what: str, problem: str) -> str:
    return f"{what} is too large: {problem}; pass paths of files instead of their content"


def _growth(container: Any, steps: tuple[Step, ...], value: Any) -> int:
    step, rest = steps[0], steps[1:]
    old = container.get(step, MISSING) if container.__class__ is dict else container[step]
    if old is MISSING:
        member = json_size({step: _nested(rest, value)}) - len("{}")
        return member + (len(",") if container else 0)
    if rest and old is not None:
        return _growth(old, rest, value)
    return json_size(_nested(rest, value)) - json_size(old)


def _nested(steps: tuple[Step, ...], value: Any) -> Any:
    for step in reversed(steps):
        value = {step: value}
    return value
