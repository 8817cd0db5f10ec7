"""Directories that become members by ``headrace campaign add CAMPAIGN DIR``, wherever they lie.

Each directory that the campaign's rules call a member is read, copied into the campaign's
collection unless it lies in one already, written into the ledger, and given a receipt, in this
order: whatever is killed between, the same command goes on and nothing is there twice.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.directory_copies import DirectoryContent, copy_directory, read_content
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.campaign_ledger import CampaignLedger
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.member_addition import AdditionOptions, add_members
from headrace.campaigns.members.directories import (
    COLUMNS,
    FoundDirectory,
    directory_row,
    find_directories,
)
from headrace.campaigns.members.new_members import MemberReader
from headrace.campaigns.receipts import Receipt, read_receipt, write_receipt
from headrace.campaigns.start_check import StartCheck
from headrace.campaigns.tables.members import DirectoriesTable

if TYPE_CHECKING:
    from headrace.project import Project

# Levels below a directory that is named at which members are looked for.
_DEEPEST: Final = 8


@dataclass(frozen=True)
class AddedDirectory:
    """Directory that was looked at.

    Attributes:
        path: the directory.
        outcome: ``added``, ``shared``, ``there`` or ``refused``.
        member: its key; "" where it has none.
        reason: why it was not added.
    """

    path: Path
    outcome: str
    member: str = ""
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {**vars(self), "path": str(self.path)}


class DirectoryAddition:
    """Adds directories to a campaign.

    Args:
        project: the project.
        target: where the campaign runs.
        campaign: the campaign.
        ledger: the ledger of campaigns.
        options: priority, group and lane of the members.

    Raises:
        CampaignError: the campaign does not say what a member's directory is.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        campaign: Campaign,
        ledger: CampaignLedger,
        options: AdditionOptions,
    ) -> None:
        rules = campaign.members.directories
        if rules is None:
            raise CampaignError(
                f"{campaign.file}: does not say what a member's directory is: write "
                "[members.directories] with collection and find, such as "
                'find = ["exe/crtomo.cfg"]'
            )
        self._rules: DirectoriesTable = rules
        self._project = project
        self._target = target
        self._campaign = campaign
        self._ledger = ledger
        self._options = options
        self._check = StartCheck(project, campaign, target)
        self._reader = MemberReader(campaign, COLUMNS, "directory")

    def add(
        self,
        directories: Sequence[Path],
        report: Callable[[AddedDirectory], None] = lambda found: None,
    ) -> list[AddedDirectory]:
        """Add every member's directory at or below some directories.

        Args:
            directories: where they are looked for.
            report: called with each as soon as it is known.

        Raises:
            CampaignError: a directory is not there, or the ledger cannot be written.
        """
        found = []
        for start in directories:
            if not start.is_dir():
                raise CampaignError(f"{start}: no such directory")
            for path, problem in self._find(start):
                outcome = AddedDirectory(path, "refused", "", problem) if problem else None
                found.append(outcome or self._add_checked(path))
                report(found[-1])
        return found

    def _find(self, start: Path) -> Iterator[tuple[Path, str]]:
        here = start.resolve()
        # The rule's depth is that of the campaign's own directory.
        rules = replace(self._rules, depth=max(self._rules.depth, _DEEPEST))
        if Path(here.root) == here:
            raise CampaignError(f"{start}: is the root of the file system: name one below")
        for each in find_directories(here, rules, here, with_start=True):
            yield here.joinpath(*each.parts), each.problem

    def _add_checked(self, path: Path) -> AddedDirectory:
        try:
            return self._add(path)
        except CampaignError as error:
            return AddedDirectory(path, "refused", "", str(error))
        except OSError as error:
            reason = f"{error.filename or path}: {error.strerror or error}"
            return AddedDirectory(path, "refused", "", reason)

    def _add(self, path: Path) -> AddedDirectory:
        receipt = read_receipt(path)
        known = (self._project.root, self._target, self._campaign.name)
        if receipt is not None:
            if receipt.is_of(*known) and self._in_ledger(receipt.member):
                return AddedDirectory(path, "there", receipt.member, "it has a receipt")
            if not receipt.is_of(*known):
                raise CampaignError(
                    f"{path}: has a receipt of campaign {receipt.campaign} of {receipt.project}: "
                    "it belongs there; remove .headrace.json to add it here"
                )
        place = self._place_in_collection(path)
        content = read_content(path, None if place is None else self._root(place[0]))
        collection, parts, base = place or self._copy(path, content)
        member = self._member(path, content, collection, parts, base)
        outcome, reason = self._enter(member)
        written = Receipt(
            str(self._project.root),
            self._target,
            self._campaign.name,
            member.key,
            content.digest,
        )
        write_receipt(path, written)
        return AddedDirectory(path, outcome, member.key, reason)

    def _in_ledger(self, key: str) -> bool:
        with self._ledger.transaction() as tables:
            campaign = tables.campaigns.find(self._campaign.name)
            return campaign is not None and tables.members.find(campaign.id, key) is not None

    def _root(self, collection: str) -> Path:
        return self._project.collection(collection).root

    def _place_in_collection(self, path: Path) -> tuple[str, tuple[str, ...], str] | None:
        """Return collection, names that lead to a directory, and from where; None outside of all.

        The campaign's own collection comes first, then the others.
        """
        names = [self._rules.collection, *self._project.collections]
        for name in dict.fromkeys(names):
            root = self._root(name).resolve()
            if path.is_relative_to(root) and path != root:
                parts = path.relative_to(root).parts
                base = tuple(part for part in self._rules.path.split("/") if part)
                own = name == self._rules.collection and parts[: len(base)] == base
                if own and len(parts) > len(base):
                    return name, parts[len(base) :], self._rules.path
                return name, parts, "/"
        return None

    def _copy(self, path: Path, content: DirectoryContent) -> tuple[str, tuple[str, ...], str]:
        """Copy a directory into the campaign's collection; one that is there already will do."""
        collection = self._rules.collection
        root = self._root(collection)
        if not root.is_dir():
            raise CampaignError(
                f"collection {collection}: its root {root} is not on this machine: put the "
                "directory into it, and add that"
            )
        base = root.joinpath(*(part for part in self._rules.path.split("/") if part))
        for name in (path.name, f"{path.name}-{content.digest[:8]}"):
            destination = base / name
            if not destination.exists():
                copy_directory(path, content, destination)
                return collection, (name,), self._rules.path
            if read_content(destination).digest == content.digest:
                return collection, (name,), self._rules.path
        raise CampaignError(f"{destination}: is there already, with another content: remove it")

    def _member(
        self,
        path: Path,
        content: DirectoryContent,
        collection: str,
        parts: tuple[str, ...],
        base: str,
    ) -> NewMember:
        row = directory_row(FoundDirectory(parts), collection, base)
        if row.problem:
            raise CampaignError(f"{path}: {row.problem}")
        origin = {"origin": str(path), "origin_host": socket.gethostname()}
        member = self._reader.member_of({**row.values, **origin})
        return replace(member, hash=f"content:{content.digest}")

    def _enter(self, member: NewMember) -> tuple[str, str]:
        """Write a member into the ledger; return what became of it, and why."""
        with self._ledger.transaction() as tables:
            row = tables.campaigns.find(self._campaign.name)
            found = tables.members.find(row.id, member.key) if row else None
            if found is not None:
                if found.row.get("origin") in (None, member.row["origin"]):
                    return "there", "it is a member already"
                # Another directory of this name.
                member = replace(member, key=f"{member.key}-{member.hash[-6:]}")
                if row and tables.members.find(row.id, member.key) is not None:
                    return "there", "it is a member already"
            added = add_members(*(tables, self._campaign, [member], self._options), self._check)
            if not added.shared:
                return "added", ""
            row = tables.campaigns.get(self._campaign.name)
            same = tables.database.execute(
                "SELECT key FROM members WHERE campaign = ? AND hash = ? ORDER BY id LIMIT 1",
                (row.id, member.hash),
            ).fetchone()
            return "shared", f"its content equals that of {same['key']}, whose results it shares"


def origin_of(row: str | dict[str, Any]) -> Path | None:
    """Return the directory that a member came from; None of one that came otherwise.

    Args:
        row: its columns, or the text of them.
    """
    values = json.loads(row) if isinstance(row, str) else row
    origin = values.get("origin")
    return Path(origin) if isinstance(origin, str) and origin else None
