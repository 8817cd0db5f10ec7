"""A world of arrivals whose runs end: with limits, failures, holds, moves, and anything may happen.

Besides what `ArrivalsMachine` demands: never are more runs open than the limit; a failed run is
taken up once, and an arrival has no more runs than the trigger says; while the trigger is held
nothing is started; only what succeeded and did not change is moved, and nothing is written over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import rule

from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers import Arrival, Trigger
from headrace.triggers.run_follower import RunFollower
from headrace.triggers.run_service import RunService
from headrace.triggers.tables.afterwards import AfterwardsTable
from headrace.triggers.tables.failure import FailureTable
from headrace.triggers.tables.limits import LimitsTable
from tests.support.triggers.arrivals_machine import NAMES, NUMBERS, ArrivalsMachine
from tests.support.triggers.arrivals_world import INTERVAL
from tests.support.triggers.interrupted_ledger import Killed

LIMIT = 2
ATTEMPTS = 3
BACKOFF = 2.0
NUMBER_OF_ENDS = 12


class RunsMachine(ArrivalsMachine):
    """Runs succeed, fail, are cancelled, deleted and taken up by hand; the service is silent."""

    initial_delay = 0.5

    def __init__(self) -> None:
        # By the ids of runs: how each ended, which one took it up, the tag of its arrival.
        self.ended: dict[str, RunOutcome] = {}
        self.taken_up: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.by_hand: set[str] = set()
        self.started_at: dict[str, float] = {}
        self.silent = False
        self.held = False
        super().__init__()
        self.trigger = replace(
            self.trigger,
            limits=LimitsTable(open_runs=LIMIT, order="number"),
            failure=FailureTable(attempts=ATTEMPTS, backoff=BACKOFF, then="hold"),
            afterwards=AfterwardsTable(move="/done/"),
        )
        self.restart()

    # -- the service

    def service(self) -> RunService:
        return self

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self.may_start()
        run_id = f"run of {tag}"
        disk = self.mounted or 0
        try:
            super().start(trigger, arrival, tag)
        finally:
            if tag in self.runs:
                self.tags[run_id] = tag
                self.started_at[run_id] = self.written[self.lying[disk][arrival.name]]
        return run_id

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, RunOutcome]:
        if self.silent:
            raise ConnectionError("no answer")
        return {run_id: self.ended[run_id] for run_id in run_ids if run_id in self.ended}

    def find_retry(self, run_id: str) -> str | None:
        self.maybe("find")
        if run_id not in self.taken_up:
            return None
        while run_id in self.taken_up:
            run_id = self.taken_up[run_id]
        return run_id

    def retry(self, run_id: str, tag: str) -> str:
        self.may_start()
        self.maybe("before")
        self.demand(run_id not in self.taken_up, "a run is taken up twice")
        self.demand(self.ended[run_id].status == "FAILED", "a run that did not fail is taken up")
        runs = [one for one, its in self.tags.items() if its == tag and one not in self.by_hand]
        self.demand(len(runs) < ATTEMPTS, "too many runs of an arrival")
        self.take_up(run_id)
        self.maybe("after")
        return self.taken_up[run_id]

    def take_up(self, run_id: str) -> str:
        new = self.taken_up[run_id] = f"retry of {run_id}"
        self.tags[new] = self.tags[run_id]
        self.started_at[new] = self.started_at[run_id]
        return new

    def may_start(self) -> None:
        mine = [run_id for run_id in self.open if run_id not in self.by_hand]
        self.demand(len(mine) < LIMIT, "more open runs than the limit")
        self.demand(not self.held, "a start while the trigger is held")

    @property
    def open(self) -> list[str]:
        return [run_id for run_id in self.tags if run_id not in self.ended]

    # -- what happens

    @rule(
        which=NUMBERS,
        status=st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED", "ENDED", "GONE"]),
        by_code=st.booleans(),
    )
    def end_a_run(self, which: int, status: str, by_code: bool) -> None:
        if self.open:
            run_id = self.open[which % len(self.open)]
            cause = "the node was lost" if status == "FAILED" else ""
            self.ended[run_id] = RunOutcome(status, cause, by_code and status == "FAILED")

    @rule(
        name=NAMES,
        status=st.sampled_from(["SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED", "FAILED", "ENDED"]),
        written=st.booleans(),
        moment=st.sampled_from(["", "", "before", "after", "find"]),
        kill=st.booleans(),
        kill_in=st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8]),
    )
    def arrive_run_and_end(
        self, name: str, status: str, written: bool, moment: str, kill: bool, kill_in: int
    ) -> None:
        """A file gets its run, which ends, and what follows is interrupted."""
        if self.mounted is None:
            self.mount(0)
        self.silent = False
        if self.held:
            self.resume()
        if name not in self.lying[self.mounted or 0]:
            self.put(name)
        self.work(4.0)
        if written:
            self.write_in_place()
        for run_id in self.open:
            self.ended[run_id] = RunOutcome(status, "the node was lost" * (status == "FAILED"))
        self.follow(kill_in)
        self.fail(moment, kill=kill)
        self.work(BACKOFF + INTERVAL)

    @rule(which=NUMBERS)
    def take_up_by_hand(self, which: int) -> None:
        failed = [one for one, end in self.ended.items() if end.status == "FAILED"]
        free = [one for one in failed if one not in self.taken_up]
        if free:
            self.by_hand.add(self.take_up(free[which % len(free)]))

    @rule(silent=st.booleans())
    def be_silent(self, silent: bool) -> None:
        self.silent = silent

    @rule(kill_in=st.integers(0, 8))
    def follow(self, kill_in: int = 0) -> None:
        """The watch asks how runs ended, and may be killed before or after a transaction."""
        self.kill_in = kill_in
        follower = RunFollower(
            *(self.trigger, self.ledger, self, lambda event: None), clock=lambda: self.now
        )
        try:
            follower.poll()
        except Killed:
            self.restart()
        self.kill_in = 0
        self.held = self.ledger.runs.pause_reason(self.trigger.name) is not None
        self.see_what_was_moved()

    @rule()
    def resume(self) -> None:
        self.resume_trigger()

    def resume_trigger(self) -> None:
        super().resume_trigger()
        self.held = False

    # -- what is demanded

    def see_what_was_moved(self) -> None:
        """Whatever has gone from the disk was moved, and rightly so; somebody tidies up."""
        disk = self.mounted
        for name, thing in list(self.lying[disk].items()) if disk is not None else ():
            if (self.watched / name).exists():
                continue
            assert disk is not None
            target = self.place / "done" / name
            self.demand(target.exists(), "what was moved is not there")
            runs = [
                run_id
                for run_id, tag in self.tags.items()
                if self.runs.get(tag, ("", 0))[0] == name
                and self.ended.get(run_id, RunOutcome("")).status == "SUCCEEDED"
                and self.started_at[run_id] == self.written[thing]
            ]
            self.demand(bool(runs), "moved without success, or although it has changed")
            kept = Path(tempfile.mkdtemp(dir=self.place)) / name
            target.rename(kept)
            del self.lying[disk][name]
            self.touch(disk)

    def finish(self) -> None:
        """Everything ends well from now on."""
        for _ in range(NUMBER_OF_ENDS):
            for run_id in self.open:
                self.ended[run_id] = RunOutcome("SUCCEEDED")
            self.follow()
            self.resume()
            self.ask_for_the_refused()
            self.work(BACKOFF * 2.0**ATTEMPTS + 3 * INTERVAL)
            if not self.open and not self._left():
                break

    def _left(self) -> bool:
        """Whether something here may still get its run, or be moved."""
        name = self.trigger.name
        waiting = self.ledger.records_without_run(name, self.trigger.collection)
        runs = self.ledger.runs
        return bool(waiting or runs.open_runs(name) or runs.due_afterwards(name))

    def teardown(self) -> None:
        try:
            self.moment, self.kill_in, self.silent = "", 0, False
            for disk in range(len(self.lying)):
                self.mount(disk)
                self.finish()
                self.all_that_lies_here_has_its_run()
            self.no_arrival_has_two_runs()
            self.the_ledger_tells_the_truth()
            assert not self.ledger.runs.open_runs(self.trigger.name)
        finally:
            super().teardown()
