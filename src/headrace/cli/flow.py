"""``headrace flow``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, paint, table

_LIST_FIELDS = (
    Field("flow", lambda flow: flow["name"]),
    Field("state", lambda flow: flow["state"]),
    Field("title", lambda flow: flow["title"]),
    Field("id", lambda flow: flow["id"]),
)


@click.group
def flow() -> None:
    """Flows: list and check them."""


@flow.command(name="list")
@project_options
def list_() -> None:
    """List the project's flows, and whether they are deployed."""
    from headrace.project.inventory import flow_inventory

    session = current()
    flows = flow_inventory(session.project(), session.place)
    display(
        flows,
        lambda: table(flows, _LIST_FIELDS, "The project has no flows."),
        ("name", "state", "title", "id"),
    )


@flow.command
@click.argument("what", metavar="[FLOW|FILE]...", nargs=-1)
@project_options
def check(what: tuple[str, ...]) -> int:
    """Check flows before they cost core hours; all flows of the project by default.

    Prints FILE:LINE:COLUMN: SEVERITY CODE: MESSAGE (FIX); the exit code is 1 when there are errors.
    """
    from headrace.project import check_file, check_flows

    files = [Path(name) for name in what if "/" in name or name.endswith(".json")]
    names = [name for name in what if Path(name) not in files]
    findings = [finding for file in files for finding in check_file(file)]
    if names or not files:
        findings += check_flows(current().project(), names)
    errors = sum(finding.severity == "error" for finding in findings)
    display(
        [finding.document() for finding in findings],
        lambda: (
            "\n".join(
                str(finding).replace(f" {finding.severity} ", f" {paint(finding.severity)} ", 1)
                for finding in findings
            )
            or "No findings."
        ),
        ("file", "line", "column", "severity", "code", "message"),
    )
    return 1 if errors else 0
