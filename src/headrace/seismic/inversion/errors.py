"""Exceptions of an inversion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from headrace.seismic.errors import ConfigError, SeismicError

Found = TypeVar("Found")


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


class Problems:
    """Collects what is wrong with settings, so that all of it is reported at once."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def collect(self, read: Callable[[], Found], default: Found) -> Found:
        """Read a part of the settings.

        Args:
            read: reads it.
            default: stands for it where it cannot be used.
        """
        try:
            return read()
        except SettingsError as error:
            self.found += error.problems
        except ConfigError as error:
            self.found.append(str(error))
        return default

    def raise_if_any(self) -> None:
        """Refuse the settings if anything was wrong.

        Raises:
            SettingsError: all of it.
        """
        if self.found:
            raise SettingsError(list(dict.fromkeys(self.found)))
