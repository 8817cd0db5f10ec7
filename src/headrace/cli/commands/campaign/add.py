"""``headrace campaign add``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import (
    added_text,
    campaign_argument,
    note_that_nothing_runs,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.campaigns import Campaign
    from headrace.campaigns.member_addition import AdditionOptions
    from headrace.project import Project

_FIELDS = (
    Field("directory", key="path"),
    Field("outcome", key="outcome"),
    Field("member", key="member"),
    Field("why", key="reason", optional=True),
)
_COLUMNS = ("path", "outcome", "member", "reason")


@click.command
@campaign_argument
@click.argument(
    "directories", metavar="[DIR]...", nargs=-1, type=click.Path(exists=False, path_type=Path)
)
@click.option(
    "--table",
    "table_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table whose rows are added: .csv, .tsv, .toml, .json, .yaml or .parquet.",
)
@click.option("--priority", type=float, metavar="NUMBER", help="Priority of what is added.")
@click.option("--group", metavar="GROUP", help="Group of what is added.")
@click.option(
    "--local", is_flag=True, help="Run it here: in the campaign's lane `local`, and no other."
)
@project_options
def add_command(
    name: str,
    directories: tuple[Path, ...],
    table_file: Path | None,
    priority: float | None,
    group: str | None,
    local: bool,
) -> int:
    """Add members to a campaign: directories, rows of a table, or what its own table has now.

    With DIR every directory there, or below, that the campaign's [members.directories] calls a
    member is copied with checksums into its collection, unless it lies in a collection already,
    and queued; a receipt, .headrace.json, is left in it. One that has its receipt is not added
    again, and one with the content of another shares its results. The exit code is 1 where one was
    refused, or none was found.
    """
    from headrace.campaigns import CampaignError, load_campaign
    from headrace.campaigns.campaign_access import change_campaign_ledger
    from headrace.campaigns.campaign_start import take_in
    from headrace.campaigns.member_addition import LOCAL_LANE, AdditionOptions, check_lane
    from headrace.campaigns.start_check import StartCheck

    session = current()
    project = session.project()
    if directories and table_file is not None:
        raise click.UsageError("give directories or --table, not both")
    campaign = load_campaign(project, name)
    options = AdditionOptions(priority, group, LOCAL_LANE if local else "")
    if local:
        check_lane(campaign, LOCAL_LANE)
    if directories:
        return _add_directories(project, campaign, directories, options)
    if table_file is not None and not table_file.exists():
        raise CampaignError(f"{table_file}: no such file")
    check = StartCheck(project, campaign, session.target)
    with (
        change_campaign_ledger(project, session.target) as ledger,
        ledger.transaction() as tables,
    ):
        added = take_in(tables, project, campaign, table=table_file, options=options, check=check)
    document = {
        "added": added.added,
        "updated": list(added.updated),
        "kept": list(added.kept),
        "unchanged": added.unchanged,
        "shared": list(added.shared),
    }
    display(document, lambda: added_text(added), ("added", "unchanged"))
    note_that_nothing_runs(project, name)
    return 0


def _add_directories(
    project: Project,
    campaign: Campaign,
    directories: tuple[Path, ...],
    options: AdditionOptions,
) -> int:
    from headrace.campaigns.campaign_access import change_campaign_ledger
    from headrace.campaigns.directory_addition import DirectoryAddition

    target = current().target
    with change_campaign_ledger(project, target) as ledger:
        addition = DirectoryAddition(project, target, campaign, ledger, options)
        found = addition.add(directories)
    rows = [each.document() for each in found]
    display(rows, lambda: _text(rows), _COLUMNS)
    note_that_nothing_runs(project, campaign.name)
    return 1 if not found or any(each.outcome == "refused" for each in found) else 0


def _text(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "No directory here, or below, is a member: see [members.directories] find."
    counts = Counter(row["outcome"] for row in rows)
    words = {"there": "there already", "shared": "share the results of others"}
    summary = ", ".join(f"{count:,} {words.get(kind, kind)}" for kind, count in counts.items())
    return f"{table(rows, _FIELDS, '')}\n{summary}"
