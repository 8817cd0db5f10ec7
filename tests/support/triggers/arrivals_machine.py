"""A world of arrivals in which anything may happen, for the property tests.

Each rule is something that happens to files, disks and starts of runs. After every step no arrival
has two runs; in the end every arrival that lies on a disk has its run.
"""

from __future__ import annotations

import os

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headrace.triggers import pause_triggers, request_runs, resume_triggers, retry_refused
from headrace.triggers.changes import Change, ChangeReport
from tests.support.triggers.arrivals_world import DISKS, INTERVAL
from tests.support.triggers.watched_world import MAXIMUM_DELAY, WatchedWorld

NAMES = st.sampled_from("ab")
NUMBERS = st.integers(0, 5)
# What goes wrong at the next start: the request or its answer is lost, the search for it fails.
MOMENTS = st.sampled_from(["before", "before", "after", "find", "refused"])


class ArrivalsMachine(WatchedWorld, RuleBasedStateMachine):
    """Files are put, taken away, brought back; disks change; starts fail, are refused, killed."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

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
        super().bring_back(which, number)

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
        kind = Change.CONTENT if written else Change.ENTRY
        self.watcher.handle_changes({name: ChangeReport(kind, self.now)})

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

    @rule()
    def ask_for_what_failed(self) -> None:
        failed = [record.id for record in self.ledger.records() if record.state == "failed"]
        if failed:
            request_runs(self.place / "ledger.db", failed)

    @rule(kill=st.booleans())
    def be_paused_for_a_while(self, kill: bool) -> None:
        """A pause holds what was not tried yet, also by the watcher after this one."""
        ledger, trigger = self.place / "ledger.db", self.trigger.name
        pause_triggers(ledger, [trigger])
        untried = {
            record.tag
            for record in self.ledger.records()
            if record.attempts == 0 and record.retry_of is None
        }
        if kill:
            self.restart()
        self.work(2 * INTERVAL)
        assert untried & set(self.runs) == set()
        self.resume_trigger()

    def resume_trigger(self) -> None:
        """Somebody resumes the trigger, whether it was paused or held."""
        resume_triggers(self.place / "ledger.db", [self.trigger.name])

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
