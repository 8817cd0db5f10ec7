"""Action providers that other packages bring, as the facility calls them."""

from __future__ import annotations

import logging
import sqlite3
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import private_directory
from headrace._internal.json_schema import value_problems
from headrace.action_providers import (
    ActionProvider,
    ActionStatus,
    InstalledProvider,
    installed_providers,
)
from headrace.facility.engine.engine import Engine
from headrace.facility.providers.bodies import check_parameters
from headrace.facility.providers.polling import PollingProvider
from headrace.facility.store.actions import (
    ACTIVE,
    FAILED,
    INACTIVE,
    SUCCEEDED,
    Action,
    ActionResult,
    validate_result,
)
from headrace.facility.store.database import Store
from headrace.facility.supervision import describe

logger = logging.getLogger(__name__)

MAX_POLL_SECONDS: Final = 60.0


class InstalledActionProvider(PollingProvider):
    """Calls the methods of an :class:`~headrace.action_providers.ActionProvider`.

    The id of an action is the same to the facility and to the implementation, so that one that is
    called again after a restart can know the action.

    Args:
        store: where progress is kept.
        engine: takes results, and schedules polls.
        installed: the provider's address and schemas.
        implementation: what is called.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        installed: InstalledProvider,
        implementation: ActionProvider,
    ) -> None:
        super().__init__(store, engine, implementation.poll_seconds, MAX_POLL_SECONDS)
        self.url = installed.description.url
        self._description = installed.description
        self._implementation = implementation
        self._running: set[str] = set()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Check the body against the provider's schema.

        Raises:
            ActionRejected: it does not fit.
        """
        del db
        check_parameters(self._description, action.body)

    def resume(self, action: Action) -> None:
        """Ask for the status at once."""
        if self._is_open(action):
            self.begin(action)

    def _poll(self, action: Action) -> None:
        with self._locks[action.id]:
            if not self._is_open(action):
                return
            if action.id in self._running:
                answer = self._implementation.status(action.id)
            else:
                answer = self._implementation.run(action.id, action.body)
                self._running.add(action.id)
            result = self._validated(answer)
            if result.status in (ACTIVE, INACTIVE):
                self._report_open(action, result.status, result.details)
                return
            self._report_end(action, result.status, result.details)
            self._call_once(action, self._implementation.release)
        self._drop(action)

    def _stop(self, action: Action) -> None:
        with self._locks[action.id]:
            self._call_once(action, self._implementation.cancel)
            self._call_once(action, self._implementation.release)
        self._drop(action)

    def _drop(self, action: Action) -> None:
        self._running.discard(action.id)
        self._locks.pop(action.id, None)

    def _call_once(self, action: Action, method: Callable[[str], None]) -> None:
        try:
            method(action.id)
        except Exception:
            logger.exception("action %s of %s: %s", action.id, self.url, method.__name__)

    def _validated(self, answer: Any) -> ActionResult:
        """Return the result that an answer says, or the failure that it is."""
        if not isinstance(answer, ActionStatus):
            return _failure(f"returned {type(answer).__name__}, which is no ActionStatus")
        result = validate_result(ActionResult(answer.status, answer.details))
        if result.status != SUCCEEDED:
            return result
        for problem in value_problems(self._description.details, result.details):
            place = problem.json_path.replace("$", "details", 1)
            return _failure(
                f"gave a result that does not fit its result_schema: {place}: {problem.message}"
            )
        return result


def make_installed_providers(
    state: Path, store: Store, engine: Engine
) -> list[InstalledActionProvider]:
    """Make the action providers of other packages; report those that cannot be used.

    Args:
        state: directory of the facility's state; each provider gets a directory in it.
        store: where progress is kept.
        engine: takes results, and schedules polls.
    """
    found = installed_providers()
    for name, problem in found.problems.items():
        store.health.report(f"action provider {name}", problem)
    made: list[InstalledActionProvider] = []
    for name, installed in found.usable.items():
        try:
            directory = private_directory(state / "action_providers" / name)
            implementation = installed.implementation(directory)
        except Exception as error:  # noqa: BLE001 - whatever another package raises
            problem = f"{installed.origin} cannot be used: {describe(error)}"
            store.health.report(f"action provider {name}", problem)
            continue
        made.append(InstalledActionProvider(store, engine, installed, implementation))
    return made


def _failure(description: str) -> ActionResult:
    text = f"the action provider {description}"
    return ActionResult(FAILED, {"code": "ActionProviderError", "description": text})
