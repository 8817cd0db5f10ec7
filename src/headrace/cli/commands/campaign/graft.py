"""``headrace campaign graft``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, who
from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import read_json
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@campaign_argument
@click.argument("flow", metavar="FLOW", shell_complete=completion.flows)
@click.option(
    "--after",
    type=click.Choice(["leg", "member", "group", "campaign"]),
    required=True,
    help="What it follows: each leg, each member that is done, each group, or all of it.",
)
@click.option(
    "-i",
    "--input",
    "file",
    metavar="FILE",
    help="JSON file (- for standard input) with the template of its input: placeholders as in the "
    "campaign's file.",
)
@click.option("--label", default="", help="Template of the label of its runs.")
@click.option("--tag", "tags", multiple=True, help="Tag of its runs, a template; may be repeated.")
@click.option("--when", default="", metavar="EXPR", help="Only where this holds: 'leg % 5 == 0'.")
@project_options
def graft_command(
    name: str,
    flow: str,
    after: str,
    file: str | None,
    label: str,
    tags: tuple[str, ...],
    when: str,
) -> None:
    """Have a flow follow each leg, each member, each group or the end of a campaign.

    Also for what is done already, once each. The campaign's file says the same in [after]; a graft
    that is added here is kept in the ledger alone. The same graft is added once.
    """
    from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
    from headrace.campaigns.graft_addition import add_graft

    session = current()
    project = session.project()
    template: Any = {} if file is None else read_json(file)
    with open_campaign(project, session.target, name) as opened:
        row = opened.row
    with change_campaign_ledger(project, session.target) as ledger:
        added = add_graft(
            *(project, ledger, row, after, flow),
            template=template,
            label=label,
            tags=tags,
            when=when,
            who=who(),
        )
    document = {"campaign": name, "flow": flow, "after": after, "due": added.due, "new": added.new}
    words = f"{added.due:,} are due now" if added.due else "nothing is due yet"
    text = f"{flow} follows each {after} of {name}; {words}"
    if after == "campaign":
        text = f"{flow} follows the end of {name}; {words}"
    display(document, text if added.new else f"{text}. It did so before.", ("flow", "due"))
