"""Changes of the members that a selection chooses: count, confirmation, answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headrace.cli.commands.campaign._campaigns import note_that_nothing_runs
from headrace.cli.parsing.members import is_empty, selection_of
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.terminal import one_line

if TYPE_CHECKING:
    from headrace.campaigns.ledger import CampaignLedger, CampaignRow, Change, LedgerTables

F = TypeVar("F", bound=Callable[..., Any])

# More members than these are shown and asked for.
_UNASKED: Final = 10
_COLUMNS: Final = ("verb", "count")
# Changes after which members are to be started.
_MAKES_READY: Final = frozenset({"release", "retry"})

Request = Callable[["LedgerTables", int, Sequence[int]], "Change"]
"""Makes a change; called with the tables, the number of the campaign and those of the members."""


def yes_option(function: F) -> F:
    """Add ``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def reason_option(function: F) -> F:
    """Add ``--reason``."""
    return click.option(
        "--reason", default="", metavar="TEXT", help="Why; it is shown, and kept in the log."
    )(function)


def change_members(
    name: str,
    chosen: dict[str, Any],
    verb: str,
    request: Request,
    *,
    yes: bool,
    default_state: str = "",
) -> int:
    """Change the members that a command's words choose; return the exit code.

    Args:
        name: the campaign.
        chosen: the words.
        verb: the change.
        request: makes it.
        yes: whether nobody is asked.
        default_state: state of the members that conditions mean where they say none.

    Returns:
        1 where members were chosen and none of them was changed, else 0.

    Raises:
        UsageError: no member and no condition is given.
    """
    from headrace.campaigns.change_text import CHANGED_MEMBERS, member_count

    if is_empty(chosen):
        raise click.UsageError(
            f"no member is given: name some (`headrace campaign list {name}`), or say which, such "
            "as --state failed, --group NAME or '*'"
        )
    if default_state and not chosen["state"] and not chosen["keys"]:
        chosen = {**chosen, "state": (default_state,)}
    with open_to_change(name) as (ledger, row):
        selection = selection_of(chosen)
        with ledger.transaction() as tables:
            ids = selection.ids(tables.database, row.id)
            counts = _states(tables, ids)
        if not ids:
            display({"verb": verb, "count": 0, "changed": [], "left": {}}, "No member matches.")
            return 0
        if len(ids) > _UNASKED and not yes:
            confirm(f"{verb.capitalize()} {member_count(len(ids))} ({counts})?", terminal_only=True)
        with ledger.transaction() as tables:
            # A question may stand open for long: what is asked for are the members shown.
            change = request(tables, row.id, ids)
    show_change(change, CHANGED_MEMBERS.get(verb, verb))
    if change.changed and verb in _MAKES_READY:
        note_that_nothing_runs(current().project(), name)
    return 0 if change.changed else 1


def change_campaign(name: str, request: Callable[[LedgerTables, int], Change], text: str) -> None:
    """Make a change of a campaign or a lane, and display it.

    Args:
        name: the campaign.
        request: makes the change.
        text: what is so afterwards.
    """
    with open_to_change(name) as (ledger, row), ledger.transaction() as tables:
        change = request(tables, row.id)
    document = {
        "campaign": name,
        "verb": change.verb,
        "subject": change.subject,
        "changed": not change.is_empty,
    }
    display(document, text if not change.is_empty else f"{text} It was so before.", ("changed",))


def change_lane(
    name: str, lane: str, request: Callable[[LedgerTables, int], Change], text: str
) -> None:
    """Make a change of a lane, and display it.

    Args:
        name: the campaign.
        lane: the lane.
        request: makes the change.
        text: what is so afterwards.

    Raises:
        CampaignError: the campaign has no such lane.
    """
    from headrace.cli.commands.campaign._campaigns import opened

    with opened(name) as campaign:
        campaign.campaign.lane(lane)
    change_campaign(name, request, text)


def show_change(change: Change, done: str, text: str = "") -> None:
    """Display what a change has done, and what it has left and why.

    Args:
        change: the change.
        done: what members are afterwards.
        text: what is said of a change that is none of members.
    """
    document = {
        "verb": change.verb,
        "count": len(change.changed),
        "changed": list(change.changed),
        "left": {reason: list(keys) for reason, keys in change.left.items()},
    }
    display(document, lambda: text or change_text(change, done), _COLUMNS)


def change_text(change: Change, done: str) -> str:
    """Return what a change has done, and what it has left and why."""
    from headrace.campaigns.change_text import change_lines

    return "\n".join(map(one_line, change_lines(change, done))) or "Nothing was changed."


@contextmanager
def open_to_change(name: str) -> Iterator[tuple[CampaignLedger, CampaignRow]]:
    """Open the ledger to change a campaign of it."""
    from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign

    session = current()
    project = session.project()
    with open_campaign(project, session.target, name) as campaign:
        row = campaign.row  # one that is not there is told with the names that are
    with change_campaign_ledger(project, session.target) as ledger:
        yield ledger, row


def _states(tables: LedgerTables, ids: Sequence[int]) -> str:
    import json

    rows = tables.database.execute(
        "SELECT state FROM members WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps([*ids]),),
    )
    counted = Counter(str(row[0]) for row in rows).most_common()
    return ", ".join(f"{count:,} {state}" for state, count in counted)
