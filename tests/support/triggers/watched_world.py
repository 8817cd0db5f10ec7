"""The real watcher, ledger and launcher in a world of arrivals, of which they learn by looking.

What a person demands is checked at every request to start a run: the run is for the thing that
lies there, which is complete, for the arrival that it is now, and is the first one of this arrival.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from headrace.triggers import Arrival, Record, StartRefused, Trigger
from headrace.triggers.directory_watcher import DirectoryWatcher
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.run_service import RunService
from headrace.triggers.tasks import Task
from tests.support.triggers.arrivals_world import INTERVAL, SETTLE, ArrivalsWorld
from tests.support.triggers.interrupted_ledger import ImmediateWorkers, InterruptedLedger, Killed

MAXIMUM_DELAY = 8.0
_BEGIN = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)


class WatchedWorld(ArrivalsWorld):
    """A world with a watcher that works, is disturbed and killed; it is the runs' service, too."""

    initial_delay = 0.25

    def __init__(self) -> None:
        super().__init__()
        # Runs and requests: the arrival (name and number) by tag.
        self.runs: dict[str, tuple[str, int]] = {}
        self.asked: dict[str, tuple[str, int]] = {}
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
        """End the watcher, and remove the disks."""
        self.watcher.close()
        self.ledger.close()
        super().teardown()

    def time(self) -> datetime:
        """The time on the clock of the computer."""
        return _BEGIN + timedelta(seconds=self.now)

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
            now=self.time,
            service=self.service(),
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

    def service(self) -> RunService | None:
        """The service that tells how runs ended; this world has none."""
        return None

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

    def fail(self, moment: str, *, kill: bool = False) -> None:
        """The watcher works until something has gone wrong, and no longer."""
        self.moment, self.kill = moment, kill
        for _ in range(30):
            if not self.moment:
                break
            self.work(INTERVAL, 1)
        self.moment = ""
