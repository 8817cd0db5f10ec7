"""Action providers that others run, by the Action Provider API."""

from __future__ import annotations

import logging
import sqlite3
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from headrace.facility.actions import ACTIVE, FAILED, INACTIVE, REFUSED, SUCCEEDED, Action
from headrace.facility.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.providers.base import BaseProvider
from headrace.facility.providers.http_calls import CallError, HttpAnswer, call
from headrace.facility.settings import ProviderSettings, SettingsFile
from headrace.facility.store import Store

logger = logging.getLogger(__name__)

# As the hosted service asks: each pause twice the one before.
FIRST_POLL: Final = 2.0
LONGEST_POLL: Final = 600.0
_CALLS_AT_ONCE: Final = 8


class HttpProvider(BaseProvider):
    """Calls the providers that the project allows.

    The action's id is the request id, so that a call which is repeated after a lost answer or a
    death of the facility starts nothing twice.

    Args:
        store: where the ids are kept that providers give.
        settings: tells which providers may be called.
        engine: told of ends, and reminded of polls.
    """

    url = "an action provider named in headrace.toml"

    def __init__(self, store: Store, settings: SettingsFile, engine: Engine) -> None:
        self._store = store
        self._settings = settings
        self._engine = engine
        self._pool = ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="provider")
        self._pauses: dict[str, float] = {}

    def close(self) -> None:
        """Ends the calls under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def serves(self, url: str) -> bool:
        """Says whether the project allows a URL."""
        return self._allowed(url) is not None

    def new_id(self) -> str:
        """Returns an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Looks whether there is a token that may be used.

        Raises:
            ActionRejected: the file with the token cannot be read, or others can read it too.
        """
        del db
        self._token(action.provider)

    def begin(self, action: Action) -> None:
        """Asks the provider to begin, or how far it has come."""
        self._pauses[action.id] = FIRST_POLL / 2
        self._pool.submit(self._guarded, action)

    def resume(self, action: Action) -> None:
        """Has the provider try again what is blocked."""
        self._pauses[action.id] = FIRST_POLL / 2
        self._pool.submit(self._operation, action, "resume")
        self._pool.submit(self._guarded, action)

    def cancel(self, action: Action) -> None:
        """Asks the provider to stop, and asks no more."""
        self._pauses.pop(action.id, None)
        self._pool.submit(self._operation, action, "cancel")
        details = {"code": "Canceled", "description": "canceled"}
        self._engine.finish_action(action.id, FAILED, details)

    def _guarded(self, action: Action) -> None:
        if action.id not in self._pauses:
            return
        try:
            self._look(action)
        except (CallError, ActionRejected) as error:
            logger.warning("action %s: %s", action.id, error)
            self._again(action)
        except Exception:
            logger.exception("action %s of %s", action.id, action.provider)
            self._again(action)

    def _look(self, action: Action) -> None:
        remote = self._remote_id(action.id)
        if remote is not None:
            answer = self._call("GET", action, f"/{remote}/status")
            if answer.status == 200:
                self._told(action, answer)
            elif answer.status == 404:
                details = {
                    "code": "ActionNotFound",
                    "description": "the provider forgot the action",
                }
                self._end(action, FAILED, details)
            else:
                self._again(action)
            return
        body: dict[str, Any] = {
            "request_id": action.id,
            "body": action.body,
            "label": action.label,
            "monitor_by": [],
            "manage_by": [],
        }
        answer = self._call("POST", action, "/run", body)
        if answer.status in (200, 202) and isinstance(answer.document.get("action_id"), str):
            self._keep_remote_id(action.id, answer.document["action_id"])
            self._told(action, answer)
        elif 400 <= answer.status < 500 and answer.status != 429:
            self._end(action, REFUSED, answer.document)
        else:
            self._again(action)

    def _told(self, action: Action, answer: HttpAnswer) -> None:
        status, details = answer.document.get("status"), answer.document.get("details")
        if status in (SUCCEEDED, FAILED):
            self._end(action, str(status), details)
            self._operation(action, "release")
        elif status in (ACTIVE, INACTIVE):
            self._engine.block_action(action.id, details, status == INACTIVE)
            self._again(action)
        else:
            self._end(action, str(status), details)

    def _end(self, action: Action, status: str, details: Any) -> None:
        self._pauses.pop(action.id, None)
        self._engine.finish_action(action.id, status, details)

    def _again(self, action: Action) -> None:
        pause = self._pauses.get(action.id)
        if pause is None:
            return
        pause = min(2 * pause, LONGEST_POLL)
        self._pauses[action.id] = pause
        self._engine.later(f"poll {action.id}", pause, lambda: self._submit_again(action))

    def _submit_again(self, action: Action) -> None:
        self._pool.submit(self._guarded, action)

    def _operation(self, action: Action, name: str) -> None:
        remote = self._remote_id(action.id)
        if remote is None:
            return
        try:
            self._call("POST", action, f"/{remote}/{name}")
        except (CallError, ActionRejected) as error:
            logger.warning("action %s: %s: %s", action.id, name, error)

    def _call(self, method: str, action: Action, path: str, body: Any = None) -> HttpAnswer:
        base = action.provider.rstrip("/")
        return call(method, f"{base}{path}", self._token(base), body)

    def _token(self, url: str) -> str | None:
        settings = self._allowed(url)
        if settings is None:
            raise ActionRejected("ActionProviderNotFound", f"{url}: not allowed in headrace.toml")
        if not settings.token_file:
            return None
        path = Path(settings.token_file)
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ActionRejected("NoTokenException", f"{path}: others can read it: chmod 600")
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ActionRejected("NoTokenException", f"{path}: {error.strerror}") from error

    def _allowed(self, url: str) -> ProviderSettings | None:
        plain = url.rstrip("/") + "/"
        if "/../" in plain or "/./" in plain:
            return None
        for provider in self._settings.current().action_providers:
            if plain.startswith(provider.url.rstrip("/") + "/"):
                return provider
        return None

    def _remote_id(self, action_id: str) -> str | None:
        row = (
            self._store.reader()
            .execute("SELECT remote_id FROM remote_actions WHERE action_id = ?", (action_id,))
            .fetchone()
        )
        return row["remote_id"] if row else None

    def _keep_remote_id(self, action_id: str, remote_id: str) -> None:
        def keep() -> None:
            with self._store.transaction() as db:
                db.execute("REPLACE INTO remote_actions VALUES (?,?)", (action_id, remote_id))

        self._store.patiently(keep, f"action {action_id}")
