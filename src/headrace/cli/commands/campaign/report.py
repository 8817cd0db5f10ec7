"""``headrace campaign report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.project import Project


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
    In the directory of [keep.results] it brings links, table and log up to date, too, as a driver
    does while one runs.
    """
    from headrace.campaigns.report import write_campaign_report
    from headrace.campaigns.results_place import results_directory

    session = current()
    project = session.project()
    with opened(name) as campaign:
        place = results_directory(project, campaign.campaign)
        if place and output is None:
            _update(project, session.target, name)
        default = place / "report.html" if place else campaign.campaign.file.with_suffix(".html")
        path = write_campaign_report(
            campaign.database, campaign.row, campaign.campaign, output or default
        )
    display({"file": str(path)}, str(path), ("file",))


def _update(project: Project, target: str, name: str) -> None:
    from headrace.campaigns.errors import CampaignError
    from headrace.campaigns.results_updater import update_campaign_results

    try:
        update_campaign_results(project, target, name, report=False)
    except OSError as error:
        raise CampaignError(
            f"{error.filename}: cannot be written: {error.strerror}; --output FILE writes the "
            "report elsewhere"
        ) from error
