"""``headrace campaign check``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@campaign_argument
@click.option(
    "--table",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Check this table instead of the campaign's own.",
)
@project_options
def check_command(name: str, table: Path | None) -> int:
    """Check a campaign before anything starts: its file, every row of its table, and its costs.

    The input of each row is rendered and held against the flow's schema and its paths. The exit
    code is 1 where something would keep members from being started.
    """
    from headrace.campaigns import CampaignError, read_campaign
    from headrace.campaigns.campaign_loading import campaign_file
    from headrace.campaigns.check import check_campaign

    session = current()
    project = session.project()
    if table is not None and not table.exists():
        raise CampaignError(f"{table}: no such file")
    campaign = read_campaign(campaign_file(project.root, name))
    found = check_campaign(project, campaign, session.target, table=table)
    display(found.document(), lambda: "\n".join(found.lines()), ("campaign", "members"))
    return 1 if found.problems else 0
