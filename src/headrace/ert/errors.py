"""Errors of resistivity inversions.

::

    ErtError               a directory that cannot be worked on
    ├── SettingsError      settings or a command line that cannot be used
    ├── EngineMissing      the engine's program or library is not on this machine
    └── InversionFailed    the engine worked on the data, and has no result that counts
"""

from __future__ import annotations

from collections.abc import Mapping

from headrace.errors import HeadraceError

Fact = float | int | bool | str
"""Value of a fact about an inversion."""


class ErtError(HeadraceError):
    """A directory that cannot be worked on; the message is one line."""


class SettingsError(ErtError):
    """Settings or a command line that cannot be used."""

    exit_code = 2


class EngineMissing(ErtError):
    """The engine's program or library is not on this machine."""


class InversionFailed(ErtError):
    """An inversion or modelling without a result that counts.

    Args:
        message: why, in one line.
        facts: what is known of it nevertheless.
    """

    def __init__(self, message: str, facts: Mapping[str, Fact] | None = None) -> None:
        super().__init__(message)
        self.facts: dict[str, Fact] = dict(facts or {})
