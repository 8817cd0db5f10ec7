"""``headrace start``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import input_options, read_input
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note


@click.command
@click.argument("flow", shell_complete=completion.flows)
@input_options(
    "JSON file with the flow's input; - for standard input. It may contain names.",
    "Set a member of the input, such as processing.ranks=4; the value is JSON or text.",
)
@click.option("-l", "--label", help="Label of the run; the flow's name by default.")
@click.option("-t", "--tag", "tags", multiple=True, help="Tag to find the run by; may be repeated.")
@click.option("--monitor", "monitors", multiple=True, help="URN of who may see the run.")
@click.option("--manager", "managers", multiple=True, help="URN of who may see and cancel it.")
@click.option(
    "--notify-on",
    type=click.Choice(["SUCCEEDED", "FAILED", "INACTIVE"], case_sensitive=False),
    multiple=True,
    help="Run status about which the hosted service sends you mail.",
)
@click.option(
    "--preflight/--no-preflight",
    default=True,
    help="Check first that endpoints are online and collections reachable.",
)
@click.option("-f", "--follow", is_flag=True, help="Show progress until the run has ended.")
@click.option("-w", "--wait", is_flag=True, help="Wait for the run's end without showing progress.")
@project_options
def start_command(
    flow: str,
    file: str | None,
    settings: tuple[Any, ...],
    label: str | None,
    tags: tuple[str, ...],
    monitors: tuple[str, ...],
    managers: tuple[str, ...],
    notify_on: tuple[str, ...],
    preflight: bool,
    follow: bool,
    wait: bool,
) -> int:
    """Start a run of FLOW.

    Names in the input are resolved, the input is validated, and endpoints and collections are
    checked before the run is started. With --follow or --wait the exit code is 1 when the run
    fails.
    """
    from headrace.diagnostics.preflight import preflight as look_first
    from headrace.runs import RunOptions, is_current, prepare, send

    session = current()
    project = session.project()
    body = read_input(file, settings, project.flow(flow).input_schema)
    prepared = prepare(project, session.target, flow, body)
    services = session.services(project, start=True)
    if preflight:
        look_first(project, session.target, services, flow, body)
    options = RunOptions(label, tags, monitors, managers, notify_on)
    run = send(prepared, services, options, wait_for_service=session.target == "globus")
    if not is_current(project, session.target, flow):
        note(f"flow {flow} has changed since it was deployed: see `headrace deploy --dry-run`")
    if follow or wait:
        from headrace.cli.follow_run import follow_run

        return follow_run(session, project, services, run["run_id"], quiet=not follow)
    run_id = run["run_id"]
    page = f"\nIn the web app: https://app.globus.org/runs/{run_id}"
    more = page if session.target == "globus" else ""
    display(run, f"{run_id}\nSee how it goes: headrace run show {run_id}{more}", ("run_id",))
    return 0
