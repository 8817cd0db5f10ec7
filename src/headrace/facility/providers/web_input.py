"""What stands behind CreateWebInput and AwaitWebInput."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

from headrace.facility.actions import FAILED, SUCCEEDED, Action, Actions, Answer
from headrace.facility.errors import ActionRejected, NotFound
from headrace.facility.providers.base import BaseProvider, Finish
from headrace.facility.web_inputs import CLOSED, WebInputs
from headrace.flowlang.errors import Entry, location
from headrace.flowlang.handlers import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.web_inputs import (
    ID_PARAMETER,
    RESPONSE,
    awaiting_entries,
    creation_entries,
)


class CreateWebInput(BaseProvider):
    """Puts a question; it is there when the state ends.

    Args:
        web_inputs: where questions are kept.
    """

    url = CREATE_WEB_INPUT

    def __init__(self, web_inputs: WebInputs) -> None:
        self._web_inputs = web_inputs

    def new_id(self) -> str:
        """Returns an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> Answer:
        """Stores the question.

        Raises:
            ActionRejected: it is not written as it must be.
        """
        _check(creation_entries(action.body))
        return Answer(SUCCEEDED, self._web_inputs.create(db, action.run_id, action.body))

    def begin(self, action: Action) -> None:
        """Does nothing: all is done when the action is accepted."""

    def cancel(self, action: Action) -> None:
        """Does nothing, likewise."""


class AwaitWebInput(BaseProvider):
    """Waits until somebody has answered.

    Args:
        web_inputs: where questions are kept.
        actions: the actions that wait.
        finish: called with an action's id, status and details at its end.
    """

    url = AWAIT_WEB_INPUT

    def __init__(self, web_inputs: WebInputs, actions: Actions, finish: Finish) -> None:
        self._web_inputs = web_inputs
        self._actions = actions
        self._finish = finish

    def new_id(self) -> str:
        """Returns an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> Answer | None:
        """Looks whether the answer is there already.

        Raises:
            ActionRejected: no question has the id.
        """
        _check(awaiting_entries(action.body))
        try:
            return _answer(self._web_inputs.get(action.body[ID_PARAMETER], db))
        except NotFound as error:
            raise ActionRejected("NOT_FOUND", str(error)) from error

    def begin(self, action: Action) -> None:
        """Waits; where a death of the facility came between, the answer is there now."""
        answer = _answer(self._web_inputs.get(action.body[ID_PARAMETER]))
        if answer is not None:
            self._finish(action.id, answer.status, answer.details)

    def cancel(self, action: Action) -> None:
        """Closes the question: nobody waits for it any more."""
        self._web_inputs.close(action.body[ID_PARAMETER])
        self._finish(action.id, FAILED, {"code": "Canceled", "description": "canceled"})

    def respond(self, web_input_id: str, value: Any) -> None:
        """Stores somebody's answer, and goes on with the run that waits for it.

        Raises:
            NotFound: no question has this id.
            StateConflict: it is closed, or the answer none of its options.
        """
        document = self._web_inputs.respond(web_input_id, value)
        for action in self._actions.open():
            if action.provider == self.url and action.body.get(ID_PARAMETER) == web_input_id:
                self._finish(action.id, SUCCEEDED, document)


def _answer(document: dict[str, Any]) -> Answer | None:
    if document["status"] != CLOSED:
        return None
    if RESPONSE in document:
        return Answer(SUCCEEDED, document)
    return Answer(FAILED, {"code": "WebInputClosed", "description": "it was closed unanswered"})


def _check(entries: list[Entry]) -> None:
    if entries:
        first = entries[0]
        where = location(["Parameters", *first["loc"]])
        raise ActionRejected("RequestValidationError", f"{where}: {first['msg']}")
