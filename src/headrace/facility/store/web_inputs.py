"""Web inputs of runs in the store: questions to people, and their answers."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from headrace._internal.clock import now
from headrace._internal.terminal_text import terminal_text
from headrace.facility.errors import FacilityError, NotFound, StateConflict, WebInputUnreadable
from headrace.facility.identity import Identity
from headrace.facility.store.database import Store
from headrace.flowlang.limits import WEB_INPUT_WAIT_TIME
from headrace.flowlang.web_inputs import INPUT_TYPE, RESPONSE, context_of, input_schema, options_of

logger = logging.getLogger(__name__)

OPEN: Final = "open"
CLOSED: Final = "closed"
ROLES: Final = ("viewer", "respondent")
TIMES: Final = ("created_timestamp", "edited_timestamp", "closed_timestamp")
LIFETIME_VARIABLE: Final = "HEADRACE_WEB_INPUT_LIFETIME"

_OUTCOME_EXPIRED: Final = {"expired": True}


class UnknownOption(StateConflict):
    """An answer that is none of the options."""


@dataclass(frozen=True)
class WebInput:
    """A web input as it is stored.

    Attributes:
        document: the resource that the API shows.
        values: what the flow sees for each option, by the option's id.
        outcome: None while it is open; ``{"response": value}`` where it was answered,
            ``{"expired": true}`` where it was not in time, an empty object where nobody waits for
            an answer any more.
        expires_at: seconds since 1970 after which it cannot be answered.
        gives_resource: whether its flow reads the whole resource for an answer, as flows did that
            were written before the service's own form was known.
    """

    document: dict[str, Any]
    values: Mapping[str, str]
    outcome: Mapping[str, Any] | None
    expires_at: float
    gives_resource: bool

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.document["id"])

    @property
    def expired(self) -> bool:
        """True if it was closed because nobody had answered in time."""
        return self.outcome == _OUTCOME_EXPIRED

    def result(self) -> dict[str, Any] | None:
        """Return what AwaitWebInput gives for the answer; None where there is no answer."""
        if self.outcome is None or RESPONSE not in self.outcome:
            return None
        value = self.outcome[RESPONSE]
        if self.gives_resource:
            # The names of the resource's answer in that form.
            respondent = self.document["creator_urn"]
            return {**self.document, RESPONSE: {"value": value}, "respondent_urn": respondent}
        return {RESPONSE: value}


class WebInputTable:
    """The web inputs in a store.

    Args:
        store: the store.
        identity: who works here, and may answer everything.
        lifetime: seconds after which a web input that nobody answers expires.
    """

    def __init__(self, store: Store, identity: Identity, lifetime: float | None = None) -> None:
        self._store = store
        self._identity = identity
        self._lifetime = float(WEB_INPUT_WAIT_TIME) if lifetime is None else lifetime

    def create(self, db: sqlite3.Connection, run_id: str, body: dict[str, Any]) -> WebInput:
        """Store a new web input in the given transaction.

        Args:
            db: the transaction.
            run_id: the run that asks.
            body: what it asks; checked already.
        """
        run = db.execute(
            "SELECT flow_id, flow_title, label FROM runs WHERE id = ?", (run_id,)
        ).fetchone()
        moment, web_input_id = now(), str(uuid.uuid4())
        options = options_of(web_input_id, body)
        document = {
            "id": web_input_id,
            "status": OPEN,
            "user_roles": [*ROLES],
            "input_type": INPUT_TYPE.lower(),
            "input_schema": input_schema(options),
            "context": context_of(body),
            "options": options,
            "roles": {"viewer_urns": [], "respondent_urns": list(body.get("RespondentUrns", []))},
            "creator_urn": self._identity.urn,
            "flow": {"id": run["flow_id"], "title": run["flow_title"]},
            "run": {"id": run_id, "label": run["label"]},
            "created_timestamp": moment,
            "edited_timestamp": moment,
            "closed_timestamp": None,
        }
        values = [option["Value"] for option in body["Options"]]
        created = WebInput(
            document=document,
            values=dict(zip([each["option_id"] for each in options], values, strict=True)),
            outcome=None,
            expires_at=time.time() + self._lifetime,
            gives_resource=False,
        )
        db.execute(
            "INSERT INTO web_inputs (id, run_id, flow_id, status, created_timestamp, document,"
            " option_values, expires_at, gives_resource) VALUES (?,?,?,?,?,?,?,?,0)",
            (
                web_input_id,
                run_id,
                run["flow_id"],
                OPEN,
                moment,
                json.dumps(document),
                json.dumps(created.values),
                created.expires_at,
            ),
        )
        self._store.changes.add_web_input(web_input_id)
        return created

    def get(self, web_input_id: str, db: sqlite3.Connection | None = None) -> WebInput:
        """Return a web input.

        Raises:
            NotFound: none has this id.
            WebInputUnreadable: its record is damaged.
        """
        row = (
            (db or self._store.reader())
            .execute("SELECT * FROM web_inputs WHERE id = ?", (web_input_id.lower(),))
            .fetchone()
        )
        if row is None:
            raise NotFound(f"No Web Input exists with id value {web_input_id}")
        return _web_input_from_row(row)

    def list_open(self) -> list[WebInput]:
        """Return every web input that waits for an answer, but for those with a bad record."""
        rows = self._store.reader().execute("SELECT * FROM web_inputs WHERE status = ?", (OPEN,))
        found = []
        for row in rows:
            try:
                found.append(_web_input_from_row(row))
            except WebInputUnreadable as error:
                logger.error("%s", error)
        return found

    def page(
        self,
        statuses: Sequence[str],
        flow_ids: Sequence[str],
        run_ids: Sequence[str],
        order: Sequence[tuple[str, bool]],
        offset: int,
        limit: int,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Return a page of summaries, and whether there is more behind it.

        Args:
            statuses: ``open``, ``closed``, or both.
            flow_ids: only those of these flows; of any where empty.
            run_ids: only those of these runs, likewise.
            order: times to sort by, of :data:`TIMES`, and whether the latest comes first; by
                default the newest first.
            offset: how many to leave out.
            limit: how many at most.
        """
        where = ["TRUE"]
        values: list[str] = []
        for column, some in (("status", statuses), ("flow_id", flow_ids), ("run_id", run_ids)):
            if some:
                where.append(f"{column} IN ({','.join('?' * len(some))})")
                values += some
        by = [
            f"iif(json_valid(document), json_extract(document, '$.{name}'), created_timestamp)"
            f" {'DESC' if down else 'ASC'}"
            for name, down in order or [("created_timestamp", True)]
            if name in TIMES
        ]
        rows = self._store.reader().execute(
            f"SELECT * FROM web_inputs WHERE {' AND '.join(where)}"  # noqa: S608 - constants
            f" ORDER BY {', '.join(by)}, rowid DESC LIMIT ? OFFSET ?",
            (*values, limit + 1, offset),
        )
        found = [_summary_of(row) for row in rows]
        return found[:limit], len(found) > limit

    def respond(self, web_input_id: str, option_id: Any) -> WebInput:
        """Close a web input with an answer, and return it.

        Args:
            web_input_id: the web input.
            option_id: id of the option that was chosen.

        Raises:
            NotFound: none has this id.
            StateConflict: it is closed, or its time is over.
            UnknownOption: the answer is none of the options.
        """
        with self._store.transaction() as db:
            asked = self.get(web_input_id, db)
            if asked.document["status"] == CLOSED:
                why = " (nobody answered in time)" if asked.expired else ""
                raise StateConflict(f"Web Input {web_input_id} is closed{why}")
            if time.time() >= asked.expires_at:
                raise StateConflict(f"Web Input {web_input_id} has expired")
            value = asked.values.get(option_id.lower()) if isinstance(option_id, str) else None
            if value is None:
                known = ", ".join(f"{o['option_id']} ({o['label']})" for o in _options(asked))
                raise UnknownOption(f"{option_id!r:.80} is no option_id; there are: {known}")
            return self._close(db, asked, {RESPONSE: value})

    def expire(self, web_input_id: str) -> WebInput | None:
        """Close a web input whose time is over.

        Returns:
            It, where this call closed it; None where it is closed or gone already.
        """
        with self._store.transaction() as db:
            asked = self._find_open(db, web_input_id)
            return self._close(db, asked, _OUTCOME_EXPIRED) if asked else None

    def close(self, web_input_id: str) -> None:
        """Close a web input that nobody waits for any more."""
        with self._store.transaction() as db:
            asked = self._find_open(db, web_input_id)
            if asked is not None:
                self._close(db, asked, {})

    def _close(
        self, db: sqlite3.Connection, asked: WebInput, outcome: Mapping[str, Any]
    ) -> WebInput:
        moment = now()
        times = {"edited_timestamp": moment, "closed_timestamp": moment}
        document = {**asked.document, "status": CLOSED, **times}
        closed = replace(asked, document=document, outcome=outcome)
        db.execute(
            "UPDATE web_inputs SET status = ?, document = ?, outcome = ? WHERE id = ?",
            (CLOSED, json.dumps(document), json.dumps(outcome), closed.id),
        )
        self._store.changes.add_web_input(closed.id)
        return closed

    def _find_open(self, db: sqlite3.Connection, web_input_id: str) -> WebInput | None:
        try:
            asked = self.get(web_input_id, db)
        except (NotFound, WebInputUnreadable):
            return None
        return asked if asked.document["status"] == OPEN else None


