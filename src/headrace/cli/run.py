"""``headrace run``."""

from __future__ import annotations

import click

from headrace.cli import completing
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.run_output import output
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.runs import (
    LEFT_OUT,
    LIST_COLUMNS,
    LIST_FIELDS,
    entry_words,
    moment,
    run_text,
)
from headrace.cli.termio.tables import Field, table

_LOG_FIELDS = (
    Field("time", moment("time")),
    Field("code", lambda entry: entry["code"]),
    Field("state", lambda entry: (entry.get("details") or {}).get("state_name")),
    Field("details", entry_words),
)


@group()
def run() -> None:
    """Run: list, look, wait, read output, cancel, take up again.

    RUN is a run's id, the beginning of one, or `last`.
    """


run.add_command(output)


@run.command(name="list")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, help="At most so many (20).")
@click.option(
    "--flow", shell_complete=completing.flows, help="Only runs of this flow of the project."
)
@click.option(
    "--status",
    type=click.Choice(["ACTIVE", "INACTIVE", "SUCCEEDED", "FAILED", "ENDED"], case_sensitive=False),
    help="Only runs with this status.",
)
@project_options
def list_(limit: int, flow: str | None, status: str | None) -> None:
    """List runs, the newest first."""
    from headrace.runs.query import list_runs

    session = current()
    project = session.project()
    services = session.services(project)
    runs = list_runs(project, session.place, services, limit=limit, flow=flow, status=status)
    display(runs, lambda: table(runs, LIST_FIELDS, "No runs."), LIST_COLUMNS)


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@project_options
def show(run_id: str) -> None:
    """Tell what RUN is, and what it is doing or how it ended."""
    from headrace.cli.following import ending
    from headrace.runs import (
        RunFollower,
    )
    from headrace.runs.blockers import waits_for
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    services = session.services(project)
    follower = RunFollower(find_run(services, run_id))
    view = follower.look(services)
    why = waits_for(project, session.place, services, view, follower.entries)
    display(
        {**ending(view, project, session.place), "waits_for": why or None},
        lambda: run_text(view, project, session.place, why),
        LIST_COLUMNS,
    )


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@click.option("-n", "--limit", type=click.IntRange(1), help="At most so many entries.")
@click.option("-r", "--reverse", is_flag=True, help="The newest first.")
@project_options
def log(run_id: str, limit: int | None, reverse: bool) -> None:
    """Print the log of RUN.

    Failures are shown whole. Of long inputs and outputs the beginning is shown, and how much is
    left out; -F json shows all of them.
    """
    from headrace.runs.query import find_run, run_log

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    entries = run_log(services, found, limit=limit, reverse=reverse)
    display(
        entries,
        lambda: table(entries, _LOG_FIELDS, "The log is empty."),
        ("time", "code", "description"),
    )
    if is_text() and any(entry_words(entry).endswith(f" {LEFT_OUT})") for entry in entries):
        note(f"inputs and outputs are shortened; whole: headrace run log {found} -F json")


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@project_options
def cancel(run_id: str) -> None:
    """Cancel RUN; the action under way is cancelled too."""
    from headrace.runs.query import find_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    document = services.flows.cancel_run(found).data
    display(document, f"{found}: cancelling", LIST_COLUMNS)


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@project_options
def resume(run_id: str) -> None:
    """Resume RUN, which waits for a consent or for you.

    A consent is given with `headrace login`; while it is missing the exit code is 4.
    """
    from headrace.runs.query import find_run, resume_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    document = resume_run(services, session.place, found)
    display(document, f"{found}: resumed", LIST_COLUMNS)


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@project_options
def watch(run_id: str) -> int:
    """Show the progress of RUN until it has ended.

    The exit code is 1 when it does not succeed.
    """
    return _until_ended(run_id, quiet=False, timeout=None, timeout_code=1)


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up after this.")
@click.option(
    "--timeout-exit-code",
    type=click.IntRange(0, 99),
    default=1,
    show_default=True,
    help="The exit code when it was given up.",
)
@project_options
def wait(run_id: str, timeout: float | None, timeout_exit_code: int) -> int:
    """Wait for the end of RUN without showing progress, for scripts.

    The exit code is 0 when it succeeds, 1 when it does not.
    """
    return _until_ended(run_id, quiet=True, timeout=timeout, timeout_code=timeout_exit_code)


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@project_options
def delete(run_id: str, yes: bool) -> None:
    """Delete RUN, which has ended, with its log."""
    from headrace.runs.query import find_run

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    if not yes:
        confirm(f"Delete the run {found} and its log?")
    document = services.flows.delete_run(found).data
    display(document, f"{found}: deleted", LIST_COLUMNS)


def _until_ended(run_id: str, *, quiet: bool, timeout: float | None, timeout_code: int) -> int:
    from headrace.cli.following import follow_run
    from headrace.runs.query import find_run

    session = current()
    project = session.project()
    services = session.services(project)
    return follow_run(
        session,
        project,
        services,
        find_run(services, run_id),
        quiet=quiet,
        timeout=timeout,
        timeout_code=timeout_code,
    )


@run.command
@click.argument("run_id", metavar="RUN", shell_complete=completing.runs)
@click.option("--from", "state", metavar="STATE", help="Begin here; by default where RUN ended.")
@click.option(
    "--result",
    metavar="FILE",
    help="JSON file (- for standard input) with the state's output, when you have done its work "
    "by hand: of an Action its `details`. The new run begins after the state.",
)
@click.option("--latest", is_flag=True, help="Use the flow as it is deployed now.")
@click.option("-l", "--label", help="Label of the new run; RUN's by default.")
@project_options
def retry(
    run_id: str, state: str | None, result: str | None, latest: bool, label: str | None
) -> None:
    """Take up RUN, which has ended, in a new run that begins at one of its states.

    The state gets the input that it had in RUN; nothing before it is done again. The hosted
    service begins at the start only: there it is a new run with the same input.
    """
    from headrace.cli.parsing import read_json
    from headrace.runs.query import NO_RESULT, find_run, retry_run

    session = current()
    given = NO_RESULT if result is None else read_json(result)
    services = session.services(session.project(), start=True)
    found = find_run(services, run_id)
    document = retry_run(
        services, session.place, found, state=state, result=given, latest=latest, label=label
    )
    begins = document["retry_of"]["state"]
    where = f"after {begins}" if result is not None else f"at {begins or 'its start'}"
    display(
        document,
        lambda: f"{document['run_id']}: takes up {found} {where}",
        LIST_COLUMNS,
    )
