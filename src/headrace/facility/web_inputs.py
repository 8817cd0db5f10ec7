"""Questions that runs put to people, in the store."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Sequence
from typing import Any, Final

from headrace.facility.clock import now
from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store import Store
from headrace.flowlang.web_inputs import (
    INPUT_TYPE,
    RESPONDENT,
    RESPONSE,
    TEXT_STYLE,
    input_schema,
    options_of,
)

OPEN: Final = "open"
CLOSED: Final = "closed"


class UnknownOption(StateConflict):
    """An answer that is none of the options."""


class WebInputs:
    """The web inputs in a store.

    Args:
        store: the store.
        identity: who works here, and may answer everything.
    """

    def __init__(self, store: Store, identity: Identity) -> None:
        self._store = store
        self._identity = identity

    def create(self, db: sqlite3.Connection, run_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Stores a new web input in the given transaction, and returns its document.

        Args:
            db: the transaction.
            run_id: the run that asks.
            body: what it asks; checked already.
        """
        run = db.execute(
            "SELECT flow_id, flow_title, label FROM runs WHERE id = ?", (run_id,)
        ).fetchone()
        moment = now()
        roles = body.get("roles") or {}
        document = {
            "id": str(uuid.uuid4()),
            "status": OPEN,
            "user_roles": ["viewer", "respondent"],
            "input_type": INPUT_TYPE,
            "input_schema": input_schema(body),
            "context": {"presentation_style": TEXT_STYLE, **body["context"]},
            "options": options_of(body),
            "roles": {
                "viewer_urns": list(roles.get("viewer_urns") or []),
                "respondent_urns": list(roles.get("respondent_urns") or []),
            },
            "creator_urn": self._identity.urn,
            "flow": {"id": run["flow_id"], "title": run["flow_title"]},
            "run": {"id": run_id, "label": run["label"]},
            "created_timestamp": moment,
            "edited_timestamp": moment,
            "closed_timestamp": None,
        }
        db.execute(
            "INSERT INTO web_inputs VALUES (?,?,?,?,?,?)",
            (document["id"], run_id, run["flow_id"], OPEN, moment, json.dumps(document)),
        )
        return document

    def get(self, web_input_id: str, db: sqlite3.Connection | None = None) -> dict[str, Any]:
        """Returns a web input.

        Raises:
            NotFound: none has this id.
        """
        row = (
            (db or self._store.reader())
            .execute("SELECT document FROM web_inputs WHERE id = ?", (web_input_id,))
            .fetchone()
        )
        if row is None:
            raise NotFound(f"No Web Input exists with id value {web_input_id}")
        document: dict[str, Any] = json.loads(row["document"])
        return document

    def page(
        self,
        statuses: Sequence[str],
        flow_ids: Sequence[str],
        run_ids: Sequence[str],
        offset: int,
        limit: int,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Returns a page of summaries, the newest first, and whether there is more behind it.

        Args:
            statuses: ``open``, ``closed``, or both.
            flow_ids: only those of these flows; of any where empty.
            run_ids: only those of these runs, likewise.
            offset: how many to leave out.
            limit: how many at most.
        """
        where = ["TRUE"]
        values: list[str] = []
        for column, some in (("status", statuses), ("flow_id", flow_ids), ("run_id", run_ids)):
            if some:
                where.append(f"{column} IN ({','.join('?' * len(some))})")
                values += some
        rows = self._store.reader().execute(
            f"SELECT document FROM web_inputs WHERE {' AND '.join(where)}"  # noqa: S608 - question marks only
            " ORDER BY created_timestamp DESC, rowid DESC LIMIT ? OFFSET ?",
            (*values, limit + 1, offset),
        )
        found = [_summary(json.loads(row["document"])) for row in rows]
        return found[:limit], len(found) > limit

    def respond(self, web_input_id: str, value: Any) -> dict[str, Any]:
        """Closes a web input with an answer, and returns it.

        Raises:
            NotFound: none has this id.
            StateConflict: it is closed.
            UnknownOption: the answer is none of the options.
        """
        with self._store.transaction() as db:
            document = self.get(web_input_id, db)
            if document["status"] == CLOSED:
                raise StateConflict(f"Web Input {web_input_id} is closed")
            known = [option["option_id"] for option in document["options"]]
            if value not in known:
                raise UnknownOption(f"{value!r} is none of the options: {', '.join(known)}")
            answer = {RESPONSE: {"value": value}, RESPONDENT: self._identity.urn}
            return _close(db, document, answer)

    def close(self, web_input_id: str) -> None:
        """Closes a web input that nobody waits for any more."""
        with self._store.transaction() as db:
            document = self.get(web_input_id, db)
            if document["status"] == OPEN:
                _close(db, document, {})


def _close(
    db: sqlite3.Connection, document: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    moment = now()
    closed = {
        **document,
        **answer,
        "status": CLOSED,
        "edited_timestamp": moment,
        "closed_timestamp": moment,
    }
    db.execute(
        "UPDATE web_inputs SET status = ?, document = ? WHERE id = ?",
        (CLOSED, json.dumps(closed), document["id"]),
    )
    return closed


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "status", "user_roles", "input_type", "flow", "run")
    times = ("created_timestamp", "edited_timestamp", "closed_timestamp")
    title = document["context"]["title"]
    return {"title": title, **{name: document[name] for name in (*names, *times)}}
