"""The directory of a campaign's results: a name for each member, a table, and the log.

::

    members/KEY -> the directory that its accepted attempt has brought back, or its last one's
    by/STATE/KEY, by/group/GROUP/KEY, by/lane/LANE/KEY -> the same
    table.csv        the table of the campaign, with what became of each member
    campaign.jsonl   what was done with the campaign and its members, when, by whom, why

Only what has changed since the last time is looked at: of 100,000 members, those whose attempts
have ended or whose states somebody has changed. A kill at any moment leaves links that the next
call puts right.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import temporary_beside, write_atomic
from headrace._internal.files import in_turn
from headrace.campaigns.result_table import write_table

# What the links say was looked at.
_CURSOR: Final = ".links.json"
_LOCK: Final = ".links.lock"
TABLE: Final = "table.csv"
LOG: Final = "campaign.jsonl"
# States that have a directory of links: those of which there is something to be seen.
LINKED_STATES: Final = ("done", "failed", "asking", "held", "running", "dropped")
_PORTION: Final = 2_000
_NAME_BYTES: Final = 200


@dataclass(frozen=True)
class LinkedMember:
    """Member, as links show it.

    Attributes:
        key: its name.
        state: its state.
        group: its group; "" for none.
        lane: where it was last; "" for nowhere.
        directory: of its accepted attempt, or its last one: KEY/STEP-LLL.A.
        row: its columns.
    """

    key: str
    state: str
    group: str
    lane: str
    directory: str
    row: dict[str, Any]


Locate = Callable[[LinkedMember], Path | None]
"""Says where on this machine a member's results are; None where they are elsewhere."""


@dataclass(frozen=True)
class ResultsUpdate:
    """Outcome of an update of the directory of results.

    Attributes:
        members: members whose links were looked at.
        entries: lines that the log was given.
        table: rows of the table, where it was written; else None.
    """

    members: int
    entries: int
    table: int | None


