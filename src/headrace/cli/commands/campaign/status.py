"""``headrace campaign status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, display_table
from headrace.cli.termio.tables import Field

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus

_COLUMNS = ("name", "state", "total", "done", "running", "ready", "waiting", "failed", "per_hour")


def _count(name: str) -> Field:
    return Field(name, lambda row: f"{row['counts'][name]:,}")


_ALL_FIELDS = (
    Field("campaign", key="name"),
    Field("state", key="state"),
    Field("members", lambda row: f"{row['total']:,}", key="total"),
    *(_count(name) for name in ("done", "running", "ready", "waiting", "failed")),
    Field("an hour", lambda row: _pace(row)),
    Field("expected end", lambda row: _end(row)),
    Field("title", key="title"),
)


@click.command
@click.argument("name", metavar="[CAMPAIGN]", required=False, shell_complete=completion.campaigns)
@click.option(
    "--by",
    type=click.Choice(["group", "lane", "step"]),
    help="Count members by this and their state.",
)
@project_options
def status_command(name: str | None, by: str | None) -> None:
    """Show how a campaign stands, or all of them.

    Counts members by state; for each lane what is under way, and what ended in the last hour by
    machine; core hours, pace, the expected end with its bounds, and what waits for a person. The
    end is expected at the pace of the last 300 members that were done: four times of five it lies
    within the bounds, if the others take as long.
    """
    from headrace.campaigns.campaign_access import (
        campaign_of_row,
        open_campaign,
        read_campaign_ledger,
    )
    from headrace.campaigns.ledger.campaign_table import CampaignTable
    from headrace.campaigns.status import group_counts, read_status
    from headrace.cli.commands.campaign._status_text import groups_text, status_text

    session = current()
    project = session.project()
    if name is None:
        if by is not None:
            raise click.UsageError("--by is of one campaign: name it")
        with read_campaign_ledger(project, session.target) as database:
            found = [
                _document(
                    read_status(database, row, campaign_of_row(project, row), target=session.target)
                )
                for row in CampaignTable(database, "").all()
            ]
        display_table_of_all(found)
        return
    with open_campaign(project, session.target, name) as opened:
        if by is not None:
            groups = group_counts(opened.database, opened.id, by)
            display(
                [{by: each, **counts} for each, counts in groups.items()],
                lambda: groups_text(groups, by),
            )
            return
        status = read_status(opened.database, opened.row, opened.campaign, target=session.target)
    display(_document(status), lambda: status_text(status), _COLUMNS)


def display_table_of_all(found: list[dict[str, Any]]) -> None:
    """Write a line for each campaign."""
    if current().format == "unix":
        display(found, "", _COLUMNS)
    else:
        display_table(found, _ALL_FIELDS, "No campaign was started yet.")


def _document(status: CampaignStatus) -> dict[str, Any]:
    """Return a campaign's status as JSON shows it, with what unix format shows at its top."""
    document = status.document()
    names = ("done", "running", "ready", "waiting", "failed")
    more = {name: status.counts[name] for name in names}
    return {**document, **more, "per_hour": status.forecast.per_hour}


def _pace(row: dict[str, Any]) -> str:
    pace = row["per_hour"]
    return "" if pace is None else f"{pace:,.1f}"


def _end(row: dict[str, Any]) -> str:
    from headrace.cli.commands.campaign._campaigns import minute

    return minute(row["forecast"]["at"] or "")
