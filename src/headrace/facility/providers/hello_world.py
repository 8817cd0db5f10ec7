"""The Hello World action provider: to try a flow without data or jobs."""

from __future__ import annotations

import sqlite3
import uuid

from headrace.facility.providers.addresses import HELLO_WORLD
from headrace.facility.providers.base import CallLater, FinishAction, ProviderBase
from headrace.facility.providers.bodies import check_body
from headrace.facility.store.actions import FAILED, SUCCEEDED, Action, ActionResult


class HelloWorldProvider(ProviderBase):
    """Answers at once, or after ``sleep_time`` seconds.

    Args:
        finish: called with an action's id, status and details at its end.
        later: calls something after some seconds.
    """

    def __init__(self, finish: FinishAction, later: CallLater) -> None:
        self._finish = finish
        self._later = later

    @property
    def url(self) -> str:
        """The provider's HELLO_WORLD at the hosted services."""
        return HELLO_WORLD

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult | None:
        """Check the fields of the body, and answers where there is nothing to wait for.

        Raises:
            ActionRejected: a field is unknown or of the wrong type.
        """
        del db
        check_body(HELLO_WORLD, action.body)
        return _answer(action) if action.body.get("sleep_time", 0) <= 0 else None

    def begin(self, action: Action) -> None:
        """Answer when the time has passed; after a restart the time counts anew."""
        answer = _answer(action)

        def finish() -> None:
            self._finish(action.id, answer.status, answer.details)

        self._later(f"hello_world {action.id}", action.body["sleep_time"], finish)

    def cancel(self, action: Action) -> None:
        """End the action as failed."""
        self._finish(action.id, FAILED, {"code": "Canceled", "description": "canceled"})


def _answer(action: Action) -> ActionResult:
    details = {"Hello": "World"}
    if "echo_string" in action.body:
        details["hello"] = action.body["echo_string"]
    return ActionResult(SUCCEEDED, details)
