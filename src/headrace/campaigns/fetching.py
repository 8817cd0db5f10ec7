"""Results of members brought to where each came from, or to a directory.

A file that is there and is another one is replaced only where that loses nothing: it was brought
by an earlier fetch and is as it was, or has not been changed since the directory was added. Every
file is replaced as a whole, and compared with what was read. The results of a member with several
legs or steps come into a directory for each, such as ``run-001.1``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.directory_addition import origin_of
from headrace.campaigns.directory_copies import copy_file, file_digest, read_content
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.receipts import Receipt, read_receipt, write_receipt
from headrace.campaigns.results_place import member_results

if TYPE_CHECKING:
    from headrace._internal.collection_path import CollectionPath
    from headrace.project import Project

_SELECT: Final = (
    "SELECT m.id, m.key, m.state, w.id AS work_id, w.grp, w.category, m.row, "
    "w.state AS work_state, w.row AS work_row, w.key AS work_key, w.lane, "
    "CASE WHEN w.accepted_directory <> '' THEN w.accepted_directory ELSE "
    "coalesce((SELECT directory FROM attempts WHERE attempts.member = w.id "
    " AND attempts.ended_at <> '' ORDER BY attempts.id DESC LIMIT 1), '') END AS directory "
    "FROM members AS m JOIN members AS w ON w.id = coalesce(m.shared_with, m.id) "
)
FETCHED_STATES: Final = ("done", "failed", "shared")


@dataclass(frozen=True)
class FetchedMember:
    """Outcome of bringing the results of a member.

    Attributes:
        member: its key.
        state: its state.
        directory: where the results are now; "" where they were not brought.
        outcome: ``fetched``, ``there`` (nothing is new), ``kept`` (files that are newer were left),
            ``nothing`` (no results, or nowhere to bring them to) or ``failed``.
        files: files that were written.
        kept: paths of files that are newer and were left alone.
        reason: why something was left or failed.
    """

    member: str
    state: str
    directory: str = ""
    outcome: str = "fetched"
    files: int = 0
    kept: tuple[str, ...] = ()
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {**vars(self), "kept": list(self.kept)}


class ResultFetcher:
    """Brings results of members to where each came from.

    Args:
        project: the project.
        target: where the campaign runs.
        campaign: the campaign.
        to: a directory for those that came from no directory, or for all; each has its own in it.
        force: whether newer files are replaced.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        campaign: Campaign,
        *,
        to: Path | None = None,
        force: bool = False,
    ) -> None:
        self._project = project
        self._target = target
        self._campaign = campaign
        self._to = to
        self._force = force

    def fetch(
        self,
        database: sqlite3.Connection,
        campaign: int,
        ids: Iterable[int] | None = None,
        report: Callable[[FetchedMember], None] = lambda found: None,
    ) -> list[FetchedMember]:
        """Bring the results of members that are done, failed, or share those of another.

        Args:
            database: the ledger.
            campaign: number of the campaign.
            ids: numbers of the members; all that came from a directory by default, or all where a
                directory was given.
            report: called with each as soon as it is known.
        """
        found = []
        for row in self._rows(database, campaign, ids):
            if ids is None and self._to is None and origin_of(row["row"]) is None:
                continue
            try:
                outcome = self._fetch(database, row)
            except CampaignError as error:
                outcome = FetchedMember(row["key"], row["state"], "", "failed", reason=str(error))
            except OSError as error:
                reason = f"{error.filename or row['key']}: {error.strerror or error}"
                outcome = FetchedMember(row["key"], row["state"], "", "failed", reason=reason)
            found.append(outcome)
            report(outcome)
        return found

    def _rows(
        self, database: sqlite3.Connection, campaign: int, ids: Iterable[int] | None
    ) -> Iterator[sqlite3.Row]:
        if ids is None:
            states = ", ".join(f"'{state}'" for state in FETCHED_STATES)
            where = f"WHERE m.campaign = ? AND m.state IN ({states}) ORDER BY m.id"
            yield from database.execute(f"{_SELECT} {where}", (campaign,)).fetchall()
            return
        where = "WHERE m.id IN (SELECT value FROM json_each(?)) ORDER BY m.id"
        yield from database.execute(f"{_SELECT} {where}", (json.dumps([*ids]),)).fetchall()

    def _fetch(self, database: sqlite3.Connection, row: sqlite3.Row) -> FetchedMember:
        key, state = str(row["key"]), str(row["state"])
        if state not in FETCHED_STATES or not row["directory"]:
            reason = f"it is {state}" if not row["directory"] else f"it is {state}: not done yet"
            return FetchedMember(key, state, "", "nothing", reason=reason)
        last = str(row["directory"])
        sources = [*self._earlier_sources(database, row)]
        beside = f"{last.rpartition('/')[2]}/" if sources else ""
        sources.append((beside, self._source(row, last, str(row["lane"]))))
        origin = origin_of(row["row"])
        destination = self._to / key if self._to is not None else origin
        if destination is None:
            return FetchedMember(
                *(key, state, "", "nothing"),
                reason="it came from no directory: give --to DIR",
            )
        if origin == destination and not destination.is_dir():
            return FetchedMember(
                *(key, state, "", "nothing"),
                reason=f"{destination}, where it came from, is not on this machine: give --to DIR",
            )
        return self._bring(row, sources, destination, origin == destination)

    def _earlier_sources(
        self, database: sqlite3.Connection, row: sqlite3.Row
    ) -> list[tuple[str, Path]]:
        """Return the results of earlier legs and steps, each with its directory's name."""
        earlier = database.execute(
            "SELECT a.directory, s.lane FROM attempts AS a JOIN starts AS s ON s.id = a.start "
            "WHERE a.member = ? AND a.accepted AND a.directory NOT IN ('', ?) ORDER BY a.id",
            (row["work_id"], row["directory"]),
        )
        return [
            (
                f"{directory.rpartition('/')[2]}/",
                self._source(row, directory, lane),
            )
            for directory, lane in earlier
        ]

    def _source(self, row: sqlite3.Row, directory: str, lane: str) -> Path:
        place = self._place(row, directory, lane)
        source = place.local(self._project.collection(place.collection).root)
        if not source.is_dir():
            raise CampaignError(
                f"member {row['key']}: its results are to be at {place}, and {source} is not there "
                "on this machine: transfer them here, or see [results] directory of "
                f"{self._campaign.file.name}"
            )
        return source

    def _place(self, row: sqlite3.Row, directory: str, lane: str) -> CollectionPath:
        place = member_results(
            *(self._project, self._campaign, row["work_key"], json.loads(row["work_row"])),
            directory=directory,
            lane=lane,
            group=row["grp"],
            category=row["category"],
        )
        if place is None:
            raise CampaignError(
                f"{self._campaign.file}: does not say where results are: write [results] with "
                'directory = "COLLECTION:/PATH/{attempt_directory}/"'
            )
        return place

    def _bring(
        self,
        row: sqlite3.Row,
        sources: list[tuple[str, Path]],
        destination: Path,
        is_origin: bool,
    ) -> FetchedMember:
        receipt = (read_receipt(destination) if destination.is_dir() else None) or Receipt(
            str(self._project.root),
            self._target,
            self._campaign.name,
            str(row["key"]),
            "",
            added_at="" if is_origin else datetime.now(UTC).isoformat(),
        )
        if any(source.resolve() == destination.resolve() for _, source in sources):
            return FetchedMember(row["key"], row["state"], str(destination), "there")
        found = {
            f"{beside}{inside}": (source / inside, digest)
            for beside, source in sources
            for inside, digest in read_content(source, self._project_root_of(source)).files.items()
        }
        written: dict[str, str] = {}
        kept, count = [], 0
        for inside, (file, digest) in found.items():
            place = destination / inside
            if place.is_symlink() or place.exists():
                if place.is_file() and not place.is_symlink() and file_digest(place) == digest:
                    written[inside] = digest
                    continue
                if not self._force and not _may_replace(place, inside, receipt):
                    kept.append(inside)
                    continue
            if place.is_symlink():
                place.unlink()
            _check_inside(destination, place)
            written[inside] = copy_file(file, place, digest)
            count += 1
        destination.mkdir(parents=True, exist_ok=True)
        fetched = receipt.fetched(str(row["state"]), str(row["directory"]), written)
        if count or receipt.attempt != fetched.attempt or receipt.state != fetched.state:
            write_receipt(destination, fetched)
        reason = f"{len(kept)} files there are newer: --force replaces them" if kept else ""
        outcome = "kept" if kept else "fetched" if count else "there"
        return FetchedMember(
            *(row["key"], row["state"], str(destination), outcome, count, tuple(kept), reason)
        )

    def _project_root_of(self, source: Path) -> Path:
        """Return the root of the collection that a directory lies in."""
        for collection in self._project.collections.values():
            root = collection.root
            if root.is_dir() and source.resolve().is_relative_to(root.resolve()):
                return root
        return source


def _may_replace(place: Path, inside: str, receipt: Receipt) -> bool:
    """Return whether a file that is another one may be replaced without losing anything."""
    if not place.is_file() or place.is_symlink():
        return False
    if inside in receipt.files:
        return file_digest(place) == receipt.files[inside]
    if not receipt.added_at or not receipt.digest:
        return False
    added = datetime.fromisoformat(receipt.added_at)
    return datetime.fromtimestamp(place.stat().st_mtime, UTC) <= added


def _check_inside(destination: Path, place: Path) -> None:
    """Check that no link leads out of a directory on the way to one of its files.

    Raises:
        CampaignError: one does.
    """
    if not place.parent.resolve().is_relative_to(destination.resolve()):
        raise CampaignError(f"{place}: a link leads out of {destination} there: remove it")
