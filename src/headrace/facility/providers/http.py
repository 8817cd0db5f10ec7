"""Action providers that others run, by the Action Provider API."""

from __future__ import annotations

import json
import logging
import sqlite3
import stat
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from headrace._internal.json_check import check_text
from headrace.compute.task_results import one_line
from headrace.facility.engine.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.providers.base import ProviderBase
from headrace.facility.providers.http_calls import CallError, HttpClient, HttpResponse
from headrace.facility.settings import ProviderSettings, SettingsFile
from headrace.facility.store.actions import (
    ACTIVE,
    FAILED,
    INACTIVE,
    REFUSED,
    SUCCEEDED,
    Action,
    ActionTable,
)
from headrace.facility.store.database import Store

logger = logging.getLogger(__name__)

# As the hosted service asks: each pause twice the one before.
MIN_POLL_SECONDS: Final = 2.0
MAX_POLL_SECONDS: Final = 600.0
CALL_SECONDS: Final = 30.0
# At each provider: one that is slow keeps none of the threads of another.
_CONCURRENT_CALLS: Final = 4
_REPEATED: Final = frozenset({408, 425, 429})
_MAX_LOGGED: Final = 300
_MAX_ID_LENGTH: Final = 512


class HttpProvider(ProviderBase):
    """Calls the providers that the project allows.

    The action's id is the request id, so that a call which is repeated after a lost answer or a
    death of the facility starts nothing twice.

    Args:
        store: where the ids are kept that providers give.
        settings: lists the providers that may be called.
        engine: takes results, and schedules polls.
    """

    url = "an action provider named in headrace.toml"

    def __init__(self, store: Store, settings: SettingsFile, engine: Engine) -> None:
        self._store = store
        self._settings = settings
        self._engine = engine
        self._actions = ActionTable(store)
        self._calls = HttpClient()
        self._lock = threading.Lock()
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._closed = False
        self._last_details: dict[str, Any] = {}
        self._attempts: Counter[str] = Counter()
        self._pauses: dict[str, float] = {}

    def close(self) -> None:
        """Cuts the calls under way short."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
        self._calls.close()
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)

    def serves(self, url: str) -> bool:
        """Say whether the project allows a URL."""
        return self._allowed(url) is not None

    def new_id(self) -> str:
        """Return an id for a new action."""
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Look whether there is a token that may be used.

        Raises:
            ActionRejected: the file with the token cannot be read, or others can read it too.
        """
        del db
        self._token(action.provider)

    def begin(self, action: Action) -> None:
        """Ask the provider to begin, or how far it has come."""
        self._pauses[action.id] = MIN_POLL_SECONDS / 2
        self._submit(action, self._poll_safely, action)

    def resume(self, action: Action) -> None:
        """Has the provider try again what is blocked."""
        self._pauses[action.id] = MIN_POLL_SECONDS / 2
        self._submit(action, self._operation, action, "resume")
        self._submit(action, self._poll_safely, action)

    def cancel(self, action: Action) -> None:
        """Ask the provider to stop, and ask no more."""
        self._forget(action)
        self._submit(action, self._operation, action, "cancel")
        details = {"code": "Canceled", "description": "canceled"}
        self._engine.finish_action(action.id, FAILED, details)

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return the details that the provider reported last, or why it reported none."""
        details = self._last_details.get(action_id)
        return details if isinstance(details, dict) and details else None

    def _submit(self, action: Action, work: Callable[..., None], *arguments: Any) -> None:
        settings = self._allowed(action.provider)
        key = settings.url if settings is not None else ""
        with self._lock:
            if self._closed:
                return
            if key not in self._pools:
                self._pools[key] = ThreadPoolExecutor(
                    _CONCURRENT_CALLS, thread_name_prefix=f"provider {key}"
                )
            self._pools[key].submit(work, *arguments)

    def _poll_safely(self, action: Action) -> None:
        if action.id not in self._pauses:
            return
        try:
            self._poll(action)
        except (CallError, ActionRejected) as error:
            self._record_problem(action, str(error))
        except Exception as error:
            logger.exception("action %s of %s", action.id, action.provider)
            self._record_problem(action, f"{type(error).__name__}: {error}")

    def _record_problem(self, action: Action, problem: str) -> None:
        """Note what stands in an action's way, for who looks at it and for its time-out."""
        if self._closed:
            return
        self._attempts[action.id] += 1
        logger.warning("action %s: %s", action.id, problem[:_MAX_LOGGED])
        self._store_details(
            action,
            {
                "code": "ActionProviderError",
                "description": f"{action.provider}: {problem}; asked again and again",
                "attempts": self._attempts[action.id],
            },
        )
        self._schedule_poll(action)

    def _store_details(self, action: Action, details: Any) -> None:
        if action.id not in self._pauses or self._last_details.get(action.id) == details:
            return
        self._last_details[action.id] = details
        self._actions.store_progress(action.id, details)

    def _poll(self, action: Action) -> None:
        remote = self._remote_id(action.id)
        if remote is not None:
            answer = self._call("GET", action, f"/{quote(remote, safe='')}/status")
            if answer.status == 200 and not answer.problem:
                self._handle_status(action, answer)
            elif answer.status == 404:
                details = {
                    "code": "ActionNotFound",
                    "description": "the provider forgot the action",
                }
                self._end(action, FAILED, details)
            else:
                self._record_problem(action, _describe_response(answer))
            return
        if action.id not in self._last_details:
            # Stored before the call: where it never ends, the action's time-out has it to tell.
            text = f"{action.provider}: asked to run, and no whole answer yet"
            self._store_details(action, {"code": "ActionProviderSilent", "description": text})
        body: dict[str, Any] = {
            "request_id": action.id,
            "body": action.body,
            "label": action.label,
            "monitor_by": [],
            "manage_by": [],
        }
        answer = self._call("POST", action, "/run", body)
        remote_id = answer.document.get("action_id")
        if answer.status in (200, 201, 202) and isinstance(remote_id, str):
            check_text(remote_id, f"{action.provider}: action_id", max_length=_MAX_ID_LENGTH)
            self._keep_remote_id(action.id, remote_id)
            self._handle_status(action, answer)
        elif 400 <= answer.status < 500 and answer.status not in _REPEATED:
            described = {"code": f"HTTP {answer.status}", "description": _describe_response(answer)}
            self._end(action, REFUSED, answer.document or described)
        else:
            self._record_problem(action, _describe_response(answer))

    def _handle_status(self, action: Action, answer: HttpResponse) -> None:
        status, details = answer.document.get("status"), answer.document.get("details")
        if status in (SUCCEEDED, FAILED):
            self._end(action, str(status), details)
            self._operation(action, "release")
        elif status in (ACTIVE, INACTIVE):
            self._attempts.pop(action.id, None)
            self._store_details(action, details)
            self._engine.block_action(action.id, details, status == INACTIVE)
            self._schedule_poll(action)
        else:
            self._end(action, str(status), details)

    def _end(self, action: Action, status: str, details: Any) -> None:
        self._forget(action)
        self._engine.finish_action(action.id, status, details)

    def _forget(self, action: Action) -> None:
        self._pauses.pop(action.id, None)
        self._last_details.pop(action.id, None)
        self._attempts.pop(action.id, None)

    def _schedule_poll(self, action: Action) -> None:
        pause = self._pauses.get(action.id)
        if pause is None:
            return
        pause = min(2 * pause, MAX_POLL_SECONDS)
        self._pauses[action.id] = pause
        self._engine.call_later(f"poll {action.id}", pause, lambda: self._submit_poll(action))

    def _submit_poll(self, action: Action) -> None:
        self._submit(action, self._poll_safely, action)

    def _operation(self, action: Action, name: str) -> None:
        remote = self._remote_id(action.id)
        if remote is None:
            return
        try:
            self._call("POST", action, f"/{quote(remote, safe='')}/{name}")
        except (CallError, ActionRejected) as error:
            logger.warning("action %s: %s: %s", action.id, name, str(error)[:_MAX_LOGGED])

    def _call(self, method: str, action: Action, path: str, body: Any = None) -> HttpResponse:
        base = action.provider.rstrip("/")
        return self._calls.call(
            method, f"{base}{path}", self._token(base), body, seconds=CALL_SECONDS
        )

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

        self._store.retry_while_unavailable(keep, f"action {action_id}")


def _describe_response(answer: HttpResponse) -> str:
    """Return in one line what a provider answered that is not what was asked for."""
    if 300 <= answer.status < 400:
        return f"leads elsewhere (HTTP {answer.status}), which is not followed"
    named = (answer.document.get(name) for name in ("description", "detail", "message", "error"))
    said = next((str(text) for text in named if text), "")
    if not said and answer.document:
        said = json.dumps(answer.document)
    cause = one_line(answer.problem or said)
    return f"{cause} (HTTP {answer.status})" if cause else f"HTTP {answer.status}"