def web_input_lifetime() -> float:
    """Return the seconds after which a web input expires, as the environment says it.

    Raises:
        FacilityError: ``HEADRACE_WEB_INPUT_LIFETIME`` is no number of seconds.
    """
    text = os.environ.get(LIFETIME_VARIABLE, str(WEB_INPUT_WAIT_TIME))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 < seconds <= WEB_INPUT_WAIT_TIME:
        raise FacilityError(
            f"{LIFETIME_VARIABLE}={text:.40}: must be a number of seconds, at most a year "
            f"({WEB_INPUT_WAIT_TIME})"
        )
    return seconds


def _web_input_from_row(row: sqlite3.Row) -> WebInput:
    """Return a web input from its row.

    Raises:
        WebInputUnreadable: the row is damaged.
    """
    try:
        document = json.loads(row["document"])
        _summary(document)
        return WebInput(
            document=document,
            values={str(name): str(value) for name, value in _members(row["option_values"])},
            outcome=dict(_members(row["outcome"])) if row["outcome"] else None,
            expires_at=float(row["expires_at"]),
            gives_resource=bool(row["gives_resource"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = terminal_text(f"{type(error).__name__}: {error}")
        raise WebInputUnreadable(
            f"Web Input {row['id']}: its record cannot be read: {reason}"
        ) from error


def _members(text: str) -> Iterable[tuple[str, Any]]:
    members: Iterable[tuple[str, Any]] = json.loads(text).items()
    return members


def _summary_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row's summary; that of one that cannot be read says so in its title."""
    try:
        return _summary(_web_input_from_row(row).document)
    except WebInputUnreadable as error:
        return {
            "title": str(error),
            "id": row["id"],
            "status": row["status"],
            "user_roles": [*ROLES],
            "input_type": INPUT_TYPE.lower(),
            "flow": {"id": row["flow_id"], "title": ""},
            "run": {"id": row["run_id"], "label": None},
            **dict.fromkeys(TIMES, row["created_timestamp"]),
            "closed_timestamp": None,
        }


def _options(asked: WebInput) -> list[dict[str, Any]]:
    options: list[dict[str, Any]] = asked.document["options"]
    return options


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "status", "user_roles", "input_type", "flow", "run")
    title = document["context"]["title"]
    return {"title": title, **{name: document[name] for name in (*names, *TIMES)}}
