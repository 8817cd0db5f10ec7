"""The campaign that a command names, and numbers as its commands write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import is_text
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.campaigns.campaign_access import OpenCampaign
    from headrace.campaigns.ledger.member import AddedMembers
    from headrace.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def campaign_argument(function: F) -> F:
    """Add ``CAMPAIGN``, which the function gets as ``name``."""
    return click.argument("name", metavar="CAMPAIGN", shell_complete=completion.campaigns)(function)


def lane_argument(function: F) -> F:
    """Add ``LANE``."""
    return click.argument("lane", metavar="LANE", shell_complete=completion.lanes)(function)


@contextmanager
def opened(name: str) -> Iterator[OpenCampaign]:
    """Open the campaign that the command line names, to read it."""
    from headrace.campaigns.campaign_access import open_campaign

    session = current()
    with open_campaign(session.project(), session.target, name) as campaign:
        yield campaign


def note_that_nothing_runs(project: Project, name: str) -> None:
    """Say to a person that members wait for somebody to start them, where that is so."""
    from headrace.campaigns.campaign_access import ledger_path, read_campaign_ledger
    from headrace.campaigns.driver.project_driver import is_driven
    from headrace.campaigns.ledger.campaign_table import CampaignTable

    target = current().target
    if not is_text() or not ledger_path(project, target).exists():
        return
    with read_campaign_ledger(project, target) as database:
        row = CampaignTable(database, "").find(name)
    if row is None:
        return
    if row.state == "paused":
        note(f"campaign {name} is paused: `headrace campaign resume {name}`")
    elif row.state == "draft" or not is_driven(project, target):
        note(f"nothing runs them yet: `headrace campaign start {name}`")


def hours(count: float) -> str:
    """Return core hours as text: few with decimals, many without."""
    return f"{count:,.0f}" if count >= 1000 else f"{count:,.1f}" if count >= 1 else f"{count:.3g}"


def minute(text: str) -> str:
    """Return a time of the ledger in the local zone, to the minute; "" for none."""
    from datetime import datetime

    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M")


def added_text(added: AddedMembers) -> str:
    """Return what became of rows that were added."""
    counted = (
        (added.added, "added"),
        (len(added.updated), "changed"),
        (len(added.kept), "kept as they were, for they have begun"),
        (added.unchanged, "there already"),
        (len(added.shared), "of them share the results of others"),
    )
    return ", ".join(f"{count:,} {words}" for count, words in counted if count) or "nothing to add"


def members_text(count: int) -> str:
    """Return a number of members as text."""
    return f"{count:,} member{'' if count == 1 else 's'}"


def who() -> str:
    """Return who gives a command, for the log."""
    import getpass
    import socket

    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):
        return socket.gethostname()
