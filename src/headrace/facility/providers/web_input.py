"""Action providers CreateWebInput and AwaitWebInput."""

from __future__ import annotations

import logging
import sqlite3
import time
import uuid
from functools import partial
from typing import Any, Final

from headrace.facility.errors import ActionRejected, NotFound
from headrace.facility.providers.base import CallLater, FinishAction, ProviderBase
from headrace.facility.providers.bodies import check_body
from headrace.facility.store.actions import FAILED, SUCCEEDED, Action, ActionResult, ActionTable
from headrace.facility.store.web_inputs import CLOSED, WebInput, WebInputTable
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT
from headrace.flowlang.web_inputs import EXPIRED, ID_PARAMETER, RESPONSE, repeated_value

logger = logging.getLogger(__name__)

# After how many seconds an expiry is tried again that the store did not take.
_RETRY_SECONDS: Final = 60.0


class CreateWebInputProvider(ProviderBase):
    """Puts a question; it is there when the state ends.

    Args:
        web_inputs: where questions are kept.
        expiry: closes them when their time is over.
    """

    url = CREATE_WEB_INPUT

    def __init__(self, web_inputs: WebInputTable, expiry: WebInputExpiry) -> None:
        self._web_inputs = web_inputs
        self._expiry = expiry

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult:
        """Store the question.

        Raises:
            ActionRejected: it is not written as it must be.
        """
        check_body(self.url, action.body)
        repeated = repeated_value(action.body)
        if repeated is not None:
            raise ActionRejected(
                "RequestValidationError", f"Options: two of them have the value {repeated!r:.80}"
            )
        asked = self._web_inputs.create(db, action.run_id, action.body)
        # Where the transaction does not come about after all, there is nothing to close.
        self._expiry.schedule(asked)
        return ActionResult(SUCCEEDED, {ID_PARAMETER: asked.id})

    def begin(self, action: Action) -> None:
        """Do nothing: all is done when the action is accepted."""

    def cancel(self, action: Action) -> None:
        """Do nothing, likewise."""


class AwaitWebInputProvider(ProviderBase):
    """Waits until somebody has answered.

    Args:
        web_inputs: where questions are kept.
        actions: the actions that wait.
        finish: called with an action's id, status and details at its end.
    """

    url = AWAIT_WEB_INPUT

    def __init__(
        self, web_inputs: WebInputTable, actions: ActionTable, finish: FinishAction
    ) -> None:
        self._web_inputs = web_inputs
        self._actions = actions
        self._finish = finish

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult | None:
        """Look whether the answer is there already.

        Raises:
            ActionRejected: no question has the id.
        """
        check_body(self.url, action.body)
        try:
            return _result_of(self._web_inputs.get(action.body[ID_PARAMETER], db))
        except NotFound as error:
            raise ActionRejected("NOT_FOUND", str(error)) from error

    def begin(self, action: Action) -> None:
        """Wait; where a death of the facility came between, the answer is there now."""
        answer = _result_of(self._web_inputs.get(action.body[ID_PARAMETER]))
        if answer is not None:
            self._finish(action.id, answer.status, answer.details)

    def cancel(self, action: Action) -> None:
        """Close the question: nobody waits for it any more."""
        self._web_inputs.close(action.body[ID_PARAMETER])
        self._finish(action.id, FAILED, {"code": "Canceled", "description": "canceled"})

    def respond(self, web_input_id: str, value: Any) -> None:
        """Store somebody's answer, and advance the run that waits for it.

        Raises:
            NotFound: no question has this id.
            StateConflict: it is closed, or the answer none of its options.
        """
        self.finish_waiting_actions(self._web_inputs.respond(web_input_id, value))

    def finish_waiting_actions(self, closed: WebInput) -> None:
        """Advance the runs that wait for a question which is closed now."""
        answer = _result_of(closed)
        if answer is None:
            return
        for action in self._actions.open_for_provider(self.url):
            if action.body[ID_PARAMETER].lower() == closed.id:
                self._finish(action.id, answer.status, answer.details)


class WebInputExpiry:
    """Closes questions that nobody has answered in time.

    Args:
        web_inputs: where questions are kept.
        awaiting: ends the actions that wait for those that are closed.
        later: calls something after some seconds.
    """

    def __init__(
        self, web_inputs: WebInputTable, awaiting: AwaitWebInputProvider, later: CallLater
    ) -> None:
        self._web_inputs = web_inputs
        self._awaiting = awaiting
        self._later = later

    def start(self) -> None:
        """Take up every question that is open."""
        for asked in self._web_inputs.list_open():
            self.schedule(asked)

    def schedule(self, asked: WebInput) -> None:
        """Have a question closed when its time is over."""
        self._schedule_expiry(asked.expires_at - time.time(), asked.id)

    def _schedule_expiry(self, seconds: float, web_input_id: str) -> None:
        key = f"web input {web_input_id}"
        self._later(key, max(0.0, seconds), partial(self._expire, web_input_id))

    def _expire(self, web_input_id: str) -> None:
        try:
            closed = self._web_inputs.expire(web_input_id)
        except sqlite3.Error as error:
            logger.error("web input %s: its expiry is tried again: %s", web_input_id, error)
            self._schedule_expiry(_RETRY_SECONDS, web_input_id)
            return
        if closed is not None:
            self._awaiting.finish_waiting_actions(closed)


def _result_of(asked: WebInput) -> ActionResult | None:
    if asked.document["status"] != CLOSED:
        return None
    result = asked.result()
    if result is not None:
        return ActionResult(SUCCEEDED, result)
    if asked.expired:
        cause = f"nobody answered web input {asked.id} in time"
        # A state that both ways lead to reads the response of either; here it is null.
        return ActionResult(FAILED, {"exception": EXPIRED, "cause": cause, RESPONSE: None})
    return ActionResult(
        FAILED, {"code": "WebInputClosed", "description": "it was closed unanswered"}
    )
