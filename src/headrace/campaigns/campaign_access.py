"""Campaigns of a project in its ledger, for those that ask: beside the driver, which goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headrace._internal.near_names import known_names
from headrace.campaigns.campaign_loading import (
    campaign_file,
    campaign_names,
    campaign_of_definition,
)
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.campaign_row import CampaignRow
from headrace.campaigns.ledger.campaign_table import CampaignTable
from headrace.campaigns.ledger.member_table import MemberTable
from headrace.campaigns.ledger.reading import read_database

if TYPE_CHECKING:
    from headrace.campaigns.campaign import Campaign
    from headrace.campaigns.ledger.campaign_ledger import CampaignLedger
    from headrace.project import Project


@dataclass(frozen=True)
class OpenCampaign:
    """A campaign, read.

    Attributes:
        row: the campaign in the ledger.
        campaign: what its file said when it was started, or was given members last.
        database: the ledger; nothing may be written.
    """

    row: CampaignRow
    campaign: Campaign
    database: sqlite3.Connection

    @property
    def id(self) -> int:
        """Its number in the ledger."""
        return self.row.id

    @property
    def members(self) -> MemberTable:
        """Its members."""
        return MemberTable(self.database, datetime.now(UTC).isoformat())


def ledger_path(project: Project, target: str) -> Path:
    """Return the file of the ledger of campaigns.

    Args:
        project: the project.
        target: where its runs are started.
    """
    from headrace.facility import state_directory

    return state_directory(project.root) / f"campaigns.{target}.db"


@contextmanager
def read_campaign_ledger(project: Project, target: str) -> Iterator[sqlite3.Connection]:
    """Open the ledger of campaigns to read it; what is read is of one moment.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        CampaignError: there is none yet, or it cannot be read.
    """
    path = ledger_path(project, target)
    if not path.exists():
        raise CampaignError(
            f"no campaign of {project.root} was started or given members at {target} yet: "
            "`headrace campaign start NAME`"
        )
    with read_database(path) as database:
        yield database


@contextmanager
def open_campaign(project: Project, target: str, name: str) -> Iterator[OpenCampaign]:
    """Open a campaign to read it.

    Args:
        project: the project.
        target: where its runs are started.
        name: of the campaign.

    Raises:
        CampaignError: there is none of this name, or it was never started and has no members.
    """
    if not ledger_path(project, target).exists():
        campaign_file(project.root, name)  # a name that is none at all is another trouble
    with read_campaign_ledger(project, target) as database:
        row = find_campaign(database, project, name)
        yield OpenCampaign(row, campaign_of_row(project, row), database)


def find_campaign(database: sqlite3.Connection, project: Project, name: str) -> CampaignRow:
    """Return a campaign of the ledger by its name.

    Args:
        database: the ledger.
        project: the project.
        name: of the campaign.

    Raises:
        CampaignError: there is none of this name, or it was never started and has no members.
    """
    row = CampaignTable(database, "").find(name)
    if row is not None:
        return row
    names = all_campaign_names(project, database)
    if name not in names:
        known = known_names(name, names) if names else "`headrace campaign init NAME` makes one"
        raise CampaignError(f"no campaign {name!r} in {project.root}; {known}")
    raise CampaignError(
        f"campaign {name} was not started and has no members yet: `headrace campaign start {name}`"
    )


def campaign_of_row(project: Project, row: CampaignRow) -> Campaign:
    """Return a campaign as its file was when it was started, or was given members last."""
    file = project.root / "campaigns" / f"{row.name}.toml"
    return campaign_of_definition(row.definition, file, templates=False)


def all_campaign_names(project: Project, database: sqlite3.Connection | None = None) -> list[str]:
    """Return the names of all campaigns: those that have a file, and those of the ledger."""
    names = set(campaign_names(project.root))
    if database is not None:
        names |= {str(row[0]) for row in database.execute("SELECT name FROM campaigns")}
    return sorted(names)


@contextmanager
def change_campaign_ledger(project: Project, target: str) -> Iterator[CampaignLedger]:
    """Open the ledger of campaigns to change it, beside a driver or without one.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        CampaignError: it cannot be opened.
    """
    # Those who only read do without all that changes it.
    from headrace.campaigns.ledger.campaign_ledger import CampaignLedger

    with CampaignLedger(ledger_path(project, target), examine=False) as ledger:
        yield ledger


def take_ledger(project: Project, target: str) -> None:
    """Take a ledger that is not the one of before, or begin a new one where it cannot be used.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        CampaignLedgerBusy: a driver or a command works with it.
        CampaignError: it cannot be opened.
    """
    from headrace.campaigns.ledger.campaign_ledger import CampaignLedger

    with CampaignLedger(ledger_path(project, target), start_over=True):
        pass
