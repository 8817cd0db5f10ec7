"""Exceptions of the molecular-dynamics package.

::

    MdError             a leg that cannot be prepared, run or read
    ├── SettingsError   the settings, or a command line
    ├── EngineMissing   the engine's program or library is not on this machine
    └── EngineKilled    a signal ended the engine's program; the leg can go on
"""

from __future__ import annotations

from headrace.errors import HeadraceError


class MdError(HeadraceError):
    """A leg of a simulation that cannot be prepared, run or read; the message is one line."""


class SettingsError(MdError):
    """Settings or a command line that cannot be used."""

    exit_code = 2


class EngineMissing(MdError):
    """The engine's program or library is not on this machine."""


class EngineKilled(MdError):
    """A signal ended the engine's program.

    Args:
        program: what was ended.
        signal: the signal's number.
    """

    def __init__(self, program: str, signal: int) -> None:
        super().__init__(f"{program}: ended by signal {signal}; the leg goes on when run again")
        # As a shell says it, so that a scheduler's record shows the signal.
        self.exit_code = 128 + signal
