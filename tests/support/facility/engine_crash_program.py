"""A process with an engine that kills itself at a commit; run as a script by the tests.

    python engine_crash_program.py

It reads lines ``{"directory": ..., "at": ..., "when": "before" | "after"}``, runs each in a process
of its own, a fork of this one, which has imported the engine and done nothing yet, and answers with
that process's exit code, output and errors. ``at`` is the number of the commit; 0: no kill.
What the providers do to the world outside is noted in ``effects`` in the directory, a line each,
flushed before they answer: what a kill cannot take back.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sqlite3
import sys
import time
import traceback
import uuid
from pathlib import Path
from typing import Any

from headrace.facility.engine.engine import Engine
from headrace.facility.engine.run_retry import Retry
from headrace.facility.engine.run_starter import StartOutcome
from headrace.facility.identity import Identity
from headrace.facility.providers.base import ProviderBase
from headrace.facility.store.actions import Action, ActionResult
from headrace.facility.store.database import Store
from headrace.facility.store.flows import FlowTable, StoredFlow
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import SuppliedResult, replay

URL = "https://provider.example"

CATCH = {"ErrorEquals": ["ActionFailedException"], "ResultPath": "$.e", "Next": "Mend"}
FLOW: dict[str, Any] = {
    "StartAt": "Count",
    "States": {
        "Count": {
            "Type": "ExpressionEval",
            "Parameters": {"i.=": "count.i + 1"},
            "ResultPath": "$.count",
            "Next": "Now",
        },
        "Now": {
            "Type": "Action",
            "ActionUrl": f"{URL}/now",
            "Parameters": {"i.$": "$.count.i"},
            "ResultPath": "$.now",
            "Next": "Later",
        },
        "Later": {
            "Type": "Action",
            "ActionUrl": f"{URL}/later",
            "Parameters": {"i.$": "$.count.i"},
            "ResultPath": "$.later",
            "Next": "More",
        },
        "More": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.count.i", "NumericLessThan": 2, "Next": "Count"}],
            "Default": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 0, "Next": "Fails"},
        "Fails": {
            "Type": "Action",
            "ActionUrl": f"{URL}/fails",
            "Parameters": {},
            "ResultPath": "$.never",
            "Catch": [
                {"ErrorEquals": ["ActionFailedException"], "ResultPath": "$.e", "Next": "Mend"}
            ],
            "Next": "Mend",
        },
        "Mend": {
            "Type": "Pass",
            "Parameters": {"i.$": "$.count.i"},
            "ResultPath": "$.mended",
            "End": True,
        },
    },
}
# Ends as failed, to be taken up again.
BROKEN: dict[str, Any] = {
    "StartAt": "Fails",
    "States": {
        "Fails": {"Type": "Action", "ActionUrl": f"{URL}/fails", "Parameters": {}, "Next": "End"},
        "End": {"Type": "Pass", "End": True},
    },
}


class Provider(ProviderBase):
    """Notes what it does, and answers at once, later, or with a failure."""

    def __init__(self, kind: str, directory: Path, engine: Engine) -> None:
        self.url = f"{URL}/{kind}"
        self._kind = kind
        self._effects = directory / "effects"
        self._engine = engine

    def _note(self, what: str, action: Action) -> None:
        with self._effects.open("a") as stream:
            stream.write(f"{what} {action.id} {action.run_id} {action.state_name}\n")
            stream.flush()
            os.fsync(stream.fileno())

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def accept(self, db: sqlite3.Connection, action: Action) -> ActionResult | None:
        return ActionResult("SUCCEEDED", {"i": action.body["i"]}) if self._kind == "now" else None

    def begin(self, action: Action) -> None:
        self._note("begun", action)
        status = "FAILED" if self._kind == "fails" else "SUCCEEDED"
        details = {"did": action.state_name, **action.body}
        self._engine.call_later(
            action.id, 0.0, lambda: self._engine.finish_action(action.id, status, details)
        )

    def cancel(self, action: Action) -> None:
        self._note("cancelled", action)


def crash_at(number: int, when: str) -> None:
    """Has this process killed at one of its commits."""
    true_commit = Store.commit
    done = 0

    def commit(self: Store) -> None:
        nonlocal done
        done += 1
        if done == number and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        true_commit(self)
        if done == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    Store.commit = commit  # type: ignore[method-assign]


def run_all(directory: Path) -> None:
    """Starts what was not started yet, and runs everything to its end."""
    store = Store(directory / "facility.db")
    engine = Engine(store, Identity(str(uuid.UUID(int=1)), "me@here"))
    kinds = ("now", "later", "fails")
    engine.start([Provider(kind, directory, engine) for kind in kinds])
    flows, runs = FlowTable(store), RunTable(store)
    known = {flow.title: flow for flow in flows.list_readable()}
    for title, definition in (("whole", FLOW), ("broken", BROKEN)):
        if title not in known:
            known[title] = flows.create({"title": title, "definition": definition})
    wanted = {}
    for number in range(2):
        body = {"body": {"count": {"i": 0}}}
        wanted[f"whole {number}"] = start(engine, known["whole"], body, f"whole {number}")
        with (directory / "answered").open("a") as stream:
            stream.write(f"{wanted[f'whole {number}'].id}\n")
    wanted["broken"] = engine.start_run(known["broken"], {"body": {"x": 1}}, "broken")
    to_the_end(runs, wanted["broken"].id)
    retry = Retry(given_output=SuppliedResult({"by": "hand"}), request_id="retry")
    wanted["retry"] = engine.changes.retry_run(wanted["broken"].id, retry)
    for run in wanted.values():
        to_the_end(runs, run.id)
    print(json.dumps({name: told(store, runs, run.id) for name, run in wanted.items()}))
    engine.stop()
    store.close()


def start(engine: Engine, flow: StoredFlow, request: dict[str, Any], name: str) -> Run:
    """Have a run started as the API does, and return it."""
    answers: queue.SimpleQueue[StartOutcome] = queue.SimpleQueue()
    engine.starter.add(flow, request, name, answers.put)
    return answers.get().stored_run


def to_the_end(runs: RunTable, run_id: str) -> None:
    """Waits until a run has ended."""
    while runs.get(run_id).completion_time is None:
        time.sleep(0.001)


def told(store: Store, runs: RunTable, run_id: str) -> dict[str, Any]:
    """Returns what is to be the same whatever was killed."""
    run = runs.get(run_id)
    position = runs.state(run)
    db = store.reader()
    if replay(runs.event_log.events(db, run.number)) != position:
        raise SystemExit(f"{run_id}: the events do not replay to the position")
    actions = db.execute(
        "SELECT state_name, status, id FROM actions WHERE run_id = ? ORDER BY rowid", (run_id,)
    ).fetchall()
    return {
        "status": run.status,
        "payload": without_ids(position.payload.value),
        "codes": [entry.code for entry in runs.log_entries(run)],
        "actions": [[row["state_name"], row["status"]] for row in actions],
        "ids": [row["id"] for row in actions],
    }


def without_ids(value: Any) -> Any:
    """Returns a payload without what differs from run to run."""
    if isinstance(value, dict):
        names = ("action_id", "start_time", "completion_time")
        return {key: without_ids(item) for key, item in value.items() if key not in names}
    return value


def run_in_child(directory: Path, at: int, when: str) -> dict[str, Any]:
    """Run everything in a fork of this process; its exit code and what it wrote."""
    written = {name: directory.parent / f"{directory.name}.{name}" for name in ("out", "err")}
    child = os.fork()
    if child == 0:
        for number, path in zip((1, 2), written.values(), strict=True):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        code = 1
        try:
            if at:
                crash_at(at, when)
            run_all(directory)
            code = 0
        except BaseException:  # noqa: BLE001 - the answer shows it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    texts = {name: path.read_text() for name, path in written.items()}
    return {"code": os.waitstatus_to_exitcode(status), **texts}


def main() -> None:
    """Answer each line with what a run came to."""
    for line in sys.stdin:
        wanted = json.loads(line)
        answer = run_in_child(Path(wanted["directory"]), wanted["at"], wanted["when"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
