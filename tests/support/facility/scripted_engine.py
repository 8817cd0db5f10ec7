"""An engine with a scripted provider: a fake at the border to real work, and nowhere else."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path
from typing import Any

from headrace.facility.engine.engine import Engine
from headrace.facility.errors import ActionRejected
from headrace.facility.identity import Identity
from headrace.facility.providers.base import ProviderBase
from headrace.facility.store.actions import Action, ActionTable
from headrace.facility.store.database import Store
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import RunState
from tests.support.waiting import wait_until

URL = "https://scripted.example/action"


class ScriptedProvider(ProviderBase):
    """Ends nothing by itself: the test says when and how."""

    url = URL

    def __init__(self) -> None:
        self.begun: list[Action] = []
        self.cancelled: list[Action] = []
        self.reject = False

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        if self.reject:
            raise ActionRejected("BadActionRequest", "not like this")

    def begin(self, action: Action) -> None:
        self.begun.append(action)

    def cancel(self, action: Action) -> None:
        self.cancelled.append(action)


class Bench:
    """An engine on a store, that can be stopped and started again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.provider = ScriptedProvider()
        self.open()

    def open(self) -> None:
        self.store = Store(self.path)
        self.engine = Engine(self.store, Identity(str(uuid.uuid4()), "me@here"))
        self.start_engine()

    def start_engine(self) -> None:
        self.engine.start([self.provider])

    def close(self) -> None:
        self.engine.stop()
        self.store.close()

    def start(self, states: dict[str, Any], body: dict[str, Any] | None = None) -> str:
        definition = {"StartAt": next(iter(states)), "States": states}
        flow = FlowTable(self.store).create({"title": "t", "definition": definition})
        return self.engine.start_run(flow, {"body": body or {}}).id

    def run(self, run_id: str) -> Run:
        return RunTable(self.store).get(run_id)

    def position(self, run_id: str) -> RunState:
        return RunTable(self.store).state(self.run(run_id))

    def payload(self, run_id: str) -> dict[str, Any]:
        self.ended(run_id)
        return self.position(run_id).payload.value

    def details(self, run_id: str) -> dict[str, Any]:
        return RunTable(self.store).details(self.ended(run_id))

    def ended(self, run_id: str) -> Run:
        def look() -> Run | None:
            run = self.run(run_id)
            return run if run.completion_time else None

        return wait_until(look, "the end of the run")

    def parked(self, run_id: str) -> dict[str, Any]:
        """Waits until a run is parked, and returns what its document says."""
        wait_until(lambda: self.run(run_id).status == "INACTIVE", "the parking of the run")
        return RunTable(self.store).details(self.run(run_id))

    def action(self, number: int = 0) -> Action:
        wait_until(lambda: len(self.provider.begun) > number, "an action")
        return self.provider.begun[number]

    def codes(self, run_id: str) -> list[str]:
        entries = RunTable(self.store).log_page(run_id, 100).entries
        return [entry.code for entry in entries]


def actions_of(store: Store, run_id: str) -> list[Action]:
    """Returns all actions of a run, in the order of their starts."""
    table = ActionTable(store)
    rows = store.reader().execute(
        "SELECT id FROM actions WHERE run_id = ? ORDER BY start_time, rowid", (run_id,)
    )
    return [action for row in rows.fetchall() if (action := table.get(row["id"])) is not None]


def action_state(**more: Any) -> dict[str, Any]:
    return {"Type": "Action", "ActionUrl": URL, "Parameters": {"a": 1}, "End": True} | more
