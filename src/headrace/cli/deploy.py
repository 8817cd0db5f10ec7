"""``headrace deploy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.project import Plan, Step

_FIELDS = (
    Field("change", lambda step: step.change),
    Field("what", lambda step: step.kind),
    Field("name", lambda step: step.name),
    Field("why", lambda step: step.why),
)


@click.command
@click.option("--dry-run", "-n", is_flag=True, help="Show what would change, and change nothing.")
@project_options
def deploy(dry_run: bool) -> None:
    """Deploy the project's flows and functions.

    Flows are created or updated, functions are registered. Flows are checked first;
    what is where is written to headrace.lock.
    """
    from headrace.project import apply, plan

    session = current()
    project = session.project()
    services = session.services(project, start=True)
    planned = plan(project, session.place, services)
    if not dry_run:
        apply(planned, project, services, _report)
    display(
        {
            "place": session.place,
            "dry_run": dry_run,
            "changes": len(planned.changes),
            "steps": [step.document() for step in planned.steps],
        },
        lambda: _text(planned, dry_run),
    )


def _report(step: Step) -> None:
    if is_text():
        note(f"{step.change} {step.kind} {step.name}")


def _text(planned: Plan, dry_run: bool) -> str:
    if not planned.steps:
        return "The project has no flows and no functions."
    count = len(planned.changes)
    words = "nothing to change" if not count else f"{count} change{'s' if count > 1 else ''}"
    done = ", none made (--dry-run)" if dry_run and count else ""
    return f"{table(planned.steps, _FIELDS, '')}\n{words} at {planned.place}{done}"
