"""The steps of a demonstration: a project, events, a watch, and people's tools that copy."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.options import Session
from headrace.cli.termio.progress import make_board
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.cli.watching import Watch
    from headrace.project import RunView

# An event is complete once nothing has changed for the trigger's settle time; so much longer
# without anything to do means that all has been carried through.
_IDLE_SECONDS = 2.0
_POLL_SECONDS = 0.1


class Demonstration:
    """The adjoint-sources pipeline, shown in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: told what happens, in one line each.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._say = say
        self._outbox = directory / "waveforms"

    def prepare(self, count: int) -> list[str]:
        """Makes the project and the waveforms of new events.

        Args:
            count: how many events.

        Returns:
            The events' names.

        Raises:
            ProjectError: the directory holds something else.
            CommandError: the waveforms could not be computed.
        """
        from headrace.project import init_project

        if not (self._directory / "headrace.toml").exists():
            init_project(self._directory)
            self._say(f"made a project in {self._directory}")
        self._outbox.mkdir(exist_ok=True)
        first = 1 + sum(1 for path in self._outbox.iterdir() if path.is_dir())
        names = [f"{number:03d}" for number in range(first, first + count)]
        self._say(f"computing observed and synthetic seismograms of events {', '.join(names)}")
        script = self._directory / "job_scripts" / "make_example_event.py"
        for name in names:
            arguments = [str(self._outbox / name), "--seed", name.lstrip("0")]
            _run([sys.executable, str(script), *arguments])
        return names

    def carry(self, session: Session, names: Sequence[str]) -> list[RunView]:
        """Watches for the events, copies them in, and follows their runs.

        Returns:
            The runs as they ended.
        """
        from headrace.cli.watching import Watch
        from headrace.project import apply, plan
        from headrace.triggers import load_triggers

        project = session.project()
        services = session.services(project, start=True)
        apply(plan(project, session.place, services), project, services)
        self._say("deployed the flow and its function")
        roots = {name: collection.root for name, collection in project.collections.items()}
        triggers = load_triggers(project.triggers_dir, roots)
        with make_board() as board:
            watching = Watch(session, project, triggers, board)
            courier = Courier(watching, self._outbox, triggers[0].directory, names, board.say)
            courier.start()
            watching.run(max(trigger.settle for trigger in triggers) + _IDLE_SECONDS)
            courier.join()
        return list(watching.following.ended.values())

    def stop(self) -> None:
        """Stops the facility; its runs and results stay."""
        from headrace.facility import stop_facility

        stop_facility(self._directory.resolve())


class Courier(threading.Thread):
    """Copies events into the watched directory as people do, once it is watched.

    Args:
        watching: the watch.
        source: where the events are.
        target: the watched directory.
        names: which events.
        say: told of each copy.
    """

    def __init__(
        self,
        watching: Watch,
        source: Path,
        target: Path,
        names: Sequence[str],
        say: Callable[[str], None],
    ) -> None:
        super().__init__(name="courier", daemon=True)
        self._watching = watching
        self._source = source
        self._target = target
        self._names = names
        self._say = say

    def run(self) -> None:
        """Copies every other event by rsync, where there is one, and the rest by cp."""
        pause = threading.Event()
        while not self._watching.watched.watching:
            pause.wait(_POLL_SECONDS)
        for number, name in enumerate(self._names):
            tool = ["rsync", "-a"] if number % 2 and shutil.which("rsync") else ["cp", "-r"]
            command = [*tool, str(self._source / name), f"{self._target}/"]
            self._say("$ " + " ".join(command))
            _run(command)


def table_of_misfits(results: Sequence[Path]) -> str:
    """Returns a line for each station of each event.

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
    from headrace.project import ProjectError

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ProjectError(f"`{' '.join(command)}` ended with {done.returncode}: {last}")
