"""``headrace start``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace.cli.options import Session, current, project_options
from headrace.cli.parsing import Setting, read_input
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project


@click.command
@click.argument("flow")
@click.option(
    "-i",
    "--input",
    "file",
    metavar="FILE",
    help="JSON file with the flow's input; - for standard input. Names may stand in it.",
)
@click.option(
    "-s",
    "--set",
    "settings",
    type=Setting(),
    multiple=True,
    help="Set a member of the input, such as processing.ranks=4; the value is JSON or text.",
)
@click.option("-l", "--label", help="What to call the run; the flow's name by default.")
@click.option("-t", "--tag", "tags", multiple=True, help="A word to find the run by.")
@click.option("-f", "--follow", is_flag=True, help="Show progress until the run has ended.")
@click.option("-w", "--wait", is_flag=True, help="Wait for the run's end without showing progress.")
@project_options
def start(
    flow: str,
    file: str | None,
    settings: tuple[Any, ...],
    label: str | None,
    tags: tuple[str, ...],
    follow: bool,
    wait: bool,
) -> int:
    """Start a run of FLOW.

    Names in the input are resolved and the input is checked before anything is sent. With
    --follow or --wait the exit code is 1 when the run fails.
    """
    from headrace.project import is_current, prepare, send

    session = current()
    project = session.project()
    prepared = prepare(project, session.place, flow, read_input(file, settings))
    services = session.services(project, start=True)
    run = send(prepared, services, label=label, tags=tags)
    if not is_current(project, session.place, flow):
        note(f"flow {flow} has changed since it was deployed: see `headrace deploy --dry-run`")
    if follow or wait:
        return _follow(session, project, services, run["run_id"], quiet=not follow)
    run_id = run["run_id"]
    display(run, f"{run_id}\nSee how it goes: headrace run show {run_id}", ("run_id",))
    return 0


def _follow(
    session: Session, project: Project, services: Services, run_id: str, *, quiet: bool
) -> int:
    from headrace.cli.following import Following, ending
    from headrace.cli.termio.progress import make_board
    from headrace.cli.termio.runs import ending_text

    try:
        with make_board(quiet=quiet) as board:
            following = Following(session, project, board, services)
            following.add(run_id)
            view = following.until_ended()[run_id]
    except KeyboardInterrupt:
        note(f"the run goes on: headrace run show {run_id}")
        raise
    display(
        ending(view, project, session.place),
        lambda: ending_text(view, project, session.place),
        ("run_id", "status"),
    )
    return 0 if view.status == "SUCCEEDED" else 1
