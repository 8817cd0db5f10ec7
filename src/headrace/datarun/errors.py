"""Errors of data runs.

::

    DataRunError          the program or the whole run
    └── EventFileError    one place of an event file
"""

from __future__ import annotations

from headrace.errors import HeadraceError


class DataRunError(HeadraceError):
    """Error of a run or segment, in one line."""


class EventFileError(DataRunError):
    """An event file that cannot be read at one place.

    Attributes:
        offset: byte at which the problem starts; -1 where it is the file as a whole.
    """

    def __init__(self, message: str, offset: int = -1) -> None:
        super().__init__(message)
        self.offset = offset
