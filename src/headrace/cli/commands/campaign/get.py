"""``headrace campaign get``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened
from headrace.cli.parsing.members import ids_of, member_options
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_FIELDS = (
    Field("member", key="member"),
    Field("state", key="state"),
    Field("outcome", key="outcome"),
    Field("files", key="files"),
    Field("directory", key="directory"),
    Field("why", key="reason", optional=True),
)
# Members without a fault that are shown.
_SHOWN = 20
_COLUMNS = ("member", "state", "outcome", "files", "directory", "reason")


@click.command
@campaign_argument
@member_options
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Bring them here, each into a directory of its key, instead of where it came from.",
)
@click.option("--force", is_flag=True, help="Also replace files that are newer, or were changed.")
@project_options
def get_command(name: str, chosen: dict[str, Any], to: Path | None, force: bool) -> int:
    """Bring results back to the directories that members came from.

    Takes members that are done, and those that failed, with what they left; all of them by
    default. Each file is compared with what was read, and replaces another one only where that was
    not changed since it was added or brought. The exit code is 1 where something was left or could
    not be brought.
    """
    from headrace.campaigns.fetching import ResultFetcher

    session = current()
    project = session.project()
    with opened(name) as campaign:
        fetcher = ResultFetcher(project, session.target, campaign.campaign, to=to, force=force)
        found = fetcher.fetch(campaign.database, campaign.id, ids_of(campaign, chosen))
    rows = [each.document() for each in found]
    display(rows, lambda: _text(rows), _COLUMNS)
    return 1 if any(each.outcome in ("kept", "failed") for each in found) else 0


def _text(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return (
            "No member is done that came from a directory; with `--to DIR`, results of all others "
            "are brought there."
        )
    counts = Counter(row["outcome"] for row in rows)
    files = sum(row["files"] for row in rows)
    words = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    # What needs a look is shown whole, of the others the first.
    shown = [row for row in rows if row["outcome"] in ("kept", "failed")]
    others = [row for row in rows if row["outcome"] not in ("kept", "failed")]
    more = len(others) - _SHOWN
    lines = [table([*shown, *others[:_SHOWN]], _FIELDS, "")]
    if more > 0:
        lines.append(f"... and {more:,} more")
    return "\n".join([*lines, f"{words}; {files:,} files"])
