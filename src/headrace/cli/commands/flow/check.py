"""``headrace flow check``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import paint

if TYPE_CHECKING:
    from headrace.project import FlowFinding


@click.command
@click.argument("what", metavar="[FLOW|FILE]...", nargs=-1, shell_complete=completion.flows)
@click.option(
    "--sarif",
    "sarif_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write the findings to a file as SARIF 2.1.0, for code hosts; - is standard output.",
)
@project_options
def check_command(what: tuple[str, ...], sarif_file: str | None) -> int:
    """Find mistakes in flow definitions; in all flows of the project by default.

    Prints FILE:LINE:COLUMN: SEVERITY CODE: MESSAGE (FIX); the exit code is 1 when there are errors.
    """
    from headrace.project import check_file, check_flows

    files = [Path(name) for name in what if "/" in name or name.endswith(".json")]
    names = [name for name in what if Path(name) not in files]
    findings = [finding for file in files for finding in check_file(file)]
    if names or not files:
        findings += check_flows(current().project(), names, current().target)
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
