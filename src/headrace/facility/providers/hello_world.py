"""The Hello World action provider: to try a flow without data or jobs."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from typing import Any

from headrace.facility.actions import SUCCEEDED, Action
from headrace.facility.errors import ActionRejected
from headrace.facility.providers.base import Finish

URL = "https://actions.globus.org/hello_world"
_FIELDS = {"echo_string": str, "sleep_time": int, "required_dependent_scope": str}


class HelloWorldProvider:
    """Answers at once, or after ``sleep_time`` seconds.

    Args:
        finish: called with an action's id, status and details at its end.
    """

    def __init__(self, finish: Finish) -> None:
        self._finish = finish

    @property
    def url(self) -> str:
        """The provider's URL at the hosted services."""
        return URL

    def new_id(self) -> str:
        """Returns an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Checks the fields of the body.

        Raises:
            ActionRejected: a field is unknown or of the wrong type.
        """
        del db
        for name, value in action.body.items():
            kind = _FIELDS.get(name)
            if kind is None or not isinstance(value, kind):
                raise ActionRejected(
                    "RequestValidationError", f"{name}: not a field of hello_world, or no {kind}"
                )

    def begin(self, action: Action) -> None:
        """Answers when the time has passed; after a restart the time counts anew."""
        details: dict[str, Any] = {"Hello": "World"}
        if "echo_string" in action.body:
            details["hello"] = action.body["echo_string"]
        seconds = action.body.get("sleep_time", 0)
        if seconds <= 0:
            self._finish(action.id, SUCCEEDED, details)
            return
        timer = threading.Timer(seconds, self._finish, (action.id, SUCCEEDED, details))
        timer.daemon = True
        timer.start()

    def cancel(self, action: Action) -> None:
        """Ends the action as failed."""
        self._finish(action.id, "FAILED", {"code": "Canceled", "description": "canceled"})

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Returns nothing: there is no progress to tell."""
        del action_id
        return None
