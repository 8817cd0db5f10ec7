"""``headrace deploy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.deploy import Plan, Step

_FIELDS = (
    Field("change", lambda step: step.change),
    Field("what", lambda step: step.kind),
    Field("name", lambda step: step.name),
    Field("why", lambda step: step.reason),
)


@click.command
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.deployable)
@click.option("--dry-run", "-n", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--diff/--no-diff", default=None, help="Show the differences; on by default with --dry-run."
)
@click.option(
    "--prune", is_flag=True, help="Remove from the service what the project no longer has."
)
@click.option(
    "--adopt",
    metavar="FLOW_ID",
    help="Update this existing flow under NAME instead of creating one.",
)
@project_options
def deploy_command(
    names: tuple[str, ...], dry_run: bool, diff: bool | None, prune: bool, adopt: str | None
) -> None:
    """Deploy the project's flows and functions, or those of the NAMEs.

    Flows are checked first, then created or updated; functions are registered. Changes that
    somebody made at the service are detected and reverted. At globus, triggers with [every] become
    timers of the Timers service. What is deployed is recorded in
    headrace.lock.
    """
    from headrace.cli.parsing.triggers import loaded
    from headrace.deploy import DeploySelection, apply, deploying, plan
    from headrace.endpoints.configuration_check import endpoint_problems
    from headrace.triggers.hosted_timers import hosted_timers

    session = current()
    project = session.project()
    services = session.services(project, start=True)
    with deploying(project):
        timers = hosted_timers(project, loaded(project)[0]) if session.target == "globus" else []
        choice = DeploySelection(names, prune, adopt)
        planned = plan(project, session.target, services, choice, timers)
        if not dry_run:
            apply(planned, project, services, _report)
    problems = endpoint_problems(project)
    for problem in problems:
        note(f"warning: {problem}")
    display(
        {
            "target": session.target,
            "dry_run": dry_run,
            "problems": problems,
            "changes": len(planned.changes),
            "steps": [step.document() for step in planned.steps],
        },
        lambda: _text(planned, dry_run, dry_run if diff is None else diff),
    )


def _report(step: Step) -> None:
    if is_text():
        note(f"{step.change} {step.kind} {step.name}")


def _text(planned: Plan, dry_run: bool, diff: bool) -> str:
    if not planned.steps:
        return "The project has no flows and no functions."
    count = len(planned.changes)
    words = "nothing to change" if not count else f"{count} change{'s' if count > 1 else ''}"
    done = ", none made (--dry-run)" if dry_run and count else ""
    lines = [table(planned.steps, _FIELDS, "")]
    for step in planned.changes if diff else ():
        changed = [line for difference in step.differences for line in difference.lines()]
        heading = f"\n{step.kind} {step.name}: - there, + in the project"
        lines += [heading, *changed] if changed else []
    return "\n".join([*lines, f"{words} at {planned.target}{done}"])
