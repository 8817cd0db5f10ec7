"""``headrace start``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import input_options, read_input
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import Session, current
from headrace.cli.termio.display import display
from headrace.cli.termio.findings import exit_code, findings_text
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project


@click.command
@click.argument("flow", metavar="FLOW|PATH", shell_complete=completion.flows)
@click.option(
    "--trigger",
    shell_complete=completion.triggers,
    help="Start the run of the arrival at PATH, as this trigger would.",
)
@click.option("--again", is_flag=True, help="With --trigger: also if it had its run.")
@click.option("--incomplete", is_flag=True, help="With --trigger: also if it is not complete.")
@click.option("--dry-run", is_flag=True, help="Show the input and check it; start nothing.")
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
    trigger: str | None,
    again: bool,
    incomplete: bool,
    dry_run: bool,
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
    """Start a run of FLOW, or the run of an arrival.

    Names in the input are resolved, the input is validated, and endpoints and collections are
    checked before the run is started. With --follow or --wait the exit code is 1 when the run
    fails.

    With --trigger the run is that of the arrival at PATH: input, label and tags are the trigger's,
    and the ledger of arrivals knows of it, so that no watch starts another.
    """
    own = [option for option, given in (("--again", again), ("--incomplete", incomplete)) if given]
    if trigger is None and own:
        raise click.UsageError(f"{own[0]} needs --trigger")
    if trigger is not None:
        set_by_trigger = {
            "--input": file,
            "--set": settings,
            "--label": label,
            "--tag": tags,
            "--monitor": monitors,
            "--manager": managers,
            "--notify-on": notify_on,
        }
        for option, given in set_by_trigger.items():
            if given:
                raise click.UsageError(f"{option} cannot be given with --trigger, which says it")
        from headrace.cli.start_arrival import show_arrival, start_arrival

        path = Path(flow)
        if dry_run:
            return show_arrival(trigger, path)
        project, services, run_id = start_arrival(
            trigger, path, again=again, incomplete=incomplete, preflight=preflight
        )
        run = services.flows.get_run(run_id).data
        return _shown(project, services, run, follow=follow, wait=wait)
    from headrace.diagnostics.preflight import preflight as look_first
    from headrace.runs import RunOptions, is_current, prepare, send

    session = current()
    project = session.project()
    body = read_input(file, settings, project.flow(flow).input_schema)
    if dry_run:
        return _show_only(session, project, flow, body)
    prepared = prepare(project, session.target, flow, body)
    services = session.services(project, start=True)
    if preflight:
        look_first(project, session.target, services, flow, body)
    options = RunOptions(label, tags, monitors, managers, notify_on)
    run = send(prepared, services, options, wait_for_service=session.target == "globus")
    if not is_current(project, session.target, flow):
        note(f"flow {flow} has changed since it was deployed: see `headrace deploy --dry-run`")
    return _shown(project, services, run, follow=follow, wait=wait)


def _show_only(session: Session, project: Project, flow: str, body: Mapping[str, Any]) -> int:
    """Display the input of a run and everything that it needs."""
    import json

    from headrace.diagnostics.doctor import diagnose

    services = session.services(project, start=True)
    found = diagnose(project, session.target, services, flow, body)
    document = {"flow": flow, "input": body, "findings": [one.document() for one in found]}
    text = json.dumps(body, indent=2, ensure_ascii=False)
    display(document, lambda: f"input  {text}\n\n{findings_text(found)}", ("flow",))
    return exit_code(found)


def _shown(
    project: Project, services: Services, run: Mapping[str, Any], *, follow: bool, wait: bool
) -> int:
    """Display a run that was started, or follow it to its end."""
    session = current()
    if follow or wait:
        from headrace.cli.follow_run import follow_run

        return follow_run(session, project, services, run["run_id"], quiet=not follow)
    run_id = run["run_id"]
    page = f"\nIn the web app: https://app.globus.org/runs/{run_id}"
    more = page if session.target == "globus" else ""
    display(run, f"{run_id}\nSee how it goes: headrace run show {run_id}{more}", ("run_id",))
    return 0
