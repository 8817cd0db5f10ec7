"""The steps of the inversion that is shown: a project, an example, a watch until its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.inversion_place import NAME
from headrace.cli.options import Session
from headrace.cli.termio.progress import make_board

if TYPE_CHECKING:
    from headrace.runs import (
        RunView,
    )

_TRIGGER = "next_iteration"
_FLOW = "inversion_iteration"
# The next iteration is published before the run of the one before ends.
_IDLE_SECONDS = 5.0


def prepare(directory: Path, example: str, say: Callable[[str], None]) -> Path:
    """Make a project, where there is none, and an inversion in it.

    Args:
        directory: the project.
        example: name of the example.
        say: told how far it is.

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
    home = (directory / "data" / NAME).resolve()
    EXAMPLES[example](home, say)
    return home


class InversionDemonstration:
    """An inversion from nothing to its end, in a directory of its own.

    Args:
        directory: the project; made where it is missing.
        say: told what happens, in one line each.
    """

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._say = say
        self._home = (directory / "data" / NAME).resolve()

    def prepare(self) -> None:
        """Make the project and the example, where they are not there yet."""
        from headrace.seismic.inversion import Paths

        if not Paths(self._home).settings.is_file():
            prepare(self._directory, "checkerboard", self._say)
            self._say(f"made an inversion in {self._home}")

    def carry(self, session: Session) -> list[RunView]:
        """Publish the first iteration and follow all that come.

        Returns:
            The runs as they ended.
        """
        from headrace.cli.watching import Watch
        from headrace.deploy import (
            apply,
            plan,
        )
        from headrace.runs.query import list_runs
        from headrace.seismic.inversion import Paths
        from headrace.seismic.inversion.commands import start
        from headrace.triggers import load_triggers

        project = session.project()
        services = session.services(project, start=True)
        apply(plan(project, session.place, services), project, services)
        self._say("deployed the flow and its functions")
        roots = {name: collection.root for name, collection in project.collections.items()}
        triggers = [
            trigger
            for trigger in load_triggers(project.triggers_dir, roots)
            if trigger.name == _TRIGGER
        ]
        if not Paths(self._home).marker(0).exists():
            start(self._home, "demonstration")
        with make_board() as board:
            watching = Watch(session, project, triggers, board)
            for run in list_runs(project, session.place, services, flow=_FLOW, status="ACTIVE"):
                watching.following.add(run["run_id"])
            watching.run(_IDLE_SECONDS)
        return list(watching.following.ended.values())

    def outcome(self) -> dict[str, Any]:
        """Return how the inversion stands, and where its models and pictures are."""
        from headrace.seismic.inversion.status import status_of

        told = status_of(self._home)
        last = max((row["iteration"] for row in told["iterations"]), default=0)
        return {
            "directory": str(self._directory.resolve()),
            "inversion": str(self._home),
            "state": told["state"],
            "reason": told["reason"],
            "model_error": told["model_error"],
            "model_errors": told["model_errors"],
            "misfits": told["misfits"],
            "core_hours": told["core_hours"],
            "models": sorted(map(str, (self._home / "models").glob("[0-9]*.h5"))),
            "pictures": sorted(
                map(str, (self._home / "iterations" / f"{last:03d}").glob("results/pictures/*"))
            ),
            "iterations": told["iterations"],
            "stages": told["stages"],
        }

    def text(self, told: dict[str, Any]) -> str:
        """Return an outcome as people read it."""
        from headrace.cli.inversion import iterations_text

        lines = []
        if told["iterations"]:
            lines += [iterations_text(told), ""]
        if told["model_error"] is not None:
            lines.append(f"Model error  {100.0 * told['model_error']:.1f} % of the first model's")
        home = self._home
        lines += [
            f"Inversion    {told['state']}{': ' + told['reason'] if told['reason'] else ''}",
            f"Models       {home}/models/*.h5",
            f"Pictures     {home}/iterations/*/results/pictures/*.png",
            f"Next         headrace inversion status {self._directory}",
        ]
        return "\n".join(lines)

    def stop(self) -> None:
        """Stop the facility; its runs and results stay."""
        from headrace.facility import stop_facility

        stop_facility(self._directory.resolve())
