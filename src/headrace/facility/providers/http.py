"""Action providers that others run, by the Action Provider API."""

from __future__ import annotations

import json
import logging
import sqlite3
import stat
import uuid
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from headrace._internal.json_check import check_text
from headrace.compute.task_messages import one_line
from headrace.facility.engine.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.providers.http_calls import CallError, HttpClient, HttpResponse
from headrace.facility.providers.polling import MAX_LOGGED, PollingProvider
from headrace.facility.settings import ProviderSettings, SettingsFile
from headrace.facility.store.actions import (
    ACTIVE,
    FAILED,
    INACTIVE,
    REFUSED,
    SUCCEEDED,
    Action,
)
from headrace.facility.store.database import Store

logger = logging.getLogger(__name__)

# As the hosted service asks: each pause twice the one before.
MIN_POLL_SECONDS: Final = 2.0
MAX_POLL_SECONDS: Final = 600.0
CALL_SECONDS: Final = 30.0
_REPEATED: Final = frozenset({408, 425, 429})
_MAX_ID_LENGTH: Final = 512


class HttpProvider(PollingProvider):
    """Calls the providers that the project allows.

    The action's id is the request id, so that a call which is repeated after a lost answer or a
    death of the facility starts nothing twice.

    Args:
        store: where the ids are kept that providers give.
        settings: lists the providers that may be called.
        engine: takes results, and schedules polls.
    """

    url = "an action provider named in headrace.toml"
    _problems = (CallError, ActionRejected)

    def __init__(self, store: Store, settings: SettingsFile, engine: Engine) -> None:
        super().__init__(store, engine, MIN_POLL_SECONDS, MAX_POLL_SECONDS)
        self._store = store
        self._settings = settings
        self._calls = HttpClient()

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

    def resume(self, action: Action) -> None:
        """Has the provider try again what is blocked."""
        self._pauses[action.id] = self._min_pause / 2
        self._submit(action, self._operation, action, "resume")
        self._submit(action, self._poll_safely, action)

    def _pool_key(self, action: Action) -> str:
        settings = self._allowed(action.provider)
        return settings.url if settings is not None else ""

    def _cut_calls_short(self) -> None:
        self._calls.close()

    def _stop(self, action: Action) -> None:
        self._operation(action, "cancel")

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
                self._report_end(action, FAILED, details)
            else:
                self._record_problem(action, _describe_response(answer))
            return
        if action.id not in self._last_details:
            # Stored before the call: where it never ends, the action's time-out says so.
            text = f"{action.provider}: asked to run, and no complete answer yet"
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
            self._report_end(action, REFUSED, answer.document or described)
        else:
            self._record_problem(action, _describe_response(answer))

    def _handle_status(self, action: Action, answer: HttpResponse) -> None:
        status, details = answer.document.get("status"), answer.document.get("details")
        if status in (SUCCEEDED, FAILED):
            self._report_end(action, str(status), details)
            self._operation(action, "release")
        elif status in (ACTIVE, INACTIVE):
            self._report_open(action, str(status), details)
        else:
            self._report_end(action, str(status), details)

    def _operation(self, action: Action, name: str) -> None:
        remote = self._remote_id(action.id)
        if remote is None:
            return
        try:
            self._call("POST", action, f"/{quote(remote, safe='')}/{name}")
        except (CallError, ActionRejected) as error:
            logger.warning("action %s: %s: %s", action.id, name, str(error)[:MAX_LOGGED])

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
