"""``headrace campaign list``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, hours, minute, opened
from headrace.cli.parsing.members import member_options, selection_of
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, display_table, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field

if TYPE_CHECKING:
    from headrace.campaigns.ledger import Member

_FIELDS = {
    "key": Field("member", key="key"),
    "state": Field("state", key="state"),
    "step": Field("step", lambda row: f"{row['step']} {row['leg']}", key="step"),
    "group": Field("group", key="group", optional=True),
    "lane": Field("lane", key="lane", optional=True),
    "attempts": Field("failures", lambda row: row["attempts"] or "", key="attempts", optional=True),
    "core_hours": Field(
        "core hours",
        lambda row: hours(row["core_hours"]) if row["core_hours"] else "",
        key="core_hours",
        optional=True,
    ),
    "cause": Field("cause", key="cause", optional=True),
}
_MORE = {
    "leg": Field("leg", key="leg"),
    "category": Field("category", key="category"),
    "priority": Field("priority", lambda row: f"{row['priority']:g}", key="priority"),
    "free_attempts": Field("free failures", key="free_attempts"),
    "wanted_lane": Field("wanted in", key="wanted_lane"),
    "waits_for": Field("waits for", key="waits_for"),
    "cause_category": Field("kind of cause", key="cause_category"),
    "run_id": Field("run", key="run_id"),
    "directory": Field("directory", key="directory"),
    "changed_at": Field("changed", lambda row: minute(row["changed_at"]), key="changed_at"),
    "created_at": Field("added", lambda row: minute(row["created_at"]), key="created_at"),
}


@click.command
@campaign_argument
@member_options
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="Maximum number of members (20)."
)
@click.option("--page", type=click.IntRange(1), default=1, help="Page of so many members (1).")
@click.option(
    "--columns",
    metavar="NAME,...",
    help="Columns of text and unix format: "
    f"{', '.join([*_FIELDS, *_MORE])}, columns of the table, and facts.",
)
@click.option("--count", is_flag=True, help="Only the number of members, of each state.")
@project_options
def list_command(
    name: str, chosen: dict[str, Any], limit: int, page: int, columns: str | None, count: bool
) -> None:
    """List members, in the order of the table."""
    with opened(name) as campaign:
        ids = selection_of(chosen).ids(campaign.database, campaign.id)
        if count:
            members = campaign.members.read(ids)
            counted = Counter(str(each.state) for each in members)
            document: dict[str, Any] = {"members": len(members), **dict(counted)}
            words = ", ".join(f"{number:,} {state}" for state, number in counted.items())
            display(document, f"{len(members):,} members{f': {words}' if words else ''}")
            return
        start = (page - 1) * limit
        rows = [_document(each) for each in campaign.members.read(ids[start : start + limit])]
    display_table(rows, _fields(columns, rows), "No member matches.")
    if is_text() and len(ids) > start + limit:
        note(f"{len(ids) - start - limit:,} more members: --page {page + 1}")


def _document(member: Member) -> dict[str, Any]:
    names = [*_FIELDS, *_MORE]
    known = {name: getattr(member, name) for name in names if name != "directory"}
    more = {"row": dict(member.row), "facts": dict(member.facts)}
    return {**known, "directory": member.accepted_directory, **more}


def _fields(columns: str | None, rows: list[dict[str, Any]]) -> list[Field]:
    """Return the columns that are named, or those of every list."""
    if columns is None:
        return [*_FIELDS.values()]
    session, found = current(), []
    shown_flat = session.format != "json" and session.jmespath is None
    for name in filter(None, (each.strip() for each in columns.split(","))):
        known = _FIELDS.get(name) or _MORE.get(name)
        if known is None and rows and not any(name in {**r["row"], **r["facts"]} for r in rows):
            there = ", ".join([*_FIELDS, *_MORE, *rows[0]["row"], *rows[0]["facts"]])
            raise click.UsageError(f"--columns: no column or fact {name!r}; there are {there}")
        if known is None:
            # JSON has them in `row` and `facts`.
            for row in rows if shown_flat else ():
                row[name] = row["facts"].get(name, row["row"].get(name))
            known = Field(name, key=name)
        found.append(known)
    if not found:
        raise click.UsageError("--columns: names no column")
    return found
