"""``headrace campaign init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.campaigns.campaign_creation import NewCampaign


@click.command
@click.argument("name", metavar="NAME")
@click.option(
    "--example",
    metavar="NAME",
    shell_complete=completion.example_campaigns,
    help="Campaign of headrace that it is a copy of, such as sweep, md or ert.",
)
@click.option(
    "--flow",
    metavar="FLOW",
    shell_complete=completion.flows,
    help="Flow that members go through; its input schema says the columns of the table.",
)
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table that is there; without one an empty one is made.",
)
@project_options
def init_command(name: str, example: str | None, flow: str | None, table: Path | None) -> None:
    """Make the file of a new campaign, campaigns/NAME.toml, and its table.

    With --example it is a copy of one that comes with headrace, else one for a flow of the project.
    Nothing is overwritten.
    """
    from headrace.campaigns import CampaignError
    from headrace.campaigns.campaign_creation import create_campaign

    if example is not None and (flow is not None or table is not None):
        raise click.UsageError("--example has its own flow and table: leave --flow and --table out")
    if table is not None and not table.exists():
        raise CampaignError(f"{table}: no such file")
    made = create_campaign(current().project(), name, example=example, flow=flow, table=table)
    document = {
        "name": made.name,
        "flow": made.flow,
        "files": [str(file) for file in made.files],
        "missing": list(made.missing),
    }
    display(document, lambda: _text(made), ("name", "flow"))


def _text(made: NewCampaign) -> str:
    lines = [str(file) for file in made.files]
    lines += [f"still missing: {line}" for line in made.missing]
    return "\n".join([*lines, f"Fill in the table, then: headrace campaign check {made.name}"])
