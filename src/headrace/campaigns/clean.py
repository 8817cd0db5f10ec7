"""Clean-up after a campaign: scratch whose results came back, and outputs of attempts not taken."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.results_place import member_results
from headrace.campaigns.tables.keep import ALWAYS, UNTIL_PULLED
from headrace.runs.scratch import ScratchCollector, ScratchDirectory

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project


@dataclass(frozen=True)
class LeftAttempt:
    """Outputs of an attempt that was not taken, of a member that is done.

    Attributes:
        member: the member's key.
        path: the directory.
        ended_at: when the attempt ended, UTC in ISO format.
        bytes: its size.
        removed: whether it was removed.
        problem: why it is kept; empty where it may be removed.
    """

    member: str
    path: str
    ended_at: str
    bytes: int = 0
    removed: bool = False
    problem: str = ""


def keep_time(campaign: Campaign, older: timedelta | None) -> timedelta:
    """Return how long scratch is kept after the end of its run.

    Args:
        campaign: whose ``[keep] scratch`` says it.
        older: what a person says instead.

    Raises:
        CampaignError: the campaign keeps it always, and nobody says otherwise.
    """
    if older is not None:
        return older
    if campaign.keep.scratch == ALWAYS:
        raise CampaignError(
            f"{campaign.file}: keeps scratch always ([keep] scratch): give --older 30d"
        )
    if campaign.keep.scratch == UNTIL_PULLED:
        return timedelta()
    return timedelta(seconds=campaign.keep.scratch_seconds or 0.0)


class CampaignScratch:
    """Scratch directories that runs of a campaign used.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        run_ids: the runs of the campaign.
        keep: how long a directory is kept after the end of its last run.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        services: Services,
        run_ids: Iterable[str],
        keep: timedelta,
    ) -> None:
        self._collector = ScratchCollector(project, target, services, keep)
        self._run_ids = frozenset(run_ids)

    def find(self, *, orphans: bool = False) -> list[ScratchDirectory]:
        """Return the directories, with why they may be removed or are kept.

        Args:
            orphans: whether those may be removed whose runs were deleted before they had returned
                anything.
        """
        found = self._collector.find(orphans=orphans)
        return [each for each in found if each.run_id in self._run_ids]

    def remove(
        self, directories: Sequence[ScratchDirectory], *, orphans: bool = False
    ) -> list[ScratchDirectory]:
        """Remove directories that still may be; return what was done."""
        return self._collector.remove(directories, orphans=orphans)


def campaign_run_ids(database: sqlite3.Connection, campaign: int) -> list[str]:
    """Return the runs of a campaign."""
    rows = database.execute(
        "SELECT run_id FROM starts WHERE campaign = ? AND run_id <> ''", (campaign,)
    )
    return [str(row[0]) for row in rows]


def left_attempts(
    database: sqlite3.Connection,
    campaign: int,
    project: Project,
    definition: Campaign,
    older: timedelta,
) -> list[LeftAttempt]:
    """Return outputs on this machine of attempts that were not taken, of members that are done.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        project: whose collections they are in.
        definition: the campaign.
        older: how long ago the attempt must have ended.
    """
    until = (datetime.now(UTC) - older).isoformat()
    rows = database.execute(
        "SELECT m.key, m.row, m.grp, m.category, m.id, a.directory, a.lane, a.ended_at "
        "FROM attempts AS a INDEXED BY ended_attempts JOIN members AS m ON m.id = a.member "
        "WHERE a.campaign = ? AND a.ended_at <> '' AND a.ended_at <= ? AND NOT a.accepted "
        "AND m.state = 'done' ORDER BY a.id",
        (campaign, until),
    ).fetchall()
    return [*_left(database, project, definition, rows)]


def _left(
    database: sqlite3.Connection,
    project: Project,
    definition: Campaign,
    rows: Sequence[sqlite3.Row],
) -> Iterator[LeftAttempt]:
    for row in rows:
        place = _place(project, definition, row, row["directory"], row["lane"])
        if place is None or not place.is_dir() or place.is_symlink():
            continue
        taken = database.execute(
            "SELECT directory, lane FROM attempts WHERE member = ? AND accepted", (row["id"],)
        ).fetchall()
        used = [_place(project, definition, row, each[0], each[1]) for each in taken]
        if any(each is not None and (each == place or place in each.parents) for each in used):
            continue  # attempts that share one directory
        yield LeftAttempt(row["key"], str(place), row["ended_at"], directory_size(place))


def _place(
    project: Project, definition: Campaign, row: sqlite3.Row, directory: str, lane: str
) -> Path | None:
    try:
        place = member_results(
            *(project, definition, row["key"], json.loads(row["row"])),
            directory=directory,
            lane=lane,
            group=row["grp"],
            category=row["category"],
        )
    except CampaignError:
        return None
    if place is None or not place.parts:
        return None
    return place.local(project.collection(place.collection).root)


def remove_attempts(found: Sequence[LeftAttempt]) -> list[LeftAttempt]:
    """Remove outputs of attempts; return what was done of each."""
    done = []
    for each in found:
        try:
            shutil.rmtree(each.path)
        except OSError as error:
            done.append(replace(each, problem=f"cannot be removed: {error.strerror}"))
        else:
            done.append(replace(each, removed=True))
    return done


def directory_size(directory: Path) -> int:
    """Return the bytes of the files of a directory; links count as themselves."""
    total = 0
    for above, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(above, name)).st_size  # noqa: PTH118
            except OSError:
                continue  # it has gone meanwhile
    return total


def scratch_document(each: ScratchDirectory) -> dict[str, Any]:
    """Return a scratch directory as JSON shows it, with the kind of what is removed."""
    document = each.document()
    return {"kind": "scratch", **document}


def attempt_document(each: LeftAttempt) -> dict[str, Any]:
    """Return outputs of an attempt as JSON shows them, with the kind of what is removed."""
    reason = "" if each.problem else f"an attempt of {each.member} that was not taken"
    return {"kind": "attempt", **vars(each), "reason": reason}
