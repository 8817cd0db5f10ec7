"""``headrace campaign clean``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, minute, opened
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.tables import Field, table

_FIELDS = (
    Field("kind", key="kind"),
    Field("directory", key="path"),
    Field("ended", lambda row: minute(row["ended_at"]), key="ended_at"),
    Field("size", lambda row: _size(row["bytes"]), key="bytes"),
    Field(
        "outcome",
        lambda row: (
            "removed" if row["removed"] else "kept" if row["problem"] else "would be removed"
        ),
    ),
    Field("why", lambda row: row["problem"] or row["reason"]),
)
_COLUMNS = ("kind", "path", "ended_at", "bytes", "removed", "problem")


@click.command
@campaign_argument
@click.option(
    "--older",
    metavar="TIME",
    help="Only what ended so long ago: 12h, 30d, 8w; [keep] scratch of the campaign by default.",
)
@click.option(
    "--attempts",
    is_flag=True,
    help="Also outputs of attempts that were not taken, of members that are done.",
)
@click.option(
    "--orphans",
    is_flag=True,
    help="Also scratch of runs that were deleted before they had returned anything.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@project_options
def clean_command(
    name: str, older: str | None, attempts: bool, orphans: bool, dry_run: bool, yes: bool
) -> int:
    """Remove what a campaign's runs have left.

    Scratch directories of its runs are removed as by `headrace gc`: only where results were
    transferred back with checksums. What is removed is shown and asked for. The exit code is 1
    where something could not be removed.
    """
    from headrace.campaigns import clean
    from headrace.runs.points_in_time import duration

    session = current()
    project = session.project()
    with opened(name) as campaign:
        keep = clean.keep_time(campaign.campaign, duration(older) if older else None)
        runs = clean.campaign_run_ids(campaign.database, campaign.id)
        left = (
            clean.left_attempts(campaign.database, campaign.id, project, campaign.campaign, keep)
            if attempts
            else []
        )
    scratch = clean.CampaignScratch(project, session.target, session.services(project), runs, keep)
    found = scratch.find(orphans=orphans)
    ready = [each for each in found if each.reason]
    rows = [
        *(clean.scratch_document(each) for each in found),
        *(clean.attempt_document(each) for each in left),
    ]
    if not dry_run and (ready or left):
        if not yes:
            size = _size(sum(row["bytes"] for row in rows if not row["problem"]))
            count = len(ready) + len(left)
            confirm(f"Remove {count:,} director{'y' if count == 1 else 'ies'} with {size}?")
        removed = scratch.remove(ready, orphans=orphans) if ready else []
        rows = [
            *(clean.scratch_document(each) for each in removed),
            *(clean.attempt_document(each) for each in clean.remove_attempts(left)),
        ]
    display(rows, lambda: _text(rows), _COLUMNS)
    wanted = not dry_run and bool(ready or left)
    return 1 if wanted and not all(row["removed"] for row in rows) else 0


def _text(rows: list[dict[str, Any]]) -> str:
    return table(rows, _FIELDS, "No directory is known that could be removed.")


def _size(count: int) -> str:
    from headrace.runs.describe import format_size

    return format_size(count)
