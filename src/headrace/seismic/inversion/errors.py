"""Exceptions of an inversion."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.seismic.errors import ConfigError, SeismicError


class InversionError(SeismicError):
    """An inversion that cannot go on; the message says what is wrong, where, and the way out."""


class NotReady(InversionError):
    """An inversion that must not begin, for it would be refused later.

    Args:
        problems: why, one line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class SettingsError(ConfigError):
    """Settings that cannot be used.

    Args:
        problems: all that is wrong with them, one line each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
