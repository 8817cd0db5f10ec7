"""Selections of members: what people say on the command line and the page, as a query.

What an index can answer is asked of the ledger; ``where`` is evaluated for what is left.
"""

from __future__ import annotations

import ast
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.near_names import did_you_mean
from headrace.campaigns.errors import SelectionError
from headrace.campaigns.ledger.member import MEMBER_COLUMNS, STATES, Member, member_from_row

if TYPE_CHECKING:
    from headrace.flowlang.expressions import Expression

# Members of which `where` shows a fault are told at most so many names.
_MAX_COMPARED: Final = 2_000
_VALUES: Final = "(SELECT value FROM json_each(?))"
_NAMES: Final = (
    *("key", "state", "group", "category", "priority", "step", "leg", "attempt", "attempts"),
    *("free_attempts", "lane", "cause", "cause_category", "core_hours", "run_id", "source"),
)
# What conditions know of a member, besides its columns and facts, and the ledger's columns.
_FIELDS: Final = {name: "grp" if name == "group" else name for name in _NAMES}
_PAYLOAD_COLUMNS: Final = ", ".join(
    f"members.{column}" for column in ("id", *_FIELDS.values(), "facts", "row")
)


@dataclass(frozen=True)
class FoundMembers:
    """Some of the members that are selected, in the order of their keys.

    Attributes:
        members: the members.
        after: key after which the search goes on; "" where it is at its end.
        examined: members of which the expressions were evaluated.
    """

    members: tuple[Member, ...]
    after: str
    examined: int


@dataclass(frozen=True)
class MemberSelection:
    """Conditions on members of a campaign; all of them hold, and of several values of one, any.

    Attributes:
        keys: keys; ``*`` is any text.
        states: states.
        groups: groups; ``*`` is any text.
        lanes: lanes where they are or were last; ``*`` is any text.
        steps: steps that they are at; ``*`` is any text.
        categories: categories of members; ``*`` is any text.
        causes: texts in their causes; with ``*``, the complete cause. Letters' case is ignored.
        cause_categories: kinds of causes, such as "time limit".
        where: expressions of the flow language over the member's columns, its facts and what lists
            show: "rms > 2". A fact hides a column of its name, and a column a field of the ledger.
        limit: how many members at most; None for all.
    """

    keys: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    cause_categories: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    limit: int | None = None

    def ids(self, database: sqlite3.Connection, campaign: int) -> list[int]:
        """Return the numbers of the members that are selected, in the order of their table.

        Args:
            database: the ledger.
            campaign: number of the campaign.

        Raises:
            SelectionError: a key is unknown, a state is none, or an expression cannot be evaluated.
        """
        self._refuse_unknown(database, campaign)
        if self.where:
            chosen = self._evaluated(database, campaign, _PAYLOAD_COLUMNS, "ORDER BY members.id")
            return [row["id"] for row in islice(chosen, self.limit)]
        query, values = self._query("members.id", campaign)
        limit = "" if self.limit is None else f" LIMIT {int(self.limit)}"
        rows = database.execute(f"{query} ORDER BY members.id{limit}", values)
        return [row[0] for row in rows]

    def count(self, database: sqlite3.Connection, campaign: int) -> int:
        """Return how many members are selected.

        Args:
            database: the ledger.
            campaign: number of the campaign.

        Raises:
            SelectionError: a key is unknown, a state is none, or an expression cannot be evaluated.
        """
        if self.where or self.limit is not None:
            return len(self.ids(database, campaign))
        self._refuse_unknown(database, campaign)
        query, values = self._query("count(*)", campaign)
        return int(database.execute(query, values).fetchone()[0])

    def page(
        self, database: sqlite3.Connection, campaign: int, *, after: str = "", limit: int = 50
    ) -> list[Member]:
        """Return some of the members that are selected, in the order of their keys.

        Args:
            database: the ledger.
            campaign: number of the campaign.
            after: key of the last member of the page before; "" for the first page.
            limit: how many at most.

        Raises:
            SelectionError: a key is unknown, a state is none, or an expression cannot be evaluated.
        """
        self._refuse_unknown(database, campaign)
        order = "ORDER BY members.key"
        chosen = self._evaluated(database, campaign, MEMBER_COLUMNS, order, after)
        return [member_from_row(row) for row in islice(chosen, limit)]

    def search(
        self,
        database: sqlite3.Connection,
        campaign: int,
        *,
        after: str = "",
        limit: int = 50,
        examined: int = 1_000,
    ) -> FoundMembers:
        """Return some of the members that are selected; expressions are evaluated of a few alone.

        Args:
            database: the ledger.
            campaign: number of the campaign.
            after: key after which to begin; "" for the first.
            limit: how many members at most.
            examined: members at most of which expressions are evaluated.

        Raises:
            SelectionError: a key is unknown, a state is none, or an expression cannot be evaluated.
        """
        self._refuse_unknown(database, campaign)
        query, values = self._query(MEMBER_COLUMNS, campaign)
        if after:
            query, values = f"{query} AND members.key > ?", [*values, after]
        conditions = _Conditions(self.where)
        found: list[Member] = []
        count, key = 0, ""
        for row in database.execute(f"{query} ORDER BY members.key", values):
            if len(found) == limit or (self.where and count == examined):
                return FoundMembers(tuple(found), key, count)
            count, key = count + 1, str(row["key"])
            if conditions.hold(row):
                found.append(member_from_row(row))
        if not after:
            conditions.refuse_useless()
        return FoundMembers(tuple(found), "", count)

    # -- inside

    def _evaluated(
        self,
        database: sqlite3.Connection,
        campaign: int,
        columns: str,
        order: str,
        after: str = "",
    ) -> Iterator[sqlite3.Row]:
        query, values = self._query(columns, campaign)
        if after:
            query, values = f"{query} AND members.key > ?", [*values, after]
        conditions = _Conditions(self.where)
        for row in database.execute(f"{query} {order}", values):
            if conditions.hold(row):
                yield row
        conditions.refuse_useless()

    def _query(self, columns: str, campaign: int) -> tuple[str, list[Any]]:
        clauses, values = ["campaign = ?"], [campaign]
        for column, texts in (
            ("key", self.keys),
            ("state", self.states),
            ("grp", self.groups),
            ("lane", self.lanes),
            ("step", self.steps),
            ("category", self.categories),
            ("cause_category", self.cause_categories),
        ):
            _add_texts(clauses, values, f"members.{column}", texts)
        if self.causes:
            clauses.append("cause <> ''")
            _add_causes(clauses, values, self.causes)
        where = " AND ".join(clauses)
        return f"SELECT {columns} FROM members WHERE {where}", values  # noqa: S608 - our own text

    def _refuse_unknown(self, database: sqlite3.Connection, campaign: int) -> None:
        for state in self.states:
            if state not in STATES:
                hint = did_you_mean(state, STATES) or f"states are {', '.join(STATES)}"
                raise SelectionError(f"no member can be {state!r}; {hint}")
        wanted = [key for key in self.keys if "*" not in key]
        rows = database.execute(
            "SELECT key FROM members "
            "WHERE campaign = ? AND key IN (SELECT value FROM json_each(?))",
            (campaign, json.dumps(wanted)),
        )
        known = {row[0] for row in rows}
        unknown = next((key for key in wanted if key not in known), None)
        if unknown is not None:
            raise SelectionError(_unknown_key(database, campaign, unknown))


