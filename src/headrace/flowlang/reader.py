"""Taking members out of a state, and noting what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headrace.flowlang.errors import Entry, PathError
from headrace.flowlang.parameters import ObjectTemplate, compile_parameters
from headrace.flowlang.paths import Path, compile_path, compile_reference

_COMMON: Final = {"Type", "Comment"}


class StateReader:
    """Takes members out of a state and notes what is wrong with them.

    Args:
        name: the state's name.
        raw: the state as read from JSON.
        states: names of all states.
        entries: what is wrong is added here.
        allow_http: whether an ActionUrl on this machine may be plain http.
    """

    def __init__(
        self,
        name: str,
        raw: dict[str, Any],
        states: frozenset[str],
        entries: list[Entry],
        allow_http: bool = True,
    ) -> None:
        self.name = name
        self.raw = raw
        self.states = states
        self.entries = entries
        self.allow_http = allow_http
        self.loc: list[Any] = ["definition", "States", name]

    def add(self, where: list[Any], message: str, kind: str = "value_error") -> None:
        """Note a mistake at a member of the state."""
        self.entries.append({"loc": [*self.loc, *where], "msg": message, "type": kind})

    def only(self, *names: str) -> None:
        """Refuse members other than these and those that every state has."""
        for name in self.raw:
            if name not in _COMMON and name not in names:
                self.add([name], "extra fields not permitted", "value_error.extra")
        # Clients write null where a step has no comment; the service takes it.
        if not isinstance(self.raw.get("Comment"), str | None):
            self.add(["Comment"], "str type expected", "type_error.str")

    def following(self) -> str | None:
        """Return the next state, or None at the end; exactly one must be said."""
        following, end = self.raw.get("Next"), self.raw.get("End", False)
        kind = self.raw["Type"]
        if not isinstance(end, bool):
            self.add(["End"], "value could not be parsed to a boolean", "type_error.bool")
        elif "Next" in self.raw and end:
            self.add([], "Next and End are mutually exclusive")
        elif "Next" not in self.raw and not end:
            self.add(
                [],
                f"A state of type '{kind}' must be defined as either terminal "
                '("End": true) or transitional ("Next": "NextStateId")',
            )
        if "Next" in self.raw:
            self.known_state(following, ["Next"])
        return following if isinstance(following, str) else None

    def known_state(self, name: Any, where: list[Any]) -> None:
        """Note a name that is no state's."""
        if not isinstance(name, str):
            self.add(where, "str type expected", "type_error.str")
        elif name not in self.states:
            self.add(where, f"{name!r} is not a state of this flow")

    def text(self, member: str) -> str | None:
        """Return a member that must be a string, or None where it is absent."""
        value = self.raw.get(member)
        if member in self.raw and not isinstance(value, str):
            self.add([member], "str type expected", "type_error.str")
            return None
        return value

    def path(self, member: str) -> Path | None:
        """Return a member that must be a path, or None where it is absent."""
        return self._compiled(member, compile_path)

    def result_path(self) -> Path:
        """Return the ResultPath, by default the whole payload."""
        return self._compiled("ResultPath", compile_reference) or compile_path("$")

    def reference(self, text: Any, where: list[Any]) -> Path:
        """Return a reference path, noting what is wrong with it."""
        try:
            if isinstance(text, str):
                return compile_reference(text)
            self.add(where, "str type expected", "type_error.str")
        except PathError as error:
            self.add(where, str(error))
        return compile_path("$")

    def parameters(self) -> ObjectTemplate | None:
        """Return the compiled Parameters, or None where there are none."""
        if "Parameters" not in self.raw:
            return None
        return compile_parameters(self.raw["Parameters"], [*self.loc, "Parameters"], self.entries)

    def exactly_one(self, *members: str) -> str | None:
        """Return which of the members is there; one must be."""
        there = [member for member in members if member in self.raw]
        if len(there) != 1:
            self.add([], f"exactly one of {', '.join(members)} is required")
            return None
        return there[0]

    def _compiled(self, member: str, compiler: Callable[[str], Path]) -> Path | None:
        text = self.text(member)
        if text is None:
            return None
        try:
            return compiler(text)
        except PathError as error:
            self.add([member], str(error))
            return None
