"""``headrace run output``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options, seconds_option
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.output import OutputPrinter, output_text

if TYPE_CHECKING:
    from headrace.cli.parsing.session import Session
    from headrace.project import Project


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option("--state", metavar="STATE", help="Only output of tasks of this state.")
@click.option("-f", "--follow", is_flag=True, help="Keep printing until RUN has ended.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    metavar="LINES",
    help="Number of lines from the end of each stream.",
)
@seconds_option("--deadline", 60.0, "Time limit for the answer of an endpoint on another machine.")
@project_options
def output_command(
    run_id: str, state: str | None, follow: bool, tail: int, deadline: float
) -> None:
    """Print the output of the tasks of RUN and of their batch jobs.

    Standard output and standard error of functions and jobs, and the tracebacks of tasks that
    failed. On another machine the endpoint reads them.
    """
    from headrace.runs import RunPoller
    from headrace.runs.job_output import read_output, tasks_of
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    if follow:
        if not is_text():
            raise click.UsageError("--follow is for people: without it, ask for JSON again")
        _follow(session, project, run_id, state, tail, deadline)
        return
    services = session.services(project)
    follower = RunPoller(find_run(services, run_id))
    view = follower.poll(services)
    parts = [
        part.tail(tail)
        for task in tasks_of(view, follower.entries, state)
        for part in read_output(project, session.target, services, task, deadline)
    ]
    display(
        [part.document() for part in parts],
        lambda: output_text(parts),
        ("state", "task_id", "job"),
    )


def _follow(
    session: Session, project: Project, run_id: str, state: str | None, tail: int, deadline: float
) -> None:
    from headrace.config import ProjectError
    from headrace.runs import RunPoller
    from headrace.runs.job_output import read_output, tasks_of
    from headrace.runs.query import find_run
    from headrace.runs.tracker import POLL_INTERVALS

    services = session.services(project)
    follower = RunPoller(find_run(services, run_id))
    printer, pause = OutputPrinter(tail), threading.Event()
    failed: set[str] = set()  # tasks whose traceback was asked for
    while True:
        view = follower.poll(services)
        try:
            tasks = tasks_of(view, follower.entries, state)
        except ProjectError:
            if view.final:
                raise
            tasks = []  # it has not come so far
        for task in tasks:
            parts = read_output(
                project,
                session.target,
                services,
                task,
                deadline,
                fetch_traceback=task.task_id not in failed,
            )
            failed |= {task.task_id} if task.exception else set()
            for part in parts:
                printer.show(part)
        if view.final:
            return
        pause.wait(POLL_INTERVALS[session.target])
