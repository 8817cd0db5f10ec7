"""``headrace run why``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import options_of, selection_of, selection_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.terminal import one_line, style

if TYPE_CHECKING:
    from headrace.runs.failure_clusters import FailureCluster, SharedProperty

_COLUMNS = ("count", "verdict", "cause", "example", "command")
_INDENT = "    "


@click.command
@selection_options
@project_options
def why_command(chosen: dict[str, Any]) -> None:
    """Group failed runs by their causes, and show what the runs of each have in common.

    Causes are the same where only ids, numbers, paths and times differ. Flow, endpoint, host and
    input are compared with other failures and with runs that succeeded: a cause is systematic where
    Fisher's exact test, corrected for the number of properties, gives p below 0.01.
    """
    from headrace.runs.failure_clusters import explain_failures

    session = current()
    project = session.project()
    selection = selection_of(project, chosen)
    services = session.services(project)
    clusters = explain_failures(project, session.target, services, selection)
    conditions = options_of(chosen)
    display(
        [_document(cluster, conditions) for cluster in clusters],
        lambda: _text(clusters, conditions),
        _COLUMNS,
    )


def _document(cluster: FailureCluster, conditions: str) -> dict[str, Any]:
    return {
        "count": len(cluster.run_ids),
        "cause": cluster.template,
        "exception": cluster.cause.exception,
        "verdict": cluster.verdict,
        "states": cluster.states,
        "flows": cluster.flows,
        "shared": [vars(each) for each in cluster.shared],
        "looked_at": cluster.looked_at,
        "compared_with": cluster.compared,
        "example": cluster.example,
        "command": cluster.command(conditions),
        "run_ids": list(cluster.run_ids),
    }


def _text(clusters: list[FailureCluster], conditions: str) -> str:
    if not clusters:
        return "No failed run matches."
    total = sum(len(cluster.run_ids) for cluster in clusters)
    lines = [f"{_number(total, 'failed run')}, {_number(len(clusters), 'cause')}:"]
    for cluster in clusters:
        exception = f" ({cluster.cause.exception})" if cluster.cause.exception else ""
        head = f"{len(cluster.run_ids):,} x {cluster.template}{exception}"
        lines += ["", style(one_line(head), bold=True)]
        lines += [f"{_INDENT}{one_line(line)}" for line in _lines(cluster, conditions)]
    return "\n".join(lines)


def _lines(cluster: FailureCluster, conditions: str) -> list[str]:
    lines = [f"{name}: {_counted(counts)}" for name, counts in _where(cluster) if counts]
    lines += [_shared(each) for each in cluster.shared]
    if cluster.verdict == "unknown":
        lines.append("nothing to compare with: no other run is known well enough")
    elif cluster.verdict == "random":
        lines.append(
            f"random: {_number(cluster.looked_at, 'run')} compared with {cluster.compared:,} "
            "others, no flow, endpoint, host or input stands out"
        )
    command = cluster.command(conditions)
    return [
        *lines,
        f"example: headrace run show {cluster.example}",
        f"again: {command}"
        if command is not None
        else f"again: no command, {cluster.no_command_reason}; -F json names its runs",
    ]


def _where(cluster: FailureCluster) -> tuple[tuple[str, Mapping[str, int]], ...]:
    return ("flow", cluster.flows), ("state", cluster.states)


def _shared(each: SharedProperty) -> str:
    return (
        f"systematic: {each.here:,} of {each.here_of:,} on {each.kind} {each.value}, of other runs "
        f"{each.elsewhere:,} of {each.elsewhere_of:,} (p {each.p:.2g})"
    )


def _counted(counts: Mapping[str, int], most: int = 4) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{name} {count:,}" for name, count in ordered[:most]]
    return ", ".join([*words, *([f"{len(ordered) - most} others"] if len(ordered) > most else [])])


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"
