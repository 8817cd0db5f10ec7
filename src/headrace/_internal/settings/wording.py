"""The words of messages about keys: one sentence for each fault, in the manner of the file kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace._internal.near_names import did_you_mean, known_names, nearest


class Wording:
    """The words of a file kind's messages; a subclass overrides those that are different."""

    def place(self, name: str, line: int) -> str:
        """Return what a message begins with.

        Args:
            name: the file.
            line: the key's line; 0 where it is not known.
        """
        return f"{name}: line {line}: " if line else f"{name}: "

    def invalid(self, key: str, expected: str, value: Any) -> str:
        """Word that a value is wrong."""
        return f"{key}: must be {expected}, not {value!r}"

    def a_table(self, key: str) -> str:
        """Return what a value must be that is no table."""
        return f"a table, [{key}]"

    def refused(self, key: str, problem: str) -> str:
        """Word a problem with a key that is not one of its value alone."""
        return f"{key}: {problem}"

    def missing(self, key: str, expected: str) -> str:
        """Word that a key is missing."""
        return f"{key}: missing; it must be {expected}"

    def unknown(self, table: str, name: str, known: Sequence[str]) -> str:
        """Word that a key is unknown.

        Args:
            table: the table's key with a dot at its end; "" at the top.
            name: the unknown key.
            known: the keys that may stand there.
        """
        return f"{table}{name}: unknown key; {known_names(name, known)}"


class PlainWording(Wording):
    """Words of trigger files: ``watch.settle: must be ...``."""


class ProjectWording(Wording):
    """Words of ``headrace.toml`` and ``flow.toml``: ``FILE:LINE: KEY: expected ...``."""

    def place(self, name: str, line: int) -> str:
        """Return what a message begins with."""
        return f"{name}:{line}: " if line else f"{name}: "

    def invalid(self, key: str, expected: str, value: Any) -> str:
        """Word that a value is wrong."""
        return f"{key}: expected {expected}, found {value!r}"

    def a_table(self, key: str) -> str:
        """Return what a value must be that is no table."""
        return "a table"

    def missing(self, key: str, expected: str) -> str:
        """Word that a key is missing."""
        return f"{key}: missing; expected {expected}"

    def unknown(self, table: str, name: str, known: Sequence[str]) -> str:
        """Word that a key is unknown."""
        near = did_you_mean(name, known)
        words = f"{near} known here" if near else "known here"
        return f"{table}{name}: unknown key; {words}: {', '.join(sorted(known))}"


class KeyWording(Wording):
    """Words of the science packages' files: ``key KEY must be ...``."""

    def invalid(self, key: str, expected: str, value: Any) -> str:
        """Word that a value is wrong."""
        return f"key {key} must be {expected}, not {value!r}"

    def refused(self, key: str, problem: str) -> str:
        """Word a problem with a key that is not one of its value alone."""
        return f"key {key}: {problem}" if key else problem

    def missing(self, key: str, expected: str) -> str:
        """Word that a key is missing."""
        return f"key {key} is missing; it must be {expected}"

    def unknown(self, table: str, name: str, known: Sequence[str]) -> str:
        """Word that a key is unknown."""
        near = nearest(name, known)
        advice = f"did you mean {table}{near}?" if near else f"known: {', '.join(known)}"
        return f"unknown key {table}{name}; {advice}"
