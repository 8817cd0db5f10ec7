"""``headrace campaign report``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@campaign_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file; by default report.html in the directory of [keep.results], else NAME.html "
    "beside the campaign's file.",
)
@project_options
def report_command(name: str, output: Path | None) -> None:
    """Write one HTML file with all that is known of a campaign.

    State and expected end, a picture of all members, groups, lanes, causes of failures, figures of
    the numbers that members returned, and what people changed. It loads nothing from anywhere.
    """
    from headrace.campaigns.report import write_campaign_report
    from headrace.campaigns.results_place import results_directory

    project = current().project()
    with opened(name) as campaign:
        place = results_directory(project, campaign.campaign)
        default = place / "report.html" if place else campaign.campaign.file.with_suffix(".html")
        path = write_campaign_report(
            campaign.database, campaign.row, campaign.campaign, output or default
        )
    display({"file": str(path)}, str(path), ("file",))
