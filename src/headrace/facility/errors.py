"""Errors of the facility."""

from __future__ import annotations

from headrace.errors import HeadraceError


class FacilityError(HeadraceError):
    """The local service, its store or its providers cannot do what was asked."""


class TemporarilyUnavailable(FacilityError):
    """Something needed is not there at the moment: the same can be asked again."""


class FacilityStopping(TemporarilyUnavailable):
    """The facility is being stopped: the same can be asked when it is up again."""


class ActionRejected(FacilityError):
    """An action provider refuses to start an action: nothing was started.

    Attributes:
        code: name of the error, as in the provider's JSON error document.
        description: what was wrong, and the way out.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class NotFound(FacilityError):
    """No flow, run, action or function has the given id."""


class StateConflict(FacilityError):
    """The flow, run or action is not in a state that allows the operation."""


class ActionUnreadable(FacilityError, ValueError):
    """The record of an action is damaged."""


class WebInputUnreadable(StateConflict):
    """The record of a web input cannot be read: it is damaged, or of a later headrace."""


class FlowUnreadable(StateConflict):
    """A flow's record is damaged."""


class RunUnreadable(StateConflict):
    """The records of a run cannot be read: they are damaged, or of a later headrace."""
