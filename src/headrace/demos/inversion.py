"""Demonstration of a waveform inversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.demos.demonstration import find_triggers
from headrace.pipelines.inversion.directories import INVERSION_NAME

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView
    from headrace.runs.tracker import ProgressReporter

_TRIGGER = "inversion"
_FLOW = "inversion"
# The next iteration is published before the run of the one before ends.
_IDLE_SECONDS = 5.0


def create_example(directory: Path, example: str, say: Callable[[str], None]) -> Path:
    """Make a project, where there is none, and an inversion in it.

    Args:
        directory: the project.
        example: name of the example.
        say: shows the progress.

    Returns:
        The inversion's directory.

    Raises:
        ProjectError: the directory holds something else.
        InversionError: an inversion is there already.
    """
    from headrace.project import init_project
    from headrace.seismic.inversion.examples import EXAMPLES

    config = directory / "headrace.toml"
    if not config.exists():
        init_project(directory)
        # Two events at a time: shots in parallel are faster than threads.
        config.write_text(config.read_text().replace("\nworkers = 1\n", "\nworkers = 2\n"))
    home = (directory / "data" / INVERSION_NAME).resolve()
    EXAMPLES[example](home, say)
    return home


class InversionDemonstration:
    """An inversion from nothing to its end, in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: shows what happens, in one line each.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._say = say
        self.home = (directory / "data" / INVERSION_NAME).resolve()

    def prepare(self) -> None:
        """Make the project and the example, where they are not there yet."""
        from headrace.seismic.inversion import Paths

        if not Paths(self.home).settings.is_file():
            create_example(self._directory, "checkerboard", self._say)
            self._say(f"made an inversion in {self.home}")

    def watch(
        self,
        project: Project,
        target: str,
        reporter: ProgressReporter,
        connect: Callable[[], Services],
    ) -> list[RunView]:
        """Publish the first iteration and follow all that come.

        Args:
            project: the project.
            target: where its runs are started.
            reporter: shows the runs.
            connect: returns the services.

        Returns:
            The runs as they ended.
        """
        from headrace.runs.query import list_runs
        from headrace.seismic.inversion import Paths
        from headrace.seismic.inversion.commands import start
        from headrace.triggers.project_watch import ProjectWatch

        if not Paths(self.home).marker(0).exists():
            start(self.home, "demonstration")
        watch = ProjectWatch(project, target, find_triggers(project, _TRIGGER), reporter, connect)
        for run in list_runs(project, target, connect(), flow=_FLOW, status="ACTIVE"):
            watch.runs.add(run["run_id"])
        watch.run(_IDLE_SECONDS)
        return list(watch.runs.ended.values())

    def outcome(self) -> dict[str, Any]:
        """Return the status of the inversion, and the files of its models and pictures."""
        from headrace.seismic.inversion.status import inversion_status

        status = inversion_status(self.home)
        last = max((row["iteration"] for row in status["iterations"]), default=0)
        return {
            "directory": str(self._directory.resolve()),
            "inversion": str(self.home),
            "state": status["state"],
            "reason": status["reason"],
            "model_error": status["model_error"],
            "model_errors": status["model_errors"],
            "misfits": status["misfits"],
            "core_hours": status["core_hours"],
            "models": sorted(map(str, (self.home / "models").glob("[0-9]*.h5"))),
            "pictures": sorted(
                map(str, (self.home / "iterations" / f"{last:03d}").glob("results/pictures/*"))
            ),
            "iterations": status["iterations"],
            "stages": status["stages"],
        }
