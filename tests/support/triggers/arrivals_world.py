"""Files on disks that come and go, and a person's view of which of them is which.

The model is what a person sees: things (each file that was ever put is one), the disks they lie
on, and the disk that is mounted now. It has the rules of docs/triggers.md in a few lines (`look`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from headrace.triggers import Record
from headrace.triggers.arrival import identify
from tests.support.triggers.trigger_watch import make_trigger

INTERVAL = 1.0
SETTLE = 0.4
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


class ArrivalsWorld:
    """Disks with files, of which one at most is mounted at the watched directory."""

    def __init__(self) -> None:
        super().__init__()
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
        self.wrong: list[str] = []

    def teardown(self) -> None:
        """Remove the disks."""
        shutil.rmtree(self.place)

    # -- the disks

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

    def bring_back(self, which: int, number: int) -> None:
        """The same file returns, to the disk that it came from or to another one."""
        if not self.aside:
            return
        away, name, thing = self.aside.pop(-1 - which % len(self.aside))
        self.lay(self.some_disk(number), name, away, thing)

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

    def demand(self, true: bool, otherwise: str) -> None:
        """What is demanded where an exception would be taken for a failed attempt."""
        if not true:
            self.wrong.append(otherwise)
            raise AssertionError(otherwise)
