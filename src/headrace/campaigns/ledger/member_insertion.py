"""Adding members to a campaign, many at once; those that are there are compared."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member import AddedMembers, NewMember
from headrace.campaigns.ledger.needs import parse_need, refuse_circles, write_needs

_AT_ONCE: Final = 5_000
# Made once: `json.dumps` makes one for each call that says how.
_TEXT: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
# While members are added, so many kB of the indexes stay in memory; afterwards, SQLite's default.
_CACHE: Final = 48_000
_USUAL_CACHE: Final = 2_000
_INSERT: Final = (
    "INSERT INTO members (id, campaign, key, state, grp, category, priority, step, hash, content, "
    "row, source, depth, shared_with, waits_for, created_at, changed_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE: Final = (
    "UPDATE members SET grp = ?, category = ?, priority = ?, hash = ?, content = ?, row = ?, "
    "state = ?, shared_with = ?, changed_at = ?, revision = revision + 1 WHERE id = ?"
)
_UNSTARTED: Final = frozenset({"waiting", "ready", "held", "shared"})


class MemberInsertion:
    """One addition of members to a campaign, within a transaction.

    Args:
        database: the ledger, in a transaction.
        now: the time, UTC in ISO format.
        campaign: number of the campaign.
        step: name of the step that they begin with.
    """

    def __init__(self, database: sqlite3.Connection, now: str, campaign: int, step: str) -> None:
        self._database = database
        self._now = now
        self._campaign = campaign
        self._step = step
        (self._name,) = database.execute(
            "SELECT name FROM campaigns WHERE id = ?", (campaign,)
        ).fetchone()
        (self._next,) = database.execute("SELECT coalesce(max(id), 0) + 1 FROM members").fetchone()
        self._keys: set[str] = set()
        self._needs: list[tuple[int, str, str]] = []
        self._with_needs: list[int] = []
        self._added = self._unchanged = 0
        self._updated: list[str] = []
        self._kept: list[str] = []
        self._shared: list[str] = []
        self._rehashed: list[int] = []

    def add(self, members: Iterable[NewMember]) -> AddedMembers:
        """Add members; the table is read as it comes, and never held as a whole.

        Raises:
            CampaignError: a key stands twice, or a row holds what is no plain value.
            NeedsCircle: members need each other in a circle.
        """
        source = iter(members)
        try:
            self._database.execute(f"PRAGMA cache_size = -{_CACHE}")
            while portion := [*islice(source, _AT_ONCE)]:
                self._add(portion)
            self._write_needs()
            self._replace_doers()
        finally:
            self._database.execute(f"PRAGMA cache_size = -{_USUAL_CACHE}")
        return AddedMembers(
            self._added,
            tuple(self._updated),
            tuple(self._kept),
            self._unchanged,
            tuple(self._shared),
        )

    def _write_needs(self) -> None:
        if self._with_needs:
            write_needs(self._database, self._needs, self._with_needs)
            refuse_circles(self._database, self._with_needs)

    def _replace_doers(self) -> None:
        """Have those do their work that shared it with a member whose hash is another one now."""
        if not self._rehashed:
            return
        rows = self._database.execute(
            "SELECT s.id, s.hash, s.waits_for FROM members AS s JOIN members AS o "
            "ON o.id = s.shared_with WHERE o.id IN (SELECT value FROM json_each(?)) "
            "AND s.state = 'shared' AND s.hash <> o.hash ORDER BY s.id",
            (json.dumps(self._rehashed),),
        ).fetchall()
        doers: dict[str, int] = {}
        for row in rows:
            doer = doers.setdefault(row["hash"], row["id"])
            if doer == row["id"]:
                state, shared_with = "waiting" if row["waits_for"] else "ready", None
            else:
                state, shared_with = "shared", doer
            self._database.execute(
                "UPDATE members SET state = ?, shared_with = ?, changed_at = ?, "
                "revision = revision + 1 WHERE id = ?",
                (state, shared_with, self._now, row["id"]),
            )

    def _add(self, portion: list[NewMember]) -> None:
        known = self._known([member.key for member in portion])
        hashes = self._hashes([member.hash for member in portion if member.hash])
        inserted, updated = [], []
        for member in portion:
            if member.key in self._keys:
                raise CampaignError(
                    f"campaign {self._name}: the key {member.key!r} stands twice; keys are unique: "
                    "give each member its own, or leave one out"
                )
            self._keys.add(member.key)
            row, content = self._texts(member)
            found = known.get(member.key)
            if found is None:
                inserted.append(self._inserted(member, row, content, hashes))
            elif found["content"] == content:
                self._unchanged += 1
            elif found["state"] not in _UNSTARTED or found["start"] is not None:
                self._kept.append(member.key)
            else:
                updated.append(self._changed(member, row, content, hashes, found))
        self._database.executemany(_INSERT, inserted)
        self._database.executemany(_UPDATE, updated)

    def _known(self, keys: list[str]) -> dict[str, sqlite3.Row]:
        rows = self._database.execute(
            "SELECT id, key, state, start, content, hash FROM members "
            "WHERE campaign = ? AND key IN (SELECT value FROM json_each(?))",
            (self._campaign, json.dumps(keys)),
        )
        return {row["key"]: row for row in rows}

    def _hashes(self, hashes: list[str]) -> dict[str, int]:
        """Return which members do the work that has these hashes."""
        rows = self._database.execute(
            "SELECT hash, min(id) FROM members WHERE campaign = ? AND hash <> '' "
            "AND hash IN (SELECT value FROM json_each(?)) AND state NOT IN ('dropped', 'shared') "
            "GROUP BY hash",
            (self._campaign, json.dumps(hashes)),
        )
        return dict(rows.fetchall()) if hashes else {}

    def _texts(self, member: NewMember) -> tuple[str, str]:
        """Return the row of a member as text, and a digest of all that it is added with."""
        try:
            row = _TEXT.encode(dict(member.row))
        except (TypeError, ValueError) as error:
            raise CampaignError(
                f"campaign {self._name}: member {member.key}: its row cannot be kept: {error}; "
                "columns are texts, numbers, true or false, lists and tables of these"
            ) from error
        others = (member.group, member.category, str(float(member.priority)), member.hash)
        text = "\0".join((row, *others, *member.needs))
        return row, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]

    def _inserted(
        self, member: NewMember, row: str, content: str, hashes: dict[str, int]
    ) -> tuple[Any, ...]:
        id_ = self._next
        self._next += 1
        self._added += 1
        shared_with = self._shares(member, id_, hashes)
        if member.needs:
            self._note_needs(member, id_)
            self._with_needs.append(id_)
        # What is met already, `write_needs` sees.
        state = "shared" if shared_with is not None else "waiting" if member.needs else "ready"
        return (
            *(id_, self._campaign, member.key, state, member.group, member.category),
            *(float(member.priority), self._step, member.hash, content, row),
            *(member.source, member.depth, shared_with, len(member.needs), self._now, self._now),
        )

    def _changed(
        self,
        member: NewMember,
        row: str,
        content: str,
        hashes: dict[str, int],
        found: sqlite3.Row,
    ) -> tuple[Any, ...]:
        id_ = int(found["id"])
        self._updated.append(member.key)
        if found["hash"] and found["hash"] != member.hash:
            self._rehashed.append(id_)
            if hashes.get(found["hash"]) == id_:
                del hashes[found["hash"]]
        shared_with = self._shares(member, id_, hashes)
        self._note_needs(member, id_)
        self._with_needs.append(id_)  # even without needs: it may have had some
        # `write_needs` has it wait if it must.
        state = "held" if found["state"] == "held" else "ready"
        return (
            *(member.group, member.category, float(member.priority), member.hash, content, row),
            *(state if shared_with is None else "shared", shared_with, self._now, id_),
        )

    def _shares(self, member: NewMember, id_: int, hashes: dict[str, int]) -> int | None:
        if not member.hash:
            return None
        does = hashes.setdefault(member.hash, id_)
        if does == id_:
            return None
        self._shared.append(member.key)
        return does

    def _note_needs(self, member: NewMember, id_: int) -> None:
        needs = (parse_need(each, self._name) for each in member.needs)
        self._needs += ((id_, *need) for need in needs)
