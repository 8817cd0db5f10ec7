"""A world of arrivals, and a person's view of which of them is which, for the property tests.

The model is what a person sees: objects (each file that was ever put is one), the disks they lie
on, and the disk that is mounted now. It has the rules of docs/triggers.md in ten lines. The real
post, ledger and starts work on real files; they learn of the world by looking at it only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from triggers.trigger_files import make_trigger

from headrace.triggers import Arrival, Ledger, StartRefused, Trigger, ask_again
from headrace.triggers.post import Post
from headrace.triggers.starter import Starts

NAMES = st.sampled_from("ab")
DISKS = st.sampled_from("AB")
MOMENTS = st.sampled_from(["", "before", "after", "find", "refused"])
INTERVAL = 1.0
# A file system in memory, where there is one: a property test makes many thousand transactions.
MEMORY = next((place for place in ("/dev/shm",) if os.access(place, os.W_OK)), None)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


class AtOnce:
    """Workers that have no threads."""

    def check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        self.start_run(work, done)

    def start_run(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - as an executor keeps it
            future.set_exception(error)
        done(future)

    def ended(self) -> bool:
        return False


class ArrivalsMachine(RuleBasedStateMachine):
    """Files are put, taken away, brought back; disks change; starts fail, are refused, killed."""

    first_wait = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.place = Path(tempfile.mkdtemp(dir=MEMORY))
        self.trigger = replace(
            make_trigger(self.place, what="file", observer="poll", settle=0.0),
            interval=INTERVAL,
        )
        self.watched = self.trigger.directory
        self.watched.rmdir()
        self.disks = {name: self.place / f"disk_{name}" for name in "AB"}
        for disk in self.disks.values():
            disk.mkdir()
        self.mounted: str | None = None
        self.lying: dict[str, dict[str, int]] = {"A": {}, "B": {}}  # name -> object
        self.aside: list[tuple[Path, str, int]] = []  # where, name, object
        self.known: dict[str, dict[str, tuple[int, int]]] = {"A": {}, "B": {}}  # object, arrival
        self.objects = self.arrivals = 0
        self.runs: dict[str, int] = {}  # tag -> arrival
        self.moment = ""
        self.kill = False
        self.now = 0.0
        self.ledger = Ledger(self.place / "ledger.db")
        self.post = self.new_post()
        self.mount("A")

    def teardown(self) -> None:
        self.post.close()
        self.ledger.close()
        shutil.rmtree(self.place)

    # -- what a person sees

    def here(self) -> Path:
        return self.watched if self.mounted else self.place / "nowhere"

    def mount(self, name: str | None) -> None:
        if self.mounted:
            self.watched.rename(self.disks[self.mounted])
        self.mounted = name
        if name:
            self.disks[name].rename(self.watched)

    def look(self) -> None:
        """What a look at the mounted disk teaches: the rules of docs/triggers.md."""
        disk = self.mounted
        if disk is None:
            return
        before, self.known[disk] = self.known[disk], {}
        for name, thing in self.lying[disk].items():
            arrival = None
            if before.get(name, (0, 0))[0] == thing:
                arrival = before[name][1]
            for other, known in self.known.items():
                if other != disk and known.get(name, (0, 0))[0] == thing:
                    arrival = known.pop(name)[1]
            if arrival is None:
                self.arrivals += 1
                arrival = self.arrivals
            self.known[disk][name] = (thing, arrival)

    # -- the services

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self.maybe("before")
        if self.moment == "refused":
            self.moment = ""
            raise StartRefused("the input does not fit")
        assert self.mounted
        thing, number = self.known[self.mounted][arrival.name]
        assert self.lying[self.mounted].get(arrival.name) == thing, "a run on another file"
        assert tag not in self.runs
        self.runs[tag] = number
        self.maybe("after")
        return f"run of {tag}"

    def find(self, tag: str, since: datetime) -> str | None:
        self.maybe("find")
        return f"run of {tag}" if tag in self.runs else None

    def maybe(self, moment: str) -> None:
        if moment == self.moment:
            self.moment = ""
            raise Killed if self.kill else ConnectionError(moment)

    # -- what works

    def new_post(self) -> Post:
        starts = Starts(
            self.ledger, self, lambda event: None, first_wait=self.first_wait, longest_wait=8.0
        )
        clock = lambda: self.now  # noqa: E731 - a clock that stands
        return Post(
            self.trigger, self.ledger, starts, AtOnce(), lambda e: None, lambda n, w: None, clock
        )

    def work(self, seconds: float) -> None:
        """The post works until so much later; a kill ends it, and another one begins."""
        end = self.now + seconds
        try:
            while True:
                when = self.post.agenda.next_time
                self.now = max(self.now, min(end, when if when is not None else end))
                task = self.post.agenda.take(self.now)
                if task is None:
                    break
                if task[0] == "directory":
                    self.look()
                self.post.do(task)
        except Killed:
            self.restart()
        self.now = end

    def restart(self) -> None:
        self.post.close()
        self.ledger.close()
        self.ledger = Ledger(self.place / "ledger.db")
        self.post = self.new_post()

    # -- what happens

    @rule(name=NAMES)
    def put(self, name: str) -> None:
        """A file is put where disks are mounted, in place of the last one if there is one."""
        if not self.mounted:
            return
        target, lying = self.here() / name, self.lying[self.mounted]
        self.objects += 1
        new = self.place / f"new_{self.objects}"
        new.write_text("data")
        if name in lying:
            # Kept, so that its inode number is not used again where births are not told.
            target.rename(self.place / f"old_{self.objects}")
        new.rename(target)
        lying[name] = self.objects

    @precondition(lambda self: self.mounted and self.lying[self.mounted])
    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        assert self.mounted
        lying = self.lying[self.mounted]
        name = data.draw(st.sampled_from(sorted(lying)))
        self.objects += 1
        away = self.place / f"away_{self.objects}"
        (self.here() / name).rename(away)
        self.aside.append((away, name, lying.pop(name)))

    @precondition(lambda self: self.mounted and self.aside)
    @rule(data=st.data())
    def bring_back(self, data: st.DataObject) -> None:
        """The same file returns, to the disk that it came from or to the other one."""
        assert self.mounted
        number = data.draw(st.integers(0, len(self.aside) - 1))
        away, name, thing = self.aside[number]
        if name in self.lying[self.mounted]:
            return
        del self.aside[number]
        away.rename(self.here() / name)
        self.lying[self.mounted][name] = thing

    @precondition(lambda self: self.mounted and self.lying[self.mounted])
    @rule()
    def write_in_place(self) -> None:
        assert self.mounted
        for name in self.lying[self.mounted]:
            with (self.here() / name).open("a") as stream:
                stream.write("more")

    @rule(disk=st.sampled_from([None, "A", "B"]))
    def change_disk(self, disk: str | None) -> None:
        self.mount(disk)

    @rule(looks=st.integers(1, 3))
    def watch_undisturbed(self, looks: int) -> None:
        self.work(looks * INTERVAL + 0.3)

    @rule(moment=MOMENTS, kill=st.booleans(), looks=st.integers(0, 3))
    def watch(self, moment: str, kill: bool, looks: int) -> None:
        """The watcher works for a while, and one thing may go wrong."""
        self.moment, self.kill = moment, kill
        self.work(looks * INTERVAL + 0.3)
        self.moment = ""

    @rule()
    def begin_again(self) -> None:
        self.restart()

    @rule()
    def ask_for_the_refused(self) -> None:
        refused = [record.id for record in self.ledger.records() if record.state == "refused"]
        ask_again(self.place / "ledger.db", refused)

    @invariant()
    def no_arrival_has_two_runs(self) -> None:
        self.steps += 1
        assert len(self.runs) == len(set(self.runs.values()))


class EveryArrivalGetsItsRun(ArrivalsMachine):
    """As above; after each step what lies there gets its run, once nothing goes wrong any more."""

    @invariant()
    def what_lies_there_has_its_run(self) -> None:
        if self.mounted is None:
            return
        self.ask_for_the_refused()
        self.work(12.0)
        arrivals = {arrival for _, arrival in self.known[self.mounted].values()}
        assert set(self.known[self.mounted]) == set(self.lying[self.mounted])
        assert arrivals <= set(self.runs.values())


class FailuresLieForLong(ArrivalsMachine):
    """As above, but only in the end everything may succeed, and attempts are far apart."""

    first_wait = 5.0

    def teardown(self) -> None:
        try:
            for disk in "AB":
                self.mount(disk)
                self.ask_for_the_refused()
                self.work(30.0)
                arrivals = {arrival for _, arrival in self.known[disk].values()}
                assert arrivals <= set(self.runs.values())
            self.no_arrival_has_two_runs()
            for record in self.ledger.records():
                assert (record.run_id is not None) == (record.tag in self.runs), record
        finally:
            super().teardown()
