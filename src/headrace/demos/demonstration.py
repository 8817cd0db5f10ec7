"""Steps that all demonstrations share: a project, its deployment, a watch, and copies."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView
    from headrace.runs.tracker import ProgressReporter
    from headrace.triggers import Trigger
    from headrace.triggers.project_watch import ProjectWatch

# An event is complete once nothing has changed for the trigger's settle time; so much longer
# without anything to do means that everything has ended.
_IDLE_SECONDS = 2.0
_POLL_SECONDS = 0.1


class Demonstration(ABC):
    """A pipeline at work in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: shows what happens, in one line each.
    """

    trigger: str
    """Name of the pipeline's trigger."""
    source_name: str
    """Name of the directory with the data that are copied in."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.say = say
        self.source = directory / self.source_name

    @abstractmethod
    def prepare(self, count: int) -> list[str]:
        """Make the project and the data of new items.

        Args:
            count: how many.

        Returns:
            The names of the items.

        Raises:
            ProjectError: the directory holds something else, or a program failed.
        """

    @abstractmethod
    def copy_commands(self, names: Sequence[str], target: Path) -> Iterable[Sequence[str]]:
        """Yield the commands that copy items in.

        Args:
            names: the items.
            target: the watched directory.
        """

    def watch(
        self,
        project: Project,
        target: str,
        reporter: ProgressReporter,
        connect: Callable[[], Services],
        names: Sequence[str],
    ) -> list[RunView]:
        """Watch for arrivals, copy items in, and follow their runs.

        Args:
            project: the project.
            target: where its runs are started.
            reporter: shows the runs.
            connect: returns the services.
            names: the items.

        Returns:
            The runs as they ended.

        Raises:
            ProjectError: the project has no trigger for it.
        """
        from headrace.triggers.project_watch import ProjectWatch

        triggers = find_triggers(project, self.trigger)
        watch = ProjectWatch(project, target, triggers, reporter, connect)
        copies = self.copy_commands(names, triggers[0].directory)
        copier = Copier(watch, copies, reporter.say)
        copier.start()
        watch.run(max(trigger.settle for trigger in triggers) + _IDLE_SECONDS)
        copier.join()
        return list(watch.runs.ended.values())

    def existing_items(self) -> list[str]:
        """Make the project where it is missing, and return the items that were made before."""
        from headrace.project import init_project

        if not (self.directory / "headrace.toml").exists():
            init_project(self.directory)
            self.say(f"made a project in {self.directory}")
        self.source.mkdir(exist_ok=True)
        return sorted(path.name for path in self.source.iterdir() if path.is_dir())

    def run_script(self, name: str, *arguments: str) -> None:
        """Run a Python program of the project's `job_scripts`."""
        script = self.directory / "job_scripts" / name
        run_command([sys.executable, str(script), *arguments])


class Copier(threading.Thread):
    """Copies into the watched directory as people do, once it is watched.

    Args:
        watch: the watch.
        commands: what copies.
        say: shows each command.
    """

    def __init__(
        self, watch: ProjectWatch, commands: Iterable[Sequence[str]], say: Callable[[str], None]
    ) -> None:
        super().__init__(name="copier", daemon=True)
        self._watch = watch
        self._commands = commands
        self._say = say

    def run(self) -> None:
        """Run the commands, one after the other."""
        pause = threading.Event()
        while not self._watch.progress.watching:
            pause.wait(_POLL_SECONDS)
        for command in self._commands:
            self._say("$ " + " ".join(command))
            run_command(command)


def deploy_project(
    project: Project, target: str, services: Services, say: Callable[[str], None]
) -> None:
    """Deploy the flows and functions of a project.

    Args:
        project: the project.
        target: where to.
        services: the services there.
        say: called with a message once it is done.
    """
    from headrace.deploy import apply, plan

    apply(plan(project, target, services), project, services)
    say("deployed the flows and their functions")


def stop_services(directory: Path) -> None:
    """Stop the facility of a project; its runs and results stay."""
    from headrace.facility import stop_facility

    stop_facility(directory.resolve())


def find_triggers(project: Project, name: str) -> list[Trigger]:
    """Return the trigger of a name, in a list.

    Raises:
        ProjectError: the project has none of this name.
    """
    from headrace.config import ProjectError
    from headrace.triggers import load_triggers

    roots = {name: collection.root for name, collection in project.collections.items()}
    triggers = [one for one in load_triggers(project.triggers_dir, roots) if one.name == name]
    if not triggers:
        raise ProjectError(
            f"{project.triggers_dir}: no {name}.toml; name another directory, and the "
            "project is made there"
        )
    return triggers


def copy_tool(number: int) -> list[str]:
    """Return the start of a copy command: rsync for every other one, where it is installed."""
    return ["rsync", "-a"] if number % 2 and shutil.which("rsync") else ["cp", "-r"]


def run_command(command: Sequence[str]) -> None:
    """Run a command.

    Raises:
        ProjectError: it failed; with the last line that it printed.
    """
    from headrace.config import ProjectError

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise ProjectError(f"`{' '.join(command)}` ended with {done.returncode}: {last}")
