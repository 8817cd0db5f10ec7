"""``headrace campaign why``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened
from headrace.cli.parsing.members import ids_of, member_options, options_of
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.terminal import one_line, style

if TYPE_CHECKING:
    from headrace.campaigns.why import MemberFailureCluster

_COLUMNS = ("count", "verdict", "cause", "example", "command")


@click.command
@campaign_argument
@member_options
@project_options
def why_command(name: str, chosen: dict[str, Any]) -> None:
    """Group members that failed by their causes, and show what the members of each have in common.

    Causes are the same where only ids, numbers, paths and times differ. Lane, host, group,
    category, step and columns of the table are compared with members that failed otherwise or are
    done: a cause is systematic where Fisher's exact test, corrected for the number of properties,
    gives p below 0.01. Members that wait for an answer are told, too.
    """
    from headrace.campaigns.why import explain_member_failures

    with opened(name) as campaign:
        clusters = explain_member_failures(
            campaign.database, campaign.id, name, ids_of(campaign, chosen)
        )
    conditions = options_of(chosen)
    display(
        [cluster.document(conditions) for cluster in clusters],
        lambda: _text(name, clusters, conditions),
        _COLUMNS,
    )


def _text(name: str, clusters: list[MemberFailureCluster], conditions: str) -> str:
    if not clusters:
        return "No member that was chosen has failed."
    total = sum(len(cluster.keys) for cluster in clusters)
    lines = [f"{_number(total, 'member')}, {_number(len(clusters), 'cause')}:"]
    for cluster in clusters:
        head = f"{len(cluster.keys):,} x {cluster.template}"
        lines += ["", style(one_line(head), bold=True)]
        lines += [f"    {one_line(line)}" for line in _lines(name, cluster, conditions)]
    return "\n".join(lines)


def _lines(name: str, cluster: MemberFailureCluster, conditions: str) -> list[str]:
    lines = [_counted("kind", cluster.categories or {}), _counted("step", cluster.states)]
    lines += [
        f"systematic: {each.here:,} of {each.here_of:,} on {each.kind} {each.value}, of other "
        f"members {each.elsewhere:,} of {each.elsewhere_of:,} (p {each.p:.2g})"
        for each in cluster.shared
    ]
    if cluster.verdict == "unknown":
        lines.append("nothing to compare with: no other member is known well enough")
    elif cluster.verdict == "random":
        lines.append(
            f"random: {_number(cluster.looked_at, 'member')} compared with {cluster.compared:,} "
            "others, no lane, host, group, category, step or column stands out"
        )
    if cluster.status == "asking":
        lines.append("waits for an answer or a consent")
    if cluster.blocks:
        lines.append(f"{_number(cluster.blocks, 'member')} in all cannot begin before")
    command = cluster.command(conditions)
    again = command or f"no command, {cluster.no_command_reason}; -F json names its members"
    example = f"example: headrace campaign show {name} {cluster.example}"
    return [line for line in (*lines, example, f"again: {again}") if line]


def _counted(what: str, counts: Any, most: int = 4) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [f"{name} {count:,}" for name, count in ordered[:most]]
    more = [f"{len(ordered) - most} others"] if len(ordered) > most else []
    return f"{what}: {', '.join([*words, *more])}" if words else ""


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"
