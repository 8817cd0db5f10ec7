"""``headrace flow``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli import completing
from headrace.cli.flow_draw import draw
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, paint, table

if TYPE_CHECKING:
    from headrace.project import FlowFinding

_LIST_FIELDS = (
    Field("flow", lambda flow: flow["name"]),
    Field("state", lambda flow: flow["state"]),
    Field("title", lambda flow: flow["title"]),
    Field("id", lambda flow: flow["id"]),
    Field("problem", lambda flow: flow["problem"], optional=True),
)


@group()
def flow() -> None:
    """Flows: list, check and draw them."""


flow.add_command(draw)


@flow.command(name="list")
@project_options
def list_() -> None:
    """List the project's flows, and whether they are deployed."""
    from headrace.deploy.inventory import flow_inventory

    session = current()
    flows = flow_inventory(session.project(), session.place)
    display(
        flows,
        lambda: table(flows, _LIST_FIELDS, "The project has no flows."),
        ("name", "state", "title", "id"),
    )


@flow.command
@click.argument("what", metavar="[FLOW|FILE]...", nargs=-1, shell_complete=completing.flows)
@click.option(
    "--sarif",
    "sarif_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the findings to a file as SARIF 2.1.0, for code hosts; - is standard output.",
)
@project_options
def check(what: tuple[str, ...], sarif_file: str | None) -> int:
    """Check flows before they cost core hours; all flows of the project by default.

    Prints FILE:LINE:COLUMN: SEVERITY CODE: MESSAGE (FIX); the exit code is 1 when there are errors.
    """
    from headrace.project import check_file, check_flows

    files = [Path(name) for name in what if "/" in name or name.endswith(".json")]
    names = [name for name in what if Path(name) not in files]
    findings = [finding for file in files for finding in check_file(file)]
    if names or not files:
        findings += check_flows(current().project(), names, current().place)
    if sarif_file is not None:
        _write_sarif(findings, sarif_file)
    if sarif_file != "-":
        display(
            [finding.document() for finding in findings],
            lambda: _lines(findings),
            ("file", "line", "column", "severity", "code", "message"),
        )
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _lines(findings: Sequence[FlowFinding]) -> str:
    if not findings:
        return "No findings."
    counts = Counter(finding.severity for finding in findings)
    shown = [
        str(finding).replace(f" {finding.severity} ", f" {paint(finding.severity)} ", 1)
        for finding in findings
    ]
    words = [
        f"{counts[severity]} {severity}{'' if counts[severity] == 1 or not plural else 's'}"
        for severity, plural in (("error", True), ("warning", True), ("advice", False))
        if counts[severity]
    ]
    return "\n".join([*shown, ", ".join(words)])


def _write_sarif(findings: Sequence[FlowFinding], file: str) -> None:
    from headrace.project.flow_check import sarif

    text = json.dumps(sarif(findings, Path.cwd()), indent=2) + "\n"
    with click.open_file(file, "w", encoding="utf-8") as stream:
        stream.write(text)
