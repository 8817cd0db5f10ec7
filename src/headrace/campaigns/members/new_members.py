"""Members made of rows: keys, priorities, groups, categories and needs, by their templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError, CampaignProblems, MemberRefused
from headrace.campaigns.ledger.member import MemberSource, NewMember
from headrace.campaigns.members.directories import COLUMNS as DIRECTORY_COLUMNS
from headrace.campaigns.members.directories import directory_row, find_directories
from headrace.campaigns.members.keys import key_problem, normal_key
from headrace.campaigns.members.row_text import RowText, text_of
from headrace.campaigns.members.rows import MemberRow, RowTable
from headrace.campaigns.members.tables import open_table
from headrace.campaigns.rendering import number_of

if TYPE_CHECKING:
    from headrace.project import Project

SHOWN_PROBLEMS: Final = 10
"""Rows with problems that are named; the others are counted."""

_SEPARATORS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class ReadMember:
    """Member that was made of a row, or the reason why none was.

    Attributes:
        place: where the row stands.
        member: the member; None where the row cannot be used.
        problem: why not, in one line without the place; "" where it can.
    """

    place: str
    member: NewMember | None
    problem: str = ""


class MemberReader:
    """Makes members of rows.

    Args:
        campaign: whose members they are.
        columns: of their table.
        source: where they come from.
        hash_of: returns the hash of a member's work; "" where nothing is shared.

    Raises:
        CampaignError: no column can be the key.
    """

    def __init__(
        self,
        campaign: Campaign,
        columns: tuple[str, ...],
        source: MemberSource = "table",
        hash_of: Callable[[NewMember], str] | None = None,
    ) -> None:
        members = campaign.members
        self._campaign = campaign
        self._source: MemberSource = source
        self._hash_of = hash_of
        self._key = RowText(members.key or default_key(columns, source), "members.key")
        self._priority = RowText(
            _or_column(members.priority, "0", "priority", columns), "members.priority"
        )
        self._group = RowText(_or_column(members.group, "", "group", columns), "members.group")
        self._category = RowText(
            _or_column(members.category, "", "category", columns), "members.category"
        )
        needs = members.needs or (("{needs}",) if "needs" in columns else ())
        self._needs = tuple(RowText(template, "members.needs") for template in needs)
        self._places: dict[str, str] = {}

    def read(self, rows: Iterable[MemberRow]) -> Iterator[ReadMember]:
        """Yield what is made of each row.

        Args:
            rows: the rows; a key that one of those before had is a problem.

        Raises:
            CampaignError: a template of the campaign has a fault.
        """
        for row in rows:
            if row.problem:
                yield ReadMember(row.place, None, row.problem)
                continue
            try:
                member = self.member_of(row.values)
            except MemberRefused as error:
                yield ReadMember(row.place, None, str(error))
                continue
            if (earlier := self._places.get(member.key)) is not None:
                problem = f"key {member.key!r} is that of {earlier}, too; each member has its own"
                yield ReadMember(row.place, None, problem)
            else:
                self._places[member.key] = row.place
                yield ReadMember(row.place, member)

    def member_of(self, values: Mapping[str, Any], depth: int = 0) -> NewMember:
        """Make a member of a row's values.

        Args:
            values: JSON values by column; None: the column is empty.
            depth: number of members before it, each of which added the next.

        Raises:
            MemberRefused: the row cannot be used.
            CampaignError: a template of the campaign has a fault.
        """
        key = self._key_of(values)
        member = NewMember(
            key=key,
            row=values,
            group=_shown(self._group.render(values)),
            category=_shown(self._category.render(values)),
            priority=self._number(values),
            needs=self._needs_of(values, key) if self._needs else (),
            source=self._source,
            depth=depth,
        )
        if self._hash_of is None:
            return member
        return replace(member, hash=self._hash_of(member))

    def _key_of(self, values: Mapping[str, Any]) -> str:
        text = self._key.render(values)
        if text is None:
            raise MemberRefused(self._key.absent(values))
        key = normal_key(text.strip())
        if problem := key_problem(key):
            raise MemberRefused(problem)
        return key

    def _number(self, values: Mapping[str, Any]) -> float:
        text = self._priority.render(values)
        return 0.0 if text is None else number_of(text, "members.priority")

    def _needs_of(self, values: Mapping[str, Any], key: str) -> tuple[str, ...]:
        found: list[str] = []
        for template in self._needs:
            value = values.get(template.alone) if template.alone else None
            if isinstance(value, list):
                found += [text_of(one).strip() for one in value]
            elif text := template.render(values):
                found += _SEPARATORS.split(text)
        needs = tuple(dict.fromkeys(normal_key(one) for one in found if one))
        if key in needs or f"{self._campaign.name}:{key}" in needs:
            raise MemberRefused(f"needs itself, {key!r}: it could never begin")
        return needs


def default_key(columns: tuple[str, ...], source: MemberSource = "table") -> str:
    """Return the template of keys where the file gives none.

    Args:
        columns: of the members' table.
        source: where members come from; keys of directories are made safe.

    Raises:
        CampaignError: there is no column.
    """
    if source == "directory":
        return "{name:key}"
    if "key" in columns:
        return "{key}"
    if not columns:
        raise CampaignError("members.key: there is no column that could be the key")
    return f"{{{columns[0]}}}"


def open_rows(campaign: Campaign, project: Project | None = None) -> tuple[RowTable, MemberSource]:
    """Return the rows of a campaign's table or directories, and where they come from.

    Args:
        campaign: the campaign.
        project: where its collections are; for directories.

    Raises:
        CampaignError: the table or the directories cannot be read, or there are none.
    """
    if campaign.table_file is not None:
        return open_table(campaign.table_file), "table"
    rules = campaign.members.directories
    if rules is None:
        what = "come from a trigger" if campaign.members.trigger else "come by `add` alone"
        raise CampaignError(f"{campaign.file}: has no table: its members {what}")
    if project is None:
        raise CampaignError(f"{campaign.file}: members.directories: needs the project")
    root = project.collection(rules.collection).root
    start = root / rules.path.strip("/") if rules.path.strip("/") else root
    rows = (
        directory_row(found, rules.collection, rules.path)
        for found in find_directories(start, rules, root, cwd=project.root)
    )
    return RowTable(str(start), DIRECTORY_COLUMNS, rows), "directory"


def read_members(
    campaign: Campaign,
    project: Project | None = None,
    *,
    table: Path | None = None,
    hash_of: Callable[[NewMember], str] | None = None,
) -> Iterator[NewMember]:
    """Yield the members of a campaign's table or directories, one by one.

    Rows that cannot be used are found out as the others are read, and raised after the last: who
    takes members in does it in one transaction.

    Args:
        campaign: the campaign.
        project: where its collections are; for directories.
        table: a table to read instead of the campaign's own.
        hash_of: returns the hash of a member's work; "" where nothing is shared.

    Raises:
        CampaignError: the table or the directories cannot be read, or there are none.
        CampaignProblems: rows that cannot be used, each with its place, the first ten of them.
    """
    rows, source = open_rows(campaign, project) if table is None else (open_table(table), "added")
    reader = MemberReader(campaign, rows.columns, source, hash_of)
    problems: list[str] = []
    count = 0
    for found in reader.read(rows.rows):
        if found.member is not None:
            if not count:
                yield found.member
            continue
        count += 1
        if count <= SHOWN_PROBLEMS:
            problems.append(f"{rows.name}: {found.place}: {found.problem}")
    if count:
        more = count - len(problems)
        raise CampaignProblems([*problems, *([f"and {more} more rows"] if more else [])])


def _or_column(template: str, default: str, column: str, columns: tuple[str, ...]) -> str:
    """Return a template; where the file gives none, that of the column of its name, if any."""
    return f"{{{column}}}" if template == default and column in columns else template


def _shown(text: str | None) -> str:
    """Return a text for people; "" for none."""
    text = (text or "").strip()
    return text if text.isprintable() else terminal_text(text)
