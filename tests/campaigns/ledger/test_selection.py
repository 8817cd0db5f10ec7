"""Selections choose members by what an index knows, and by conditions over columns and facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import SelectionError
from headrace.campaigns.ledger import AttemptEnd, MemberSelection, NewMember
from tests.support.campaigns.filled_ledger import FilledLedger


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FilledLedger]:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        world.add(
            NewMember("wild_2", {"temperature": 310, "name": "w2"}, "wild", "gpu"),
            NewMember("wild_1", {"temperature": 300, "name": "w1"}, "wild", "gpu"),
            NewMember("m[1]", {"temperature": 320, "name": "m1"}, "mutant"),
            NewMember("m?2", {"temperature": "hot", "name": "m2"}, "mutant 2"),
        )
        done = AttemptEnd(world.member("wild_1").id, True, "done", facts={"rms": 0.5})
        world.end(world.run("wild_1", lane="frontera"), "SUCCEEDED", done)
        cause = "Out of memory on nid0042"
        lost = AttemptEnd(world.member("m[1]").id, False, "failed", cause=cause)
        world.end(world.run("m[1]", lane="anvil"), "FAILED", lost)
        yield world


def keys(world: FilledLedger, **conditions: Any) -> list[str]:
    with world.transaction() as tables:
        selection = MemberSelection(**conditions)
        ids = selection.ids(tables.database, world.campaign)
        assert selection.count(tables.database, world.campaign) == len(ids)
        page = selection.page(tables.database, world.campaign)
        by_id = {member.id: member.key for member in page}
        if selection.limit is None:
            assert sorted(by_id) == ids
            assert list(by_id.values()) == sorted(by_id.values())
        return [by_id[id_] for id_ in ids]


ALL = ["wild_2", "wild_1", "m[1]", "m?2"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, ALL),
        ({"keys": ("wild_1",)}, ["wild_1"]),
        ({"keys": ("wild_*", "m[1]")}, ALL[:3]),
        ({"keys": ("m[1*",)}, ["m[1]"]),
        ({"keys": ("m?*",)}, ["m?2"]),
        ({"keys": ("x*",)}, []),
        ({"states": ("done", "failed")}, ["wild_1", "m[1]"]),
        ({"states": ("ready",), "groups": ("wild",)}, ["wild_2"]),
        ({"groups": ("mutant",)}, ["m[1]"]),
        ({"groups": ("mut*",)}, ["m[1]", "m?2"]),
        ({"lanes": ("frontera", "anvil")}, ["wild_1", "m[1]"]),
        ({"steps": ("start",), "categories": ("gpu",)}, ["wild_2", "wild_1"]),
        ({"causes": ("out of MEMORY",)}, ["m[1]"]),
        ({"causes": ("*nid00*",)}, ["m[1]"]),
        ({"causes": ("nid00*",)}, []),
        ({"where": ("temperature > 305",)}, ["wild_2", "m[1]"]),
        ({"where": ("rms < 1",)}, ["wild_1"]),
        ({"where": ("state == 'ready'", "temperature == 310")}, ["wild_2"]),
        ({"where": ("name == 'w1'",), "states": ("done",)}, ["wild_1"]),
        ({"where": ("group == 'wild'",), "limit": 1}, ["wild_2"]),
        ({"where": ("`$.category` == 'gpu'",)}, ["wild_2", "wild_1"]),
        ({"groups": ("wild",), "limit": 1}, ["wild_2"]),
    ],
)
def test_members_are_selected(
    world: FilledLedger, conditions: dict[str, Any], expected: list[str]
) -> None:
    assert keys(world, **conditions) == expected


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"keys": ("wild_3",)}, "no member 'wild_3'; did you mean 'wild_[12]'"),
        ({"states": ("finished",)}, "no member can be 'finished'"),
        ({"where": ("rms >",)}, "'rms >' is no expression"),
        ({"where": ("rsm > 2",)}, "'rsm' is not in the payload. Names are columns of the table"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(
    world: FilledLedger, conditions: dict[str, Any], message: str
) -> None:
    with pytest.raises(SelectionError, match=message) as refused:
        keys(world, **conditions)
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_pages_follow_each_other_by_key(tmp_path: Path) -> None:
    with FilledLedger(tmp_path / "campaigns.db") as world:
        names = [f"m{number:04d}" for number in range(500)]
        world.add(*(NewMember(name, {"x": number}) for number, name in enumerate(names)))
        for where in ((), ("x >= 0",)):
            selection, seen, after = MemberSelection(where=where), [], ""
            with world.transaction() as tables:
                while page := selection.page(tables.database, world.campaign, after=after):
                    seen += [member.key for member in page]
                    after = seen[-1]
            assert seen == names


PLANS = {
    "SELECT id FROM members WHERE campaign = 1 AND members.state = 'failed' ORDER BY members.id": (
        "by_state"
    ),
    "SELECT id FROM members WHERE campaign = 1 AND members.grp = 'wild'": "by_group",
    "SELECT state, count(*) FROM members WHERE campaign = 1 GROUP BY state": "by_state",
    "SELECT member FROM needs WHERE campaign = 'a' AND key = 'b' AND met = 0": "unmet",
    "SELECT 1 FROM members WHERE campaign = 1 AND key = 'a'": "sqlite_autoindex_members_1",
}


@pytest.mark.parametrize("query", PLANS)
def test_an_index_answers(world: FilledLedger, query: str) -> None:
    with world.transaction() as tables:
        plan = tables.database.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    (text,) = (row["detail"] for row in plan)
    assert PLANS[query] in text, text
    assert "SEARCH" in text, text


def test_a_search_evaluates_few_members_at_a_time_and_says_where_it_goes_on(
    world: FilledLedger,
) -> None:
    selection = MemberSelection(where=("temperature == 310",))
    with world.transaction() as tables:
        after, found, examined = "", [], []
        while True:
            step = selection.search(tables.database, world.campaign, after=after, examined=2)
            found += [member.key for member in step.members]
            examined.append(step.examined)
            after = step.after
            if not after:
                break
        assert (found, examined) == (["wild_2"], [2, 2])
        first = MemberSelection().search(tables.database, world.campaign, limit=3)
        assert [member.key for member in first.members] == ["m?2", "m[1]", "wild_1"]
        rest = MemberSelection().search(tables.database, world.campaign, after=first.after)
        assert ([member.key for member in rest.members], rest.after) == (["wild_2"], "")
        with pytest.raises(SelectionError, match="cannot be evaluated for any member"):
            MemberSelection(where=("nothing > 1",)).search(tables.database, world.campaign)
