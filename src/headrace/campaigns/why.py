"""Failures of members: clusters of their causes, and what the members of each have in common.

As for runs (`headrace.runs.failure_clusters`): causes are equal where only ids, numbers, paths and
times differ, and whether a cause is random or systematic is decided by Fisher's exact test on lane,
host, group, category, step and the columns of the table.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from headrace._internal.shell_words import shell_word
from headrace._internal.text_pattern import starred_pattern
from headrace.runs.cause_template import cause_template, is_specific
from headrace.runs.failure_cause import FailureCause
from headrace.runs.failure_clusters import MOST_LOGS, FailureCluster, Properties, compare_clusters
from headrace.runs.run_properties import Property

# Keys that a command names.
_MOST_KEYS: Final = 10
# Members that are done, of which some are compared with.
_MOST_OTHERS: Final = 2_000
_LONGEST_VALUE: Final = 200
# Characters of a cause that a command names.
_LONGEST_PATTERN: Final = 120


@dataclass(frozen=True)
class MemberFailureCluster(FailureCluster):
    """Members that failed, or wait for a person, of one cause; ``run_ids`` are their keys.

    Attributes:
        campaign: name of the campaign.
        categories: kinds of the cause, with counts.
        blocks: members that wait for one of them.
    """

    campaign: str = ""
    categories: Mapping[str, int] | None = None
    blocks: int = 0

    @property
    def pattern(self) -> str:
        """The pattern that ``--cause`` selects the cluster by, in which ``*`` is any text.

        Quotes, which no shell would show legibly, are any text, too.
        """
        shown = cause_template(self.cause.text)[:_LONGEST_PATTERN]
        parts = re.split(r"<(?:id|time|path|number)>|<[a-z]{0,6}$|['\"`]+", shown)
        return f"{'*'.join(parts).rstrip('*')}*"

    @property
    def keys(self) -> Sequence[str]:
        """The members, in the order of the table."""
        return self.run_ids

    def command(self, conditions: str = "") -> str | None:
        """Return the command that retries its members.

        It is None where no pattern chooses these members alone, and they are too many to be named.

        Args:
            conditions: further options of the selection, without causes and states.
        """
        start = f"headrace campaign retry {self.campaign}"
        if not self.others_matched and is_specific(self.pattern):
            more = f" {conditions}" if conditions else ""
            return f"{start}{more} --cause {shell_word(self.pattern)}"
        if len(self.keys) <= _MOST_KEYS:
            return " ".join([start, *map(shell_word, self.keys)])
        return None

    def document(self, conditions: str = "") -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "count": len(self.keys),
            "cause": self.template,
            "categories": dict(self.categories or {}),
            "verdict": self.verdict,
            "steps": dict(self.states),
            "shared": [vars(each) for each in self.shared],
            "looked_at": self.looked_at,
            "compared_with": self.compared,
            "blocks": self.blocks,
            "example": self.example,
            "command": self.command(conditions),
            "members": list(self.keys),
        }


def explain_member_failures(
    database: sqlite3.Connection,
    campaign: int,
    name: str,
    ids: Sequence[int] | None = None,
) -> list[MemberFailureCluster]:
    """Return the clusters of the failed members of a campaign, the largest first.

    Args:
        database: the ledger.
        campaign: number of the campaign.
        name: its name.
        ids: numbers of the members that are looked at; all by default.
    """
    failed = _failed(database, campaign, ids)
    groups: dict[tuple[str, str], list[sqlite3.Row]] = defaultdict(list)
    templates: dict[str, str] = {}
    for row in failed:
        text = _line(row["cause"])
        template = templates.setdefault(text, cause_template(text))
        groups[template, row["state"]].append(row)
    clusters = [_cluster(name, template, rows) for (template, _), rows in groups.items()]
    clusters = [replace(each, others_matched=_others_matched(each, groups)) for each in clusters]
    clusters.sort(key=lambda each: (-len(each.keys), each.template))
    numbers = {row["key"]: int(row["id"]) for row in failed}
    clusters = [
        replace(each, blocks=_blocked(database, name, campaign, each.keys)) for each in clusters
    ]
    good = _done(database, campaign)
    numbers |= good

    def read(keys: Sequence[str]) -> Properties:
        return _properties(database, [numbers[key] for key in keys])

    compared = compare_clusters(clusters, [*good], read)
    return [each for each in compared if isinstance(each, MemberFailureCluster)]


def _failed(
    database: sqlite3.Connection, campaign: int, ids: Sequence[int] | None
) -> list[sqlite3.Row]:
    where, values = "", []
    if ids is not None:
        where, values = " AND id IN (SELECT value FROM json_each(?))", [json.dumps([*ids])]
    return database.execute(
        "SELECT id, key, state, step, cause, cause_category FROM members INDEXED BY "  # noqa: S608
        f"by_state WHERE campaign = ? AND state IN ('failed', 'asking'){where} ORDER BY id",
        (campaign, *values),
    ).fetchall()


def _cluster(name: str, template: str, rows: Sequence[sqlite3.Row]) -> MemberFailureCluster:
    text = _line(rows[0]["cause"])
    return MemberFailureCluster(
        template or "no cause is known",
        FailureCause(text, "", rows[0]["step"], text),
        [str(row["key"]) for row in rows],
        Counter(str(row["step"]) for row in rows),
        {},
        status=str(rows[0]["state"]),
        campaign=name,
        categories=Counter(str(row["cause_category"]) for row in rows if row["cause_category"]),
    )


def _others_matched(
    cluster: MemberFailureCluster, groups: Mapping[tuple[str, str], Sequence[sqlite3.Row]]
) -> int:
    """Return how many members of other causes its pattern matches."""
    pattern = starred_pattern(cluster.pattern)
    members = set(cluster.keys)
    matched: dict[str, bool] = {}
    count = 0
    for rows in groups.values():
        if rows[0]["key"] in members:
            continue
        for row in rows:
            text = _line(row["cause"])
            if text not in matched:
                matched[text] = pattern.fullmatch(text) is not None
            count += matched[text]
    return count


def _blocked(database: sqlite3.Connection, name: str, campaign: int, keys: Sequence[str]) -> int:
    (count,) = database.execute(
        "SELECT count(DISTINCT member) FROM needs INDEXED BY unmet WHERE campaign = ? AND met = 0 "
        "AND key IN (SELECT value FROM json_each(?))",
        (name, json.dumps([*keys])),
    ).fetchone()
    return int(count)


def _done(database: sqlite3.Connection, campaign: int) -> dict[str, int]:
    """Return some members that are done, evenly spaced, with their numbers."""
    rows = database.execute(
        "SELECT id FROM members INDEXED BY by_state WHERE campaign = ? AND state = 'done'",
        (campaign,),
    ).fetchall()
    step = max(1, -(-len(rows) // _MOST_OTHERS))
    chosen = [int(row[0]) for row in rows[::step]]
    found = database.execute(
        "SELECT key, id FROM members WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(chosen),),
    )
    return {str(key): int(id_) for key, id_ in found}


def _properties(database: sqlite3.Connection, ids: Sequence[int]) -> Properties:
    """Return by key what members may have in common; of each cause so many are looked at.

    See `headrace.runs.failure_clusters.MOST_LOGS`.
    """
    rows = database.execute(
        "SELECT members.id, key, grp, category, members.lane, members.step, row, "
        "(SELECT host FROM attempts WHERE attempts.start = members.start "
        "AND attempts.member = members.id) AS host "
        "FROM members WHERE members.id IN (SELECT value FROM json_each(?))",
        (json.dumps([*ids]),),
    )
    return {str(row["key"]): _properties_of(row) for row in rows}


def _properties_of(row: sqlite3.Row) -> set[Property]:
    named = {
        "lane": row["lane"],
        "host": row["host"],
        "group": row["grp"],
        "category": row["category"],
        "step": row["step"],
    }
    found = {(kind, str(value)) for kind, value in named.items() if value}
    for column, value in json.loads(row["row"]).items():
        plain = isinstance(value, str | int | float) and len(str(value)) <= _LONGEST_VALUE
        if plain and value != row["key"]:
            found.add((f"column {column}", str(value)))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


__all__ = ["MOST_LOGS", "MemberFailureCluster", "explain_member_failures"]
