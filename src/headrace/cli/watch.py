"""``headrace watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.triggers import Trigger

_ONCE_SECONDS = 1.0


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1)
@click.option("--once", is_flag=True, help="End when what is there now has been carried through.")
@click.option(
    "--until-idle",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="End when nothing has arrived and no run has been under way for so long.",
)
@project_options
def watch(triggers: tuple[str, ...], once: bool, until_idle: float | None) -> int:
    """Watch directories, and start one run on each new arrival.

    All triggers of the project by default. Progress of the runs is shown; it goes on where it
    stood when it is started again. With --once or --until-idle the exit code is 1 when a run
    failed or could not be started.
    """
    from headrace.cli.following import ending
    from headrace.cli.termio.progress import make_board
    from headrace.cli.termio.runs import ending_text
    from headrace.cli.watching import Watch

    session = current()
    project = session.project()
    chosen = _choose(project, triggers)
    session.services(project, start=True)
    idle = _ONCE_SECONDS if once and until_idle is None else until_idle
    with make_board() as board:
        watching = Watch(session, project, chosen, board)
        watching.run(idle)
    views = list(watching.following.ended.values())
    display(
        [ending(view, project, session.place) for view in views],
        lambda: "\n".join(ending_text(view, project, session.place) for view in views),
        ("run_id", "status"),
    )
    failed = any(view.status != "SUCCEEDED" for view in views)
    return 1 if failed or watching.watched.waiting else 0


def _choose(project: Project, names: tuple[str, ...]) -> list[Trigger]:
    from headrace.project import ProjectError
    from headrace.triggers import load_triggers

    roots = {name: collection.root for name, collection in project.collections.items()}
    triggers = {found.name: found for found in load_triggers(project.triggers_dir, roots)}
    unknown = [name for name in names if name not in triggers]
    if unknown or not triggers:
        known = ", ".join(triggers) or "none"
        what = f"no trigger {unknown[0]!r}" if unknown else "no triggers"
        raise ProjectError(f"{what} in {project.triggers_dir}; known: {known}")
    return [trigger for name, trigger in triggers.items() if not names or name in names]
