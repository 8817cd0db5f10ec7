"""Hashes of members' work: equal where the named content, the input and the flows are equal."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.closing import ClosedOnExit
from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace.campaigns.campaign import Campaign
from headrace.campaigns.directory_copies import file_digest, read_content
from headrace.campaigns.errors import CampaignError, MemberRefused
from headrace.campaigns.rendering import (
    MEMBERS,
    Attempt,
    attempt_placeholders,
    member_placeholders,
    render,
    render_text,
)
from headrace.config.errors import ProjectError
from headrace.triggers.template import JsonValue, Texts

if TYPE_CHECKING:
    from headrace.campaigns.ledger.member import NewMember
    from headrace.project import Project

CACHE_FILE: Final = "campaign_hashes.db"
"""Name of the file in ``.headrace/`` that keeps digests of files."""

# What was written so lately may change once more without a new time of its own.
_SETTLED_SECONDS: Final = 3.0
_NEUTRAL: Final = "KEY"
_SAME: Final = (
    "lane",
    "endpoint",
    "lane_collection",
    "attempt_directory",
    "previous_directory",
    "group",
    "category",
)
"""Placeholders that name a place or a member, and do not change the work."""


class DigestCache:
    """Digests of files, kept as long as their sizes and times stay as they are.

    Args:
        path: the file; a cache that cannot be read is made anew.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = self._opened(path)
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)
            self._database = self._opened(path)

    def digest(self, path: Path) -> str:
        """Return the SHA-256 of a file, in hexadecimal.

        Raises:
            CampaignError: it cannot be read, or changes meanwhile.
        """
        before = _state(path)
        row = self._database.execute(
            "SELECT digest FROM digests WHERE path = ? AND state = ?", (str(path), before)
        ).fetchone()
        if row is not None:
            return str(row[0])
        digest = file_digest(path)
        if _state(path) != before:
            raise CampaignError(f"{path}: changed while it was read: try again when it is complete")
        if time.time() - path.stat().st_mtime > _SETTLED_SECONDS:
            self._database.execute(
                "INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", (str(path), before, digest)
            )
        return digest

    def close(self) -> None:
        """Keep what was found."""
        self._database.commit()
        self._database.close()

    @staticmethod
    def _opened(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=60)
        try:
            database.execute(
                "CREATE TABLE IF NOT EXISTS digests "
                "(path TEXT PRIMARY KEY, state TEXT NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database


class WorkHasher(ClosedOnExit):
    """Hashes of the work of a campaign's members; a context, which keeps digests at its end.

    Two members have the same hash where the content of the paths that ``members.hash`` names is
    the same, and the inputs of all steps are, in which these paths and the members' own names are
    left out; and where the flows are as they were.

    Args:
        project: where collections and flows are.
        campaign: the campaign.

    Raises:
        CampaignError: a flow of the campaign cannot be read.
    """

    def __init__(self, project: Project, campaign: Campaign) -> None:
        self._project, self._campaign = project, campaign
        try:
            flows = project.flows([step.flow for step in campaign.steps])
        except ProjectError as error:
            raise CampaignError(str(error)) from error
        self._flows = [flows[step.flow].sha256() for step in campaign.steps]
        self._cache = DigestCache(project.root / ".headrace" / CACHE_FILE)

    def close(self) -> None:
        """Close the cache of digests."""
        self._cache.close()

    def hash_of(self, member: NewMember) -> str:
        """Return the hash of a member's work; "" where the campaign shares nothing.

        Args:
            member: the member; its hash is not looked at.

        Raises:
            MemberRefused: a path is not there or cannot be read, or its row cannot be used.
            CampaignError: a template has a fault.
        """
        templates = self._campaign.members.hash
        if not templates:
            return ""
        name = self._campaign.name
        texts = member_placeholders(name, member.key, member.row, member.group, member.category)
        contents: dict[tuple[str, str], str] = {}
        for template in templates:
            place = self._place(render_text(template, texts, "members.hash"))
            contents[place.collection, place.path.rstrip("/") or "/"] = self._content(place)
        parts = [sorted(contents.values()), self._flows, self._inputs(member, texts, contents)]
        text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
        return f"work:{sha256(text.encode()).hexdigest()}"

    def _place(self, text: str) -> CollectionPath:
        collection, colon, path = text.partition(":")
        if not colon or collection not in self._project.collections:
            raise MemberRefused(
                f"members.hash: {text!r}: write COLLECTION:PATH, with a collection of headrace.toml"
            )
        try:
            return CollectionPath.parse(collection, path)
        except CollectionPathError as error:
            raise MemberRefused(f"members.hash: {text!r}: the path {error}") from error

    def _content(self, place: CollectionPath) -> str:
        root = self._project.collection(place.collection).root
        local = place.local(root)
        try:
            if local.is_dir():
                return read_content(local, root, self._cache.digest).digest
            return self._cache.digest(local)
        except CampaignError as error:
            raise MemberRefused(f"members.hash: {error}") from error

    def _inputs(
        self,
        member: NewMember,
        texts: Mapping[str, Texts],
        contents: Mapping[tuple[str, str], str],
    ) -> list[Any]:
        """Return the inputs of all steps, without what names places and members."""
        found = []
        for step in self._campaign.steps:
            attempt = attempt_placeholders(self._campaign, Attempt(step.name))
            same: dict[str, Texts] = dict.fromkeys(_SAME, _NEUTRAL)
            lanes = {each: _NEUTRAL for each in attempt if each.startswith("lane.")}
            known = {**texts, **attempt, **same, **lanes, "key": _NEUTRAL}
            if step.takes_list:
                known[MEMBERS] = JsonValue([render(dict(step.member), known, "member")])
            found.append(_without_places(render(dict(step.input), known, "input"), contents))
        return found


def _without_places(value: Any, contents: Mapping[tuple[str, str], str]) -> Any:
    """Return a value with the digests of hashed paths in the place of these."""
    if isinstance(value, Mapping):
        if set(value) == {"collection", "path"} and isinstance(value["path"], str):
            place = (str(value["collection"]), f"/{value['path'].strip('/')}")
            if place in contents:
                return {"content": contents[place]}
        return {name: _without_places(one, contents) for name, one in value.items()}
    if isinstance(value, list):
        return [_without_places(one, contents) for one in value]
    if isinstance(value, str):
        for (collection, path), digest in contents.items():
            if value in (path, f"{path}/", f"{collection}:{path}", f"{collection}:{path}/"):
                return digest
    return value


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read: {error.strerror}") from error
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"
