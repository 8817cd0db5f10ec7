"""A world of arrivals, and a person's view of which of them is which, for the property tests.

The model is what a person sees: things (each file that was ever put is one), the disks they lie
on, and the disk that is mounted now. It has the rules of docs/triggers.md in a few lines (`look`).
The real watcher, ledger and launcher work on real files, and learn of the world by looking only.

What a person demands is checked at every request to start a run, and after every step: the run is
for the thing that lies there, which is complete, for the arrival that it is now, and is the first
one of this arrival. In the end every arrival that lies on a disk has its run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headrace.triggers import (
    Arrival,
    Identity,
    Ledger,
    Record,
    StartRefused,
    Trigger,
    retry_refused,
)
from headrace.triggers.arrival import identify
from headrace.triggers.directory_watcher import DirectoryWatcher
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.tasks import Task
from tests.support.triggers.trigger_watch import make_trigger

NAMES = st.sampled_from("ab")
NUMBERS = st.integers(0, 5)
# What goes wrong at the next start: the request or its answer is lost, the search for it fails.
MOMENTS = st.sampled_from(["before", "before", "after", "find", "refused"])
INTERVAL = 1.0
SETTLE = 0.4
MAXIMUM_DELAY = 8.0
DISKS = 4
# The clock of the coarsest file system in use ticks so often (s).
TICK = 2.0


def _memory() -> str | None:
    """A file system in memory that tells births: a property test makes many transactions."""
    place = "/dev/shm"
    if not os.access(place, os.W_OK):
        return None
    with tempfile.NamedTemporaryFile(dir=place) as file:
        return place if identify(file.name).born else None


MEMORY = _memory()


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


class ImmediateWorkers:
    """Workers that have no threads."""

    def submit_check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        self.submit_start(work, done)

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        future: Future[Any] = Future()
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - as an executor keeps it
            future.set_exception(error)
        done(future)

    def is_stopping(self) -> bool:
        return False


class InterruptedLedger(Ledger):
    """A ledger before and after whose every change something may happen."""

    def __init__(self, path: Path, world: ArrivalsMachine) -> None:
        self._world = world
        super().__init__(path)

    def add_root(
        self,
        trigger: str,
        collection: str,
        folder: str,
        root: str,
        skip: Iterable[tuple[str, Identity]] = (),
    ) -> None:
        self._world.between_steps()
        super().add_root(trigger, collection, folder, root, skip)
        self._world.between_steps()

    def record_seen(
        self,
        trigger: str,
        collection: str,
        root: str,
        entries: Iterable[tuple[str, Identity]],
    ) -> list[Record]:
        self._world.between_steps()
        records = super().record_seen(trigger, collection, root, entries)
        self._world.between_steps()
        return records

    def mark_missing(self, ids: Iterable[int]) -> None:
        self._world.between_steps()
        super().mark_missing(ids)
        self._world.between_steps()

    def mark_starting(self, id_: int) -> Record:
        self._world.meanwhile("begin", self.get(id_))
        self._world.attempted(self.get(id_))
        return self._changed(super().mark_starting, id_)

    def mark_started(self, id_: int, run_id: str) -> Record:
        self._world.meanwhile("answer", self.get(id_))
        return self._changed(super().mark_started, id_, run_id)

    def mark_failed(self, id_: int, reason: str) -> Record:
        return self._changed(super().mark_failed, id_, reason)

    def mark_refused(self, id_: int, reason: str) -> Record:
        return self._changed(super().mark_refused, id_, reason)

    def mark_removed(self, id_: int) -> Record:
        self._world.between_steps()
        record = super().mark_removed(id_)
        self._world.found_gone(record)
        self._world.between_steps()
        return record

    def _changed(self, change: Callable[..., Record], *values: Any) -> Record:
        self._world.between_steps()
        record = change(*values)
        self._world.between_steps()
        return record


class ArrivalsMachine(RuleBasedStateMachine):
    """Files are put, taken away, brought back; disks change; starts fail, are refused, killed."""

    initial_delay = 0.25

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.place = Path(tempfile.mkdtemp(dir=MEMORY))
        self.trigger = replace(
            make_trigger(self.place, what="file", observer="poll", settle=SETTLE),
            interval=INTERVAL,
        )
        self.watched = self.trigger.directory
        self.watched.rmdir()
        # What lies where: for each disk, things by name.
        self.lying: list[dict[str, int]] = []
        self.aside: list[tuple[Path, str, int]] = []  # where, name, thing
        self.written: dict[int, float] = {}  # when a thing was last written to
        self.things = 0
        self.now = 0.0
        # What was seen where: for each disk, things and the numbers of their arrivals by name.
        self.known: list[dict[str, tuple[int, int]]] = []
        self.arrivals = dict.fromkeys("ab", 0)
        self.mounted: int | None = None
        self.attended: int | None = None  # the disk that the watcher follows
        self.changed = False
        # Runs and requests: the arrival (name and number) by tag.
        self.runs: dict[str, tuple[str, int]] = {}
        self.asked: dict[str, tuple[str, int]] = {}
        self.wrong: list[str] = []
        self.moment = ""
        self.kill = False
        self.kill_in = 0
        self.mean: tuple[str, str] = ("", "")
        self.looking = False
        self.ledger = InterruptedLedger(self.place / "ledger.db", self)
        self.watcher = self.new_watcher()
        self.new_disk()
        self.new_disk()
        self.mount(0)

    def teardown(self) -> None:
        self.watcher.close()
        self.ledger.close()
        shutil.rmtree(self.place)

    # -- the world

    def folder(self, disk: int) -> Path:
        return self.watched if disk == self.mounted else self.place / f"disk_{disk}"

    def new_disk(self) -> int:
        disk = len(self.lying)
        self.folder(disk).mkdir()
        self.lying.append({})
        self.known.append({})
        return disk

    def mount(self, disk: int | None) -> None:
        if self.mounted is not None:
            self.watched.rename(self.place / f"disk_{self.mounted}")
        self.mounted = None
        if disk is not None:
            self.folder(disk).rename(self.watched)
        self.mounted = disk
        self.changed = True

    def new_thing(self, where: Path) -> int:
        self.things += 1
        where.write_text("data")
        self.written[self.things] = self.now
        return self.things

    def touch(self, disk: int) -> None:
        """The directory's time of change is told by the coarsest of clocks."""
        moment = int(self.now // TICK * TICK)
        os.utime(self.folder(disk), (moment, moment))
        self.changed = True

    def lay(self, disk: int, name: str, path: Path, thing: int) -> None:
        """A file appears under a name, in place of the last one if there is one."""
        target = self.folder(disk) / name
        if name in self.lying[disk]:
            # Kept, so that its inode number is not used again where births are not told.
            self.put_aside(disk, name)
        path.rename(target)
        self.lying[disk][name] = thing
        self.touch(disk)

    def put_aside(self, disk: int, name: str) -> None:
        away = self.place / f"away_{len(self.aside)}_{self.things}_{os.urandom(4).hex()}"
        (self.folder(disk) / name).rename(away)
        self.aside.append((away, name, self.lying[disk].pop(name)))
        self.touch(disk)

    def some_disk(self, number: int) -> int:
        """The mounted disk, mostly."""
        if self.mounted is not None and number < DISKS:
            return self.mounted
        return number % len(self.lying)

    # -- what a person sees

    def look(self, names: str = "ab") -> None:
        """What a look at the mounted disk teaches: the rules of docs/triggers.md."""
        disk = self.attended = self.mounted
        if disk is None:
            return
        for name in names:
            thing = self.lying[disk].get(name)
            before, number = self.known[disk].pop(name, (None, 0))
            if thing is None:
                continue
            if before != thing:
                number = 0
                for other, known in enumerate(self.known):
                    if other != disk and known.get(name, (None, 0))[0] == thing:
                        number = known.pop(name)[1]
            if not number:
                self.arrivals[name] += 1
                number = self.arrivals[name]
            self.known[disk][name] = (thing, number)

    def found_gone(self, record: Record) -> None:
        """An attempt to start its run has found an arrival gone: that is a look, too."""
        name = record.path.rpartition("/")[2]
        for disk, known in enumerate(self.known):
            thing, number = known.get(name, (None, 0))
            if number == record.generation:
                self.demand(disk == self.mounted, "given up, although its disk is away")
                self.demand(self.lying[disk].get(name) != thing, "given up, although it is there")
                del known[name]

    # -- the services

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        disk = self.mounted
        self.demand(disk is not None, "a run on a file of a disk that is away")
        thing = self.lying[disk or 0].get(arrival.name, 0)
        self.demand(thing != 0, "a run on a file that is not there")
        # It may have moved along with its directory, and nobody has looked since.
        seen = [known.get(arrival.name, (0, 0)) for known in self.known]
        self.demand((thing, arrival.generation) in seen, "a run for another file or arrival")
        self.asked[tag] = (arrival.name, arrival.generation)
        self.maybe("before")
        if self.moment == "refused":
            self.moment = ""
            raise StartRefused("the input does not fit")
        self.demand(tag not in self.runs, "a second run")
        self.runs[tag] = self.asked[tag]
        self.maybe("after")
        return f"run of {tag}"

    def attempted(self, record: Record) -> None:
        """An attempt begins: before the first one its file must be complete."""
        name = record.path.rpartition("/")[2]
        for known in self.known:
            thing, number = known.get(name, (0, 0))
            if number == record.generation and record.state == "seen":
                quiet = self.now - self.written[thing]
                self.demand(quiet >= SETTLE, "a run on an incomplete file")

    def demand(self, true: bool, otherwise: str) -> None:
        """What is demanded where an exception would be taken for a failed attempt."""
        if not true:
            self.wrong.append(otherwise)
            raise AssertionError(otherwise)

    def find(self, tag: str, since: datetime) -> str | None:
        record = self.ledger.find_by_tag(tag)
        assert record is not None
        self.meanwhile("find", record)
        self.maybe("find")
        return f"run of {tag}" if tag in self.runs else None

    def maybe(self, moment: str) -> None:
        if moment == self.moment:
            self.moment = ""
            raise Killed if self.kill else ConnectionError(moment)

    def between_steps(self) -> None:
        """Called before and after each transaction."""
        if self.kill_in:
            self.kill_in -= 1
            if not self.kill_in:
                raise Killed

    def meanwhile(self, moment: str, record: Record) -> None:
        """Something is done by somebody else, and seen, while a run is being started."""
        if moment != self.mean[0] or self.looking or self.mounted is None:
            return
        what, self.mean = self.mean[1], ("", "")
        name = record.path.rpartition("/")[2]
        if what == "leave":
            self.mount(None)
        elif name in self.lying[self.mounted]:
            self.put_aside(self.mounted, name)
            if what == "return":
                self.glance()
                self.bring_back(len(self.aside) - 1, 0)
        self.glance()

    # -- what works

    def new_watcher(self) -> DirectoryWatcher:
        launcher = RunLauncher(
            self.ledger,
            self,
            lambda event: None,
            initial_delay=self.initial_delay,
            maximum_delay=MAXIMUM_DELAY,
        )
        clock = lambda: self.now  # noqa: E731 - a clock that stands
        return DirectoryWatcher(
            self.trigger,
            self.ledger,
            launcher,
            ImmediateWorkers(),
            lambda e: None,
            lambda n, w: None,
            clock,
        )

    def glance(self) -> None:
        """The watcher looks at the directory, and at each thing in it."""
        self.look()
        self.changed = False
        self.looking = True
        self.watcher.run_task(("directory", ""))
        for name in "ab":
            self.watcher.run_task(("arrival", name))
        self.looking = False

    def do(self, task: Task) -> None:
        if task[0] == "directory" or (task[0] == "arrival" and self.changed):
            self.glance()
        if task[0] != "directory":
            self.watcher.run_task(task)

    def work(self, seconds: float, tasks: int = 1000) -> None:
        """The watcher works until so much later; a kill ends it, and another one begins."""
        end = self.now + seconds
        try:
            for _ in range(tasks):
                when = self.watcher.queue.next_time
                self.now = max(self.now, min(end, when if when is not None else end))
                task = self.watcher.queue.pop_due(self.now)
                if task is None:
                    break
                self.do(task)
            else:
                end = self.now
        except Killed:
            self.restart()
        self.now = end

    def restart(self) -> None:
        self.kill_in = 0
        self.watcher.close()
        self.ledger.close()
        self.ledger = InterruptedLedger(self.place / "ledger.db", self)
        self.watcher = self.new_watcher()
        self.attended = None
        if self.looking:
            # Nobody can say how much of it the last one had written down.
            self.looking = False
            self.glance()

    # -- what happens

    @rule(name=NAMES, number=NUMBERS)
    def put(self, name: str, number: int = 0) -> None:
        """A file is put on a disk, in place of the last one if there is one."""
        new = self.place / f"new_{self.things}"
        thing = self.new_thing(new)
        self.lay(self.some_disk(number), name, new, thing)

    @rule(name=NAMES, number=NUMBERS)
    def take_away(self, name: str, number: int = 0) -> None:
        disk = self.some_disk(number)
        if name in self.lying[disk]:
            self.put_aside(disk, name)

    @rule(which=NUMBERS, number=NUMBERS)
    def bring_back(self, which: int, number: int) -> None:
        """The same file returns, to the disk that it came from or to another one."""
        if not self.aside:
            return
        away, name, thing = self.aside.pop(-1 - which % len(self.aside))
        self.lay(self.some_disk(number), name, away, thing)

    @rule(name=NAMES, linked=st.booleans(), number=NUMBERS)
    def other_name(self, name: str, linked: bool, number: int) -> None:
        """A file gets another name, or a second one."""
        disk = self.some_disk(number)
        other = "b" if name == "a" else "a"
        thing = self.lying[disk].get(name)
        if thing is None or other in self.lying[disk]:
            return
        path = self.folder(disk) / name
        os.link(path, self.folder(disk) / other)
        self.lying[disk][other] = thing
        if not linked:
            path.unlink()
            del self.lying[disk][name]
        self.touch(disk)

    @rule()
    def write_in_place(self) -> None:
        if self.mounted is None:
            return
        for name, thing in self.lying[self.mounted].items():
            with (self.watched / name).open("a") as stream:
                stream.write("more")
            self.written[thing] = self.now

    @rule(number=NUMBERS)
    def change_disk(self, number: int) -> None:
        self.mount(number if number < len(self.lying) else None)

    @rule(moves=st.booleans())
    def replace_directory(self, moves: bool) -> None:
        """Another directory takes the watched one's place, with its files or without."""
        before = self.mounted
        if before is None or len(self.lying) >= DISKS:
            return
        disk = self.new_disk()
        for name in sorted(self.lying[before]) if moves else ():
            (self.folder(before) / name).rename(self.folder(disk) / name)
            self.lying[disk][name] = self.lying[before].pop(name)
        self.touch(before)
        self.touch(disk)
        self.mount(disk)

    @rule(name=NAMES, written=st.booleans())
    def report_change(self, name: str, written: bool) -> None:
        """The system reports a change of a name."""
        followed = self.mounted is not None and self.attended == self.mounted
        if followed and not (written and name in self.known[self.mounted or 0]):
            self.look(name)
        self.watcher.handle_changes({name: written})

    @rule(tenths=st.sampled_from([1, 3, 5, 10, 20, 35, 60]))
    def watch(self, tenths: int) -> None:
        self.work(tenths / 10)

    @rule(tasks=st.integers(1, 4))
    def watch_a_little(self, tasks: int) -> None:
        self.work(INTERVAL, tasks)

    @rule(moment=MOMENTS, kill=st.booleans(), tenths=st.sampled_from([5, 10, 20, 60]))
    def watch_and_fail(self, moment: str, kill: bool, tenths: int) -> None:
        """The watcher works for a while, and the start of a run goes wrong."""
        self.moment, self.kill = moment, kill
        self.work(tenths / 10)
        self.moment = ""

    @rule(name=NAMES, moment=st.sampled_from(["before", "after"]), kill=st.booleans())
    def put_and_fail(self, name: str, moment: str, kill: bool) -> None:
        self.put(name)
        self.watch_and_fail(moment, kill, 10)

    @rule(name=NAMES, seen=st.booleans(), other=st.booleans())
    def go_and_return(self, name: str, seen: bool, other: bool) -> None:
        """A file is away for a while, in which the watcher looks, or does not."""
        disk = self.mounted
        if disk is None or name not in self.lying[disk]:
            return
        self.put_aside(disk, name)
        if other:
            self.mount((disk + 1) % len(self.lying))
        if seen:
            self.work(INTERVAL + 0.1)
        self.bring_back(0, 0)

    def fail(self, moment: str, *, kill: bool = False) -> None:
        """The watcher works until something has gone wrong, and no longer."""
        self.moment, self.kill = moment, kill
        for _ in range(30):
            if not self.moment:
                break
            self.work(INTERVAL, 1)
        self.moment = ""

    @rule(
        name=NAMES,
        moment=st.sampled_from(["before", "after", "find"]),
        kill=st.booleans(),
        absence=st.sampled_from(["unseen", "seen", "seen later", "watcher begins again"]),
        place=st.sampled_from(["here", "here", "other disk", "other name", "copy", "nowhere"]),
    )
    def go_and_return_after_a_failure(
        self, name: str, moment: str, kill: bool, absence: str, place: str
    ) -> None:
        """A file whose run was not started, or whose answer was lost, goes away and returns."""
        disk = self.mounted
        if disk is None:
            return
        if self.lying[disk].get(name) is None:
            self.put(name, 0)
        self.fail("before" if moment == "find" else moment, kill=kill)
        if moment == "find":
            self.fail(moment, kill=kill)
        if name not in self.lying[disk]:
            return
        self.put_aside(disk, name)
        if absence == "seen":
            self.report_change(name, False)
        elif absence == "seen later":
            self.work(INTERVAL + 0.1)
        elif absence == "watcher begins again":
            self.restart()
            self.work(0.1)
        if place == "nowhere":
            return
        if place == "other disk":
            self.mount((disk + 1) % len(self.lying))
        if place == "copy":
            self.put(name, 0)
        else:
            self.bring_back(0, 0)
        if place == "other name":
            self.other_name(name, False, 0)

    @rule(steps=st.integers(1, 12))
    def watch_and_be_killed(self, steps: int) -> None:
        """The watcher is killed before or after one of its next transactions."""
        self.kill_in = steps
        self.work(2 * INTERVAL)
        self.kill_in = 0

    @rule(
        moment=st.sampled_from(["begin", "find", "answer"]),
        what=st.sampled_from(["go", "return", "leave"]),
    )
    def watch_and_be_disturbed(self, moment: str, what: str) -> None:
        """The file, or its disk, goes away just while its run is being started."""
        self.mean = (moment, what)
        self.work(2 * INTERVAL)
        self.mean = ("", "")

    @rule()
    def begin_again(self) -> None:
        self.restart()

    @rule()
    def ask_for_the_refused(self) -> None:
        refused = [record.id for record in self.ledger.records() if record.state == "refused"]
        if refused:
            retry_refused(self.place / "ledger.db", refused)

    # -- what is demanded

    @invariant()
    def no_arrival_has_two_runs(self) -> None:
        self.steps += 1
        assert not self.wrong, self.wrong
        assert len(self.runs) == len(set(self.runs.values()))

    def all_that_lies_here_has_its_run(self) -> None:
        assert self.mounted is not None
        known = self.known[self.mounted]
        assert {name: thing for name, (thing, _) in known.items()} == self.lying[self.mounted]
        missing = {(name, number) for name, (_, number) in known.items()} - set(self.runs.values())
        assert not missing, f"no run for {missing}: {self.ledger.records()}"

    def the_ledger_tells_the_truth(self) -> None:
        for record in self.ledger.records():
            assert (record.run_id is not None) == (record.tag in self.runs), record
            number = (record.path.rpartition("/")[2], record.generation)
            assert self.asked.get(record.tag, number) == number, record


class EveryArrivalGetsItsRun(ArrivalsMachine):
    """As above; after each step what lies there gets its run, once nothing goes wrong any more."""

    @invariant()
    def what_lies_there_has_its_run(self) -> None:
        if self.mounted is None:
            return
        self.ask_for_the_refused()
        self.work(4.2)
        self.all_that_lies_here_has_its_run()


class FailuresLieForLong(ArrivalsMachine):
    """As above, but only in the end everything may succeed, and attempts are far apart."""

    initial_delay = 5.0

    def teardown(self) -> None:
        try:
            self.moment, self.kill_in = "", 0
            for disk in range(len(self.lying)):
                self.mount(disk)
                self.ask_for_the_refused()
                self.work(3 * MAXIMUM_DELAY)
                self.all_that_lies_here_has_its_run()
            self.work(3 * MAXIMUM_DELAY)
            self.no_arrival_has_two_runs()
            self.the_ledger_tells_the_truth()
        finally:
            super().teardown()
