"""The steps of a demonstration: a project, events, a watch, and people's tools that copy."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.options import Session
from headrace.cli.termio.progress import make_board
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.cli.watching import Watch
    from headrace.runs import (
        RunView,
    )

# An event is complete once nothing has changed for the trigger's settle time; so much longer
# without anything to do means that all has been carried through.
_IDLE_SECONDS = 2.0
_POLL_SECONDS = 0.1


class Demonstration:
    """A pipeline, shown in a directory of its own: the adjoint sources of events.

    Args:
        directory: the project; made where it is missing.
        say: told what happens, in one line each.
    """

    trigger = "new_event"
    outbox = "waveforms"

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._say = say
        self._outbox = directory / self.outbox

    def prepare(self, count: int) -> list[str]:
        """Make the project and the waveforms of new events.

        Args:
            count: how many events.

        Returns:
            The events' names.

        Raises:
            ProjectError: the directory holds something else.
            CommandError: the waveforms could not be computed.
        """
        first = 1 + len(self._made())
        names = [f"{number:03d}" for number in range(first, first + count)]
        self._say(f"computing observed and synthetic seismograms of events {', '.join(names)}")
        for name in names:
            arguments = [str(self._outbox / name), "--seed", name.lstrip("0")]
            self._run_script("make_example_event.py", *arguments)
        return names

    def copies(self, names: Sequence[str], target: Path) -> Iterable[Sequence[str]]:
        """Yield the commands that copy events in: every other one by rsync, where there is one.

        Args:
            names: which events.
            target: the watched directory.
        """
        for number, name in enumerate(names):
            yield [*_tool(number), str(self._outbox / name), f"{target}/"]

    def carry(self, session: Session, names: Sequence[str]) -> list[RunView]:
        """Watches for what arrives, copies it in, and follows its runs.

        Returns:
            The runs as they ended.

        Raises:
            ProjectError: the project has no trigger for it.
        """
        from headrace.cli.watching import Watch
        from headrace.config import (
            ProjectError,
        )
        from headrace.deploy import (
            apply,
            plan,
        )
        from headrace.triggers import load_triggers

        project = session.project()
        services = session.services(project, start=True)
        apply(plan(project, session.place, services), project, services)
        self._say("deployed the flows and their functions")
        roots = {name: collection.root for name, collection in project.collections.items()}
        loaded = load_triggers(project.triggers_dir, roots)
        triggers = [trigger for trigger in loaded if trigger.name == self.trigger]
        if not triggers:
            raise ProjectError(
                f"{project.triggers_dir}: no {self.trigger}.toml; name another directory, and the "
                "project is made there"
            )
        with make_board() as board:
            watching = Watch(session, project, triggers, board)
            copies = self.copies(names, triggers[0].directory)
            courier = Courier(watching, copies, board.say)
            courier.start()
            watching.run(max(trigger.settle for trigger in triggers) + _IDLE_SECONDS)
            courier.join()
        return list(watching.following.ended.values())

    def stop(self) -> None:
        """Stop the facility; its runs and results stay."""
        from headrace.facility import stop_facility

        stop_facility(self._directory.resolve())

    def _made(self) -> list[str]:
        """Make the project where it is missing, and returns what was made for it before."""
        from headrace.project import init_project

        if not (self._directory / "headrace.toml").exists():
            init_project(self._directory)
            self._say(f"made a project in {self._directory}")
        self._outbox.mkdir(exist_ok=True)
        return sorted(path.name for path in self._outbox.iterdir() if path.is_dir())

    def _run_script(self, name: str, *arguments: str) -> None:
        script = self._directory / "job_scripts" / name
        _run([sys.executable, str(script), *arguments])


class DataRunDemonstration(Demonstration):
    """The pipeline of data runs, shown in a directory of its own."""

    trigger = "new_run"
    outbox = "daq"

    def prepare(self, count: int) -> list[str]:
        """Make the project and the segments of new runs.

        Args:
            count: how many runs.

        Returns:
            The runs' names.

        Raises:
            ProjectError: the directory holds something else, or the runs could not be written.
        """
        made = [int(name.removeprefix("run")) for name in self._made()]
        first = 1 + max(made, default=0)
        numbers = range(first, first + count)
        names = [f"run{number:04d}" for number in numbers]
        self._say(f"writing {', '.join(names)}: 4 segments, 8 channels, pulses, pile-up and noise")
        for number in numbers:
            chosen = ["--run", str(number), "--seed", str(number)]
            self._run_script("make_example_run.py", str(self._outbox), *chosen)
        return names

    def copies(self, names: Sequence[str], target: Path) -> Iterable[Sequence[str]]:
        """Yield the commands that copy runs in, segment by segment.

        Args:
            names: which runs.
            target: the watched directory.
        """
        for name in names:
            yield ["mkdir", str(target / name)]
            for number, segment in enumerate(sorted((self._outbox / name).iterdir())):
                yield [*_tool(number), str(segment), f"{target / name}/"]


class Courier(threading.Thread):
    """Copies into the watched directory as people do, once it is watched.

    Args:
        watching: the watch.
        commands: what copies.
        say: told of each command.
    """

    def __init__(
        self, watching: Watch, commands: Iterable[Sequence[str]], say: Callable[[str], None]
    ) -> None:
        super().__init__(name="courier", daemon=True)
        self._watching = watching
        self._commands = commands
        self._say = say

    def run(self) -> None:
        """Run the commands, one after the other."""
        pause = threading.Event()
        while not self._watching.watched.watching:
            pause.wait(_POLL_SECONDS)
        for command in self._commands:
            self._say("$ " + " ".join(command))
            _run(command)


def _tool(number: int) -> list[str]:
    return ["rsync", "-a"] if number % 2 and shutil.which("rsync") else ["cp", "-r"]


def table_of_misfits(results: Sequence[Path]) -> str:
    """Return a line for each station of each event.

    Args:
        results: result directories of the events.
    """
    rows: list[dict[str, Any]] = []
    for directory in results:
        with (directory / "misfit.csv").open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    fields = [
        Field("Event", lambda row: row["event"]),
        Field("Station", lambda row: row["station"]),
        Field("Component", lambda row: row["component"]),
        Field("Windows", lambda row: row["windows"]),
        Field("Misfit", lambda row: f"{float(row['misfit'] or 0):.4g}"),
        Field("Shifts (s)", lambda row: row["shift_s"].replace(";", " ")),
        Field("Correlation", lambda row: " ".join(_short(row["cc"]))),
    ]
    return table(rows, fields, "no station was measured")


def _short(values: str) -> list[str]:
    return [f"{float(value):.3f}" for value in values.split(";") if value]


def _run(command: Sequence[str]) -> None:
    from headrace.config import (
        ProjectError,
    )

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ProjectError(f"`{' '.join(command)}` ended with {done.returncode}: {last}")