def update_results(
    database: sqlite3.Connection,
    campaign: int,
    directory: Path,
    locate: Locate,
    *,
    with_table: bool = True,
) -> ResultsUpdate:
    """Bring the directory of results up to date.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        directory: the directory of results; made if need be.
        locate: says where members' results are.
        with_table: whether the table is written anew, which takes seconds for 100,000 members.

    Raises:
        OSError: the directory cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # A driver and a person's command may both be at it: no entry of the log comes twice.
    with in_turn(directory / _LOCK):
        members = _update_links(database, campaign, directory, locate)
        entries = append_log(database, campaign, directory / LOG)
        rows = write_table(database, campaign, directory / TABLE) if with_table else None
    return ResultsUpdate(members, entries, rows)


def append_log(database: sqlite3.Connection, campaign: int, path: Path) -> int:
    """Append what the ledger's log has, and the file does not; return how many entries that were.

    The file says by its last line how far it goes, so that nothing is in it twice after a kill.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        path: the file, with a JSON object on each line.
    """
    last = _last_entry(path)
    rows = database.execute(
        "SELECT log.id, log.at, members.key AS member, log.who, log.what, log.detail FROM log "
        "LEFT JOIN members ON members.id = log.member WHERE log.campaign = ? AND log.id > ? "
        "ORDER BY log.id",
        (campaign, last),
    )
    count = 0
    with path.open("a", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(dict(row), ensure_ascii=False) + "\n")
            count += 1
    return count


def _last_entry(path: Path) -> int:
    """Return the number of a log's last whole line; what a kill has left after it is cut off."""
    if not path.exists():
        return 0
    with path.open("r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        tail = b""
        while end > 0:
            begin = max(0, end - 65_536)
            stream.seek(begin)
            tail = stream.read(end - begin) + tail
            end = begin
            complete, newline, rest = tail.rpartition(b"\n")
            if not newline:
                continue
            if rest:
                stream.truncate(begin + len(complete) + 1)
            line = complete.rpartition(b"\n")[2]
            if begin == 0 or b"\n" in complete:
                return int(json.loads(line)["id"])
        stream.truncate(0)
    return 0


def _update_links(
    database: sqlite3.Connection, campaign: int, directory: Path, locate: Locate
) -> int:
    cursor = _read_cursor(directory / _CURSOR)
    (change,) = database.execute(
        "SELECT coalesce(max(id), 0) FROM changes WHERE campaign = ?", (campaign,)
    ).fetchone()
    (ended,) = database.execute(
        "SELECT coalesce(max(ended_at), '') FROM attempts INDEXED BY ended_attempts "
        "WHERE campaign = ? AND ended_at <> ''",
        (campaign,),
    ).fetchone()
    ids = _touched(database, campaign, cursor)
    for start in range(0, len(ids), _PORTION):
        for member in linked_members(database, ids[start : start + _PORTION]):
            _link(directory, member, locate(member))
    # Attempts that end within the same instant are looked at again: nothing is missed.
    write_atomic(directory / _CURSOR, json.dumps({"ended_at": ended, "change": change}))
    return len(ids)


def _read_cursor(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        return {"ended_at": str(found["ended_at"]), "change": int(found["change"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"ended_at": "", "change": 0}  # everything is looked at anew


def _touched(database: sqlite3.Connection, campaign: int, cursor: dict[str, Any]) -> list[int]:
    """Return the members whose attempts have ended, or that somebody has changed, since."""
    rows = database.execute(
        "SELECT member FROM attempts INDEXED BY ended_attempts "
        "WHERE campaign = ?1 AND ended_at >= ?2 AND ended_at <> '' "
        "UNION SELECT change_members.member FROM changes "
        "JOIN change_members ON change_members.change = changes.id "
        "JOIN attempts ON attempts.member = change_members.member "
        "WHERE changes.campaign = ?1 AND changes.id > ?3",
        (campaign, cursor["ended_at"], cursor["change"]),
    )
    return [int(row[0]) for row in rows]


def linked_members(database: sqlite3.Connection, ids: list[int]) -> Iterator[LinkedMember]:
    """Yield members with the directories of their attempts, by their numbers."""
    rows = database.execute(
        "SELECT key, state, grp, lane, row, CASE WHEN accepted_directory <> '' "
        "THEN accepted_directory ELSE coalesce((SELECT directory FROM attempts "
        "WHERE attempts.member = members.id ORDER BY attempts.id DESC LIMIT 1), '') END "
        "AS directory FROM members WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    )
    for row in rows:
        yield LinkedMember(
            row["key"],
            row["state"],
            row["grp"],
            row["lane"],
            row["directory"],
            json.loads(row["row"]),
        )


def _link(directory: Path, member: LinkedMember, target: Path | None) -> None:
    name = file_name(member.key)
    wanted: set[Path] = set()
    if target is not None and target.is_dir():
        wanted.add(directory / "members" / name)
        if member.state in LINKED_STATES:
            wanted.add(directory / "by" / member.state / name)
        if member.group:
            wanted.add(directory / "by" / "group" / file_name(member.group) / name)
        if member.lane:
            wanted.add(directory / "by" / "lane" / file_name(member.lane) / name)
        for place in wanted:
            _point(place, target)
    lanes = directory / "by" / "lane"
    places = [directory / "members" / name]
    places += [directory / "by" / state / name for state in LINKED_STATES]
    places += [lane / name for lane in lanes.iterdir()] if lanes.is_dir() else []
    for place in places:
        if place not in wanted and place.is_symlink():
            place.unlink(missing_ok=True)


def _point(place: Path, target: Path) -> None:
    """Have a link point to a directory, without a moment in which there is none."""
    text = os.path.relpath(target, place.parent)
    if place.is_symlink() and str(place.readlink()) == text:
        return
    if place.exists() and not place.is_symlink():
        return  # somebody's own file stays
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(place)
    temporary.symlink_to(text)
    temporary.replace(place)


def file_name(text: str) -> str:
    """Return a text as the name of a file: slashes and what begins with a dot are changed."""
    name = text.replace("/", "_").replace("\0", "_")
    # What a file system takes, less what the name of a temporary file has more.
    name = name.encode("utf-8", "replace")[:_NAME_BYTES].decode("utf-8", "ignore")
    return f"_{name}" if name.startswith(".") else name or "_"
