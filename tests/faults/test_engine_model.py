"""Random starts, answers, cancellations, retries and kills, against a model of a few lines."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headrace.facility.engine.run_retry import Retry
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import SuppliedResult, replay
from tests.support.facility.scripted_engine import URL, Bench
from tests.support.waiting import wait_until

STEP = {"Type": "Action", "ActionUrl": URL, "Parameters": {}}
STATES: dict[str, Any] = {
    "First": {**STEP, "ResultPath": "$.first", "Next": "Between"},
    "Between": {"Type": "Pass", "Result": {"between": True}, "ResultPath": "$.b", "Next": "Second"},
    "Second": {**STEP, "ResultPath": "$.second", "End": True},
}


class EngineMachine(RuleBasedStateMachine):
    """The model: where each run stands, and how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.bench = Bench(self.directory / "facility.db")
        self.where: dict[str, str] = {}
        self.kills = 0

    def teardown(self) -> None:
        self.bench.close()
        shutil.rmtree(self.directory)

    def action_of(self, run_id: str) -> str:
        def look() -> str | None:
            position = self.bench.position(run_id)
            return position.action_id if position.state == self.where[run_id] else None

        return wait_until(look, f"the action of {self.where[run_id]}")

    def chosen(self, data: st.DataObject) -> str:
        return self.one_of(data, [run for run, where in self.where.items() if where in STATES])

    @staticmethod
    def one_of(data: st.DataObject, runs: list[str]) -> str:
        # By number: ids are others each time.
        return runs[data.draw(st.integers(0, len(runs) - 1))]

    @rule()
    def start(self) -> None:
        self.where[self.bench.start(STATES, {"x": 1})] = "First"

    @precondition(lambda self: any(w in STATES for w in self.where.values()))
    @rule(data=st.data(), well=st.booleans(), twice=st.booleans())
    def answer(self, data: st.DataObject, well: bool, twice: bool) -> None:
        run_id = self.chosen(data)
        action = self.action_of(run_id)
        for _ in range(1 + twice):
            self.bench.engine.finish_action(action, "SUCCEEDED" if well else "FAILED", {})
        following = {"First": "Second", "Second": "ok"}
        self.where[run_id] = following[self.where[run_id]] if well else "no"

    @precondition(lambda self: any(w in STATES for w in self.where.values()))
    @rule(data=st.data(), blocked=st.booleans())
    def block(self, data: st.DataObject, blocked: bool) -> None:
        run_id = self.chosen(data)
        self.bench.engine.block_action(self.action_of(run_id), {"code": "X"}, blocked)

    @precondition(lambda self: any(w in STATES for w in self.where.values()))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run_id = self.chosen(data)
        self.bench.engine.changes.cancel_run(run_id)
        self.where[run_id] = "no"

    @precondition(lambda self: "no" in self.where.values())
    @rule(data=st.data(), by_hand=st.booleans())
    def retry(self, data: st.DataObject, by_hand: bool) -> None:
        old = self.one_of(data, [run for run, where in self.where.items() if where == "no"])
        state = self.bench.position(old).state
        new = self.bench.engine.changes.retry_run(
            old, Retry(given_output=SuppliedResult({}) if by_hand else None)
        )
        following = {"First": "Second", "Second": "ok"}
        self.where[new.id] = following[state] if by_hand else state

    @precondition(lambda self: self.kills < 4)
    @rule()
    def kill(self) -> None:
        # What lies on the disk at this moment is what a kill leaves.
        self.kills += 1
        left = self.directory / f"left{self.kills}"
        left.mkdir()
        with self.bench.store.transaction():
            for file in self.bench.path.parent.glob("facility.db*"):
                shutil.copy(file, left / file.name)
        self.bench.close()
        self.bench.path = left / "facility.db"
        self.bench.open()

    @invariant()
    def runs_are_where_the_model_has_them(self) -> None:
        runs = RunTable(self.bench.store)
        db = self.bench.store.reader()
        for run_id, where in self.where.items():
            if where in STATES:
                self.action_of(run_id)
            else:
                status = self.bench.ended(run_id).status
                assert status == {"ok": "SUCCEEDED", "no": "FAILED"}[where]
            run = self.bench.run(run_id)
            position = replay(runs.event_log.events(db, run.number))
            assert position == runs.state(run)
            assert run.status == position.status


EngineMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestEngine = EngineMachine.TestCase
