"""Members made of a trigger's arrivals: each arrival whose run was started is one, once.

The watch decides what is complete, and starts the trigger's own flow for it (one that fetches the
data, say). The ledger of arrivals is only read here. Each member keeps its arrival's tag in the
column ``arrival``: an arrival that is a member already is none again, whatever crashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.members.keys import safe_key
from headrace.campaigns.members.new_members import MemberReader
from headrace.ledger_file import ChangeWatch
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_access import read_started
from headrace.triggers.ledger_kind import LEDGER_OF_ARRIVALS
from headrace.triggers.output_values import OutputValue
from headrace.triggers.record import Record
from headrace.triggers.state_files import ledger_file
from headrace.triggers.template import placeholders
from headrace.triggers.trigger import Trigger
from headrace.triggers.trigger_loading import load_trigger

if TYPE_CHECKING:
    from headrace.campaigns.ledger.tables import LedgerTables
    from headrace.project import Project

ARRIVAL: Final = "arrival"
"""Column with the tag of a member's arrival."""


def member_from_arrival(campaign: Campaign, trigger: Trigger, record: Record) -> NewMember:
    """Make a member of an arrival.

    Args:
        campaign: whose member it becomes.
        trigger: the trigger that saw it.
        record: its record in the ledger of arrivals.

    Raises:
        MemberRefused: it cannot be one, as its key is none.
        CampaignError: a template of the campaign has a fault.
    """
    row = arrival_row(trigger, record)
    return MemberReader(campaign, tuple(row), "trigger").member_of(row)


def arrival_row(trigger: Trigger, record: Record) -> dict[str, Any]:
    """Return the columns of an arrival: the placeholders of triggers, and where it is.

    Args:
        trigger: the trigger that saw it.
        record: its record in the ledger of arrivals.
    """
    arrival = arrival_from_record(trigger, record)
    row: dict[str, Any] = {}
    for name, value in placeholders(arrival).items():
        if isinstance(value, OutputValue):
            row[name] = value.at("output") if value.text else None
        else:
            row[name] = list(value) if isinstance(value, tuple) else value
    # Another one of this name, after the first was removed or replaced, has a key of its own.
    key = safe_key(arrival.name) or f"arrival{record.id}"
    return {
        "key": key if record.generation == 1 else f"{key}.{record.generation}",
        **row,
        "source_collection": record.collection,
        "source_path": record.path if trigger.watches_directory else None,
        "run_id": record.run_id,
        ARRIVAL: record.tag,
    }


class ArrivalFeed:
    """The arrivals of the trigger that feeds a campaign, read while a watch works with them.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        campaign: the campaign.

    Raises:
        CampaignError: it has no such trigger.
    """

    def __init__(self, project: Project, target: str, campaign: Campaign) -> None:
        name = campaign.members.trigger
        if name is None:
            raise CampaignError(f"{campaign.file}: members.trigger: there is none")
        self._campaign = campaign
        self._path = ledger_file(project, target)
        roots = {each: one.root for each, one in project.collections.items()}
        try:
            self._trigger = load_trigger(
                project.triggers_dir / f"{name}.toml", roots, must_exist=False
            )
        except TriggerError as error:
            raise CampaignError(f"{campaign.file}: members.trigger: {error}") from error
        self._changes = ChangeWatch(self._path, LEDGER_OF_ARRIVALS)
        self._seen: tuple[int, int] | None = None
        self.problems: dict[str, str] = {}

    @property
    def has_changed(self) -> bool:
        """True where somebody has written to the ledger of arrivals since it was read.

        Raises:
            CampaignError: it cannot be read.
        """
        return self._state() != self._seen

    def new_members(self, tables: LedgerTables, campaign: int) -> list[NewMember]:
        """Return the arrivals that are no members yet; those that cannot be are in `problems`.

        Args:
            tables: the ledger of campaigns, in the transaction in which they are added.
            campaign: the campaign's number in it.

        Raises:
            CampaignError: the ledger of arrivals cannot be read.
        """
        state = self._state()
        if state == self._seen:
            return []
        known = _known_arrivals(tables, campaign)
        try:
            records = read_started(self._path, self._trigger.name)
        except TriggerError as error:
            raise CampaignError(str(error)) from error
        found = list(self._members(tables, campaign, records, known))
        self._seen = state
        return found

    def forget(self) -> None:
        """Look at all arrivals again: the members that were returned last were not added."""
        self._seen = None

    def close(self) -> None:
        """Close the ledger of arrivals."""
        self._changes.close()

    def _state(self) -> tuple[int, int]:
        try:
            return self._changes.state()
        except TriggerError as error:
            raise CampaignError(str(error)) from error

    def _members(
        self, tables: LedgerTables, campaign: int, records: list[Record], known: set[str]
    ) -> Iterator[NewMember]:
        for record in records:
            if record.tag in known or record.tag in self.problems:
                continue
            try:
                member = member_from_arrival(self._campaign, self._trigger, record)
                if tables.members.find(campaign, member.key) is not None:
                    raise MemberRefused(f"key {member.key!r} is that of another member already")
            except MemberRefused as error:
                self.problems[record.tag] = f"arrival {record.path}: {error}"
            else:
                yield member


def _known_arrivals(tables: LedgerTables, campaign: int) -> set[str]:
    rows = tables.database.execute(
        f"SELECT json_extract(row, '$.{ARRIVAL}') FROM members "  # noqa: S608 - our own text
        "WHERE campaign = ? AND source = 'trigger'",
        (campaign,),
    )
    return {str(row[0]) for row in rows}
