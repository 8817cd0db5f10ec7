"""Two campaigns to which anything may happen, and what holds of their ledger all the time.

Members are added, also again with other rows; their runs start, end, are refused, come late;
people hold, drop, retry and undo; and the process is killed before it has committed what it does.
A member has one open attempt at most; what it needs is counted rightly; of each leg one attempt is
accepted, and facts come from accepted attempts alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headrace.campaigns import CampaignError, NeedsCircle
from headrace.campaigns.ledger import (
    UNDER_WAY,
    AttemptEnd,
    CampaignLedger,
    Change,
    LedgerTables,
    MemberState,
    NewMember,
    NewStart,
    requests,
)

NAMES = ("a", "b")
KEYS = tuple(f"m{number}" for number in range(6))
NEEDS = (*KEYS, "a:*", "b:m0", "a:m1", "b:*")
PICKED = st.sets(st.integers(1, 12), min_size=1, max_size=4)
MEMBERS = st.dictionaries(
    st.sampled_from(KEYS),
    st.builds(
        NewMember,
        key=st.just(""),
        row=st.fixed_dictionaries({"x": st.integers(0, 1)}),
        group=st.sampled_from(("", "g")),
        needs=st.one_of(st.just(()), st.lists(st.sampled_from(NEEDS), max_size=2).map(tuple)),
        hash=st.sampled_from(("", "", "h1", "h2")),
    ),
    min_size=1,
    max_size=4,
)
ENDS: st.SearchStrategy[tuple[bool, MemberState]] = st.sampled_from(
    (
        (True, "ready"),
        (True, "done"),
        (True, "done"),
        (False, "ready"),
        (False, "failed"),
        (False, "held"),
    )
)
ALL_STATES_LEFT = {"done", "dropped", "shared"}


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


class LedgerMachine(RuleBasedStateMachine):
    """Two campaigns and their ledger."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "campaigns.db"
        self.ledger = CampaignLedger(self.path)
        self.kill = False
        self.once_done: set[tuple[str, str]] = set()
        with self.change() as tables:
            for name in NAMES:
                row = tables.campaigns.add(name, {}, "")
                for after in ("leg", "member", "group", "campaign"):
                    tables.grafts.add(row.id, after, {"flow": after})  # type: ignore[arg-type]

    def teardown(self) -> None:
        self.ledger.close()
        self.directory.cleanup()

    @contextmanager
    def change(self) -> Iterator[LedgerTables]:
        """Give a transaction; where the process is killed at its end, nothing of it is left."""
        try:
            with self.ledger.transaction() as tables:
                yield tables
                if self.kill:
                    raise Killed
        except Killed:
            self.kill = False
            self.ledger.close()
            self.ledger = CampaignLedger(self.path)

    def rows(self, query: str, *values: Any) -> list[Any]:
        with self.ledger.transaction() as tables:
            return tables.database.execute(query, values).fetchall()

    # -- what happens

    @rule()
    def kill_next(self) -> None:
        self.kill = True

    @rule(name=st.sampled_from(NAMES), members=MEMBERS)
    def add(self, name: str, members: dict[str, NewMember]) -> None:
        before = self.rows("SELECT * FROM members")
        new = [
            NewMember(key, one.row, one.group, needs=one.needs, hash=one.hash)
            for key, one in members.items()
        ]
        try:
            with self.change() as tables:
                tables.members.add(tables.campaigns.get(name).id, new, step="start")
        except NeedsCircle:
            assert [*map(tuple, self.rows("SELECT * FROM members"))] == [*map(tuple, before)]

    @rule(name=st.sampled_from(NAMES), size=st.integers(1, 3), lane=st.sampled_from(("", "one")))
    def begin(self, name: str, size: int, lane: str) -> None:
        with self.change() as tables:
            campaign = tables.campaigns.get(name).id
            ready = [
                member
                for queue in tables.queue.names(campaign)
                for member in tables.queue.read(campaign, queue, size)
            ]
            pack = [member.id for member in ready if member.step == ready[0].step][:size]
            if pack:
                new = NewStart("md", tuple(pack), lane, ready[0].step)
                (start,) = tables.starts.begin(campaign, [new])
                assert start.size == len(pack)

    @rule(
        name=st.sampled_from(NAMES),
        count=st.integers(1, 4),
        then=st.sampled_from(("done", "done", "ready", "failed")),
    )
    def run(self, name: str, count: int, then: MemberState) -> None:
        """Members go all the way through one attempt."""
        for _ in range(count):
            with self.change() as tables:
                campaign = tables.campaigns.get(name).id
                ready = [
                    member
                    for queue in tables.queue.names(campaign)
                    for member in tables.queue.read(campaign, queue, 1)
                ]
                if not ready:
                    return
                new = NewStart("md", (ready[0].id,), "", ready[0].step)
                (start,) = tables.starts.begin(campaign, [new])
                tables.starts.mark_open(start.id, f"run-{start.id}")
                (attempt,) = tables.starts.attempts(start.id)
                done = then != "failed"
                leg = attempt.leg + 1 if then == "ready" else None
                end = AttemptEnd(ready[0].id, done, then, leg=leg, facts={"attempt": attempt.id})
                tables.starts.end(start.id, "SUCCEEDED", [end], core_hours=1.0)

    @rule(data=st.data())
    def open(self, data: st.DataObject) -> None:
        intents = self.rows("SELECT id FROM starts WHERE state = 'intent' ORDER BY id")
        if intents:
            start = data.draw(st.sampled_from([row[0] for row in intents]))
            with self.change() as tables:
                tables.starts.mark_open(start, f"run-{start}")

    @rule(data=st.data(), how=st.sampled_from(("end", "end", "refuse", "supersede")))
    def end(self, data: st.DataObject, how: str) -> None:
        state = "intent" if how == "refuse" else "open"
        found = self.rows("SELECT id FROM starts WHERE state = ? ORDER BY id", state)
        if not found:
            return
        start = data.draw(st.sampled_from([row[0] for row in found]))
        with self.change() as tables:
            ends = [
                self.draw_end(data, attempt.id, attempt.member, how)
                for attempt in tables.starts.attempts(start)
            ]
            if how == "refuse":
                tables.starts.refuse(start, "refused", ends)
            elif how == "supersede":
                tables.starts.supersede(start, ends)
            else:
                tables.starts.end(start, "SUCCEEDED", ends, core_hours=1.0)

    def draw_end(self, data: st.DataObject, attempt: int, member: int, how: str) -> AttemptEnd:
        done, then = data.draw(ENDS)
        if how != "end":
            done, then = False, "ready"
        step = data.draw(st.sampled_from((None, None, "other"))) if done else None
        leg = data.draw(st.sampled_from((None, 2))) if done else None
        counted = data.draw(st.booleans())
        facts = {"attempt": attempt}
        return AttemptEnd(member, done, then, step, leg, counted=counted, facts=facts)

    @rule(
        name=st.sampled_from(NAMES),
        members=PICKED,
        verb=st.sampled_from(("hold", "release", "drop", "retry", "again", "move", "priority")),
    )
    def ask(self, name: str, members: set[int], verb: str) -> None:
        with self.change() as tables:
            self.request(tables, name, members, verb)

    def request(self, tables: LedgerTables, name: str, members: set[int], verb: str) -> Change:
        campaign = tables.campaigns.get(name).id
        made: dict[str, Callable[[], Change]] = {
            "hold": lambda: requests.hold(tables, campaign, [*members], who="ana"),
            "release": lambda: requests.release(tables, campaign, [*members], who="ana"),
            "drop": lambda: requests.drop(tables, campaign, [*members], who="ana"),
            "retry": lambda: requests.retry(tables, campaign, [*members], who="ana"),
            "again": lambda: requests.retry(tables, campaign, [*members], who="ana", step="start"),
            "move": lambda: requests.move(tables, campaign, [*members], "one", who="ana"),
            "priority": lambda: requests.set_priority(tables, campaign, [*members], 3, who="ana"),
        }
        change = made[verb]()
        told = sorted([*change.changed, *(key for keys in change.left.values() for key in keys)])
        assert len(told) >= len(change.changed)
        return change

    @rule(
        name=st.sampled_from(NAMES),
        members=PICKED,
        verb=st.sampled_from(("hold", "release", "drop", "retry", "again", "move", "priority")),
    )
    def ask_and_undo(self, name: str, members: set[int], verb: str) -> None:
        """What is undone at once is as it was."""
        columns = (
            "id, state, priority, step, leg, attempt, attempts, free_attempts, wanted_lane, "
            "avoided_lane, hold_requested, cause, shared_with"
        )
        query = f"SELECT {columns} FROM members ORDER BY id"
        with self.change() as tables:
            before = [*map(tuple, tables.database.execute(query))]
            due = self.needs_met(tables)
            change = self.request(tables, name, members, verb)
            if not change.is_empty:
                undone = requests.undo(tables, tables.campaigns.get(name).id, who="ana")
                assert (undone.verb, undone.left) == (change.verb, {})
                # A campaign of which the rest was dropped was complete for a moment.
                if due == self.needs_met(tables):
                    assert [*map(tuple, tables.database.execute(query))] == before

    def needs_met(self, tables: LedgerTables) -> int:
        row = tables.database.execute("SELECT count(*) FROM needs WHERE met").fetchone()
        return int(row[0])

    @rule(name=st.sampled_from(NAMES))
    def undo(self, name: str) -> None:
        try:
            with self.change() as tables:
                requests.undo(tables, tables.campaigns.get(name).id, who="ana")
        except CampaignError as error:
            assert "undo" in str(error)  # noqa: PT017 - nothing is an answer, too

    # -- what holds

    @invariant()
    def a_member_under_way_has_one_open_attempt(self) -> None:
        for row in self.rows(
            "SELECT m.key, m.state, m.start, count(a.id) AS open, max(a.start) AS start_of_it, "
            "max(s.state) AS state_of_it FROM members AS m LEFT JOIN attempts AS a "
            "ON a.member = m.id AND a.state = 'open' LEFT JOIN starts AS s ON s.id = a.start "
            "GROUP BY m.id"
        ):
            if row["state"] in UNDER_WAY:
                assert (row["open"], row["start_of_it"]) == (1, row["start"]), dict(row)
                wanted = "intent" if row["state"] == "starting" else "open"
                assert row["state_of_it"] == wanted, dict(row)
            elif row["state"] == "dropped":
                assert row["open"] <= 1, dict(row)
            else:
                assert row["open"] == 0, dict(row)

    @invariant()
    def needs_are_counted(self) -> None:
        rows = self.rows(
            "SELECT c.name, m.key, m.state, m.waits_for, (SELECT count(*) FROM needs "
            "WHERE member = m.id AND NOT met) AS unmet, (m.state = 'done' OR o.state = 'done') "
            "AS done FROM members AS m JOIN campaigns AS c ON c.id = m.campaign "
            "LEFT JOIN members AS o ON o.id = m.shared_with AND m.state = 'shared'"
        )
        for row in rows:
            assert row["waits_for"] == row["unmet"], dict(row)
            if row["state"] in ("waiting", "ready"):
                assert (row["state"] == "waiting") == (row["unmet"] > 0), dict(row)
            if row["done"]:
                self.once_done.add((row["name"], row["key"]))
        for name in NAMES:
            states = {row["state"] for row in rows if row["name"] == name}
            if states <= ALL_STATES_LEFT and "done" in states:
                self.once_done.add((name, "*"))
        done_now = {(row["name"], row["key"]) for row in rows if row["done"]}
        for need in self.rows("SELECT * FROM needs"):
            what = (need["campaign"], need["key"])
            if need["met"] and need["key"] != "*":
                assert what in self.once_done, dict(need)
            elif not need["met"]:
                assert what not in done_now, dict(need)

    @invariant()
    def one_attempt_of_a_leg_is_accepted_and_gives_the_facts(self) -> None:
        twice = self.rows(
            "SELECT member FROM attempts WHERE accepted GROUP BY member, step, leg "
            "HAVING count(*) > 1"
        )
        assert not twice
        for row in self.rows("SELECT id, facts, accepted_directory FROM members"):
            attempts = self.rows("SELECT * FROM attempts WHERE member = ?", row["id"])
            done = {each["directory"] for each in attempts if each["state"] == "done"}
            assert row["accepted_directory"] in done | {""}, dict(row)
            facts = {each["facts"] for each in attempts if each["state"] == "done"}
            assert row["facts"] in facts | {"{}"}, dict(row)
            assert len({each["directory"] for each in attempts}) == len(attempts)

    @invariant()
    def ended_attempts_are_counted(self) -> None:
        counted = self.rows(
            "SELECT campaign, minute, lane, host, state, number, core_hours FROM attempt_counts "
            "WHERE number > 0 ORDER BY 1, 2, 3, 4, 5"
        )
        attempts = self.rows(
            "SELECT campaign, substr(ended_at, 1, 16), lane, host, state, count(*), "
            "sum(core_hours) FROM attempts WHERE ended_at <> '' GROUP BY 1, 2, 3, 4, 5"
        )
        assert [tuple(row) for row in counted] == [tuple(row) for row in attempts]

    @invariant()
    def work_is_shared_with_who_does_it(self) -> None:
        wrong = self.rows(
            "SELECT m.key, o.key AS doer, o.state FROM members AS m JOIN members AS o "
            "ON o.id = m.shared_with WHERE m.state = 'shared' "
            "AND (o.hash <> m.hash OR o.state IN ('shared', 'dropped'))"
        )
        assert not [dict(row) for row in wrong]

    @invariant()
    def core_hours_are_those_of_the_starts(self) -> None:
        wrong = self.rows(
            "SELECT name, spent_core_hours, (SELECT coalesce(sum(core_hours), 0) FROM starts "
            "WHERE campaign = campaigns.id) AS sum FROM campaigns WHERE spent_core_hours <> sum"
        )
        assert not [dict(row) for row in wrong]

    @invariant()
    def grafts_follow_what_is_done(self) -> None:
        missing = self.rows(
            "SELECT m.key, g.after FROM members AS m JOIN grafts AS g ON g.campaign = m.campaign "
            "AND g.after = 'member' WHERE m.state = 'done' AND NOT EXISTS (SELECT 1 "
            "FROM graft_starts AS s WHERE s.graft = g.id AND s.subject = m.key)"
        )
        assert not [dict(row) for row in missing]