class _Conditions:
    """The expressions of a selection, and whether they could be evaluated.

    A member for which one cannot be, such as one that has no facts yet, is not selected. If that is
    so for every member, the expression is told as wrong.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._expressions = [_compile(text) for text in texts]
        self._fields = _fields_of(self._expressions)
        self._fault = ""
        self._evaluated = not texts

    def hold(self, row: sqlite3.Row) -> bool:
        if not self._expressions:
            return True
        from headrace.flowlang.errors import ExpressionError

        payload = _payload(row, self._fields)
        try:
            chosen = all(bool(each.evaluate(payload)) for each in self._expressions)
        except ExpressionError as error:
            self._fault = self._fault or f"member {row['key']}: {error}"
            return False
        self._evaluated = True
        return chosen

    def refuse_useless(self) -> None:
        if self._fault and not self._evaluated:
            raise SelectionError(
                f"the condition cannot be evaluated for any member; {self._fault}. Names are "
                f"columns of the table, facts of results, and {', '.join(_NAMES)}; columns of a "
                "table in CSV are texts, float(NAME) is the number"
            )


def _compile(text: str) -> Expression:
    from headrace.flowlang.errors import ExpressionError
    from headrace.flowlang.expressions import compile_expression

    try:
        return compile_expression(text)
    except ExpressionError as error:
        raise SelectionError(f"the condition {text!r} is no expression: {error}") from error


def _fields_of(expressions: Sequence[Expression]) -> list[tuple[str, str]]:
    """Return the fields of members that expressions may name: of 100,000 no other is needed."""
    if any(expression.paths for expression in expressions):
        return [*_FIELDS.items()]
    nodes = (node for each in expressions for node in ast.walk(each.tree))
    named = {node.id for node in nodes if isinstance(node, ast.Name)}
    return [(name, column) for name, column in _FIELDS.items() if name in named]


def _payload(row: sqlite3.Row, fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    payload: dict[str, Any] = {name: row[column] for name, column in fields}
    payload.update(json.loads(row["row"]))
    if row["facts"] != "{}":
        payload.update(json.loads(row["facts"]))
    return payload


def _add_texts(clauses: list[str], values: list[Any], column: str, texts: Sequence[str]) -> None:
    if not texts:
        return
    exact = [text for text in texts if "*" not in text]
    patterns = [text for text in texts if "*" in text]
    any_of = [f"{column} GLOB ?" for _ in patterns]
    values += [_glob(text) for text in patterns]
    if exact:
        # One value is compared, so that an index gives its members in their order.
        one = len(exact) == 1
        any_of.append(f"{column} = ?" if one else f"{column} IN {_VALUES}")
        values.append(exact[0] if one else json.dumps(exact))
    clauses.append(f"({' OR '.join(any_of)})")


def _add_causes(clauses: list[str], values: list[Any], texts: Sequence[str]) -> None:
    any_of = []
    for text in texts:
        pattern = "*" in text
        any_of.append("lower(cause) GLOB ?" if pattern else "instr(lower(cause), ?) > 0")
        values.append(_glob(text.lower()) if pattern else text.lower())
    clauses.append(f"({' OR '.join(any_of)})")


def _glob(text: str) -> str:
    """Return a pattern in which only ``*`` stands for other texts."""
    return text.replace("[", "[[]").replace("?", "[?]")


def _unknown_key(database: sqlite3.Connection, campaign: int, key: str) -> str:
    first = database.execute(
        "SELECT key FROM members WHERE campaign = ? AND key > ? LIMIT ?",
        (campaign, key[:1], _MAX_COMPARED),
    )
    near = did_you_mean(key, [row[0] for row in first])
    hint = near or "`headrace campaign list` shows those that there are"
    return f"the campaign has no member {key!r}; {hint}"
