from __future__ import annotations

import json

from headrace.compute.packs.outcome import (
    MAX_RESULT_BYTES,
    MemberOutcome,
    last_lines,
    pack_result,
    read_facts,
)


def test_facts_are_the_last_line_of_json() -> None:
    printed = (
        '{"a": 1}\nstep 2\n{"energy": -3.5, "name": "x", "deep": {}, "bad": NaN}\n{cut\ndone\n'
    )
    assert read_facts(printed) == {"energy": -3.5, "name": "x"}
    assert read_facts("no facts\n[1]\n") == {}


def test_last_lines_are_few_and_short() -> None:
    text = "\n".join(f"line {number}" for number in range(9)) + "\n\n"
    assert last_lines(text).splitlines() == [f"line {number}" for number in range(4, 9)]
    assert len(last_lines("x" * 10_000)) == 600


def test_core_hours_of_what_was_done_before_are_not_counted_again() -> None:
    outcomes = {
        "a": MemberOutcome("done", core_hours=1.0, redone=False),
        "b": MemberOutcome("failed", "time limit", "time limit", core_hours=0.5),
        "c": MemberOutcome("failed", "input missing: x", "never started"),
    }
    result = pack_result(outcomes)
    assert (result["done"], result["failed"]) == (1, 2)
    assert (result["core_hours"], result["job_core_hours"]) == (1.5, 0.5)
    assert result["members"]["c"]["core_hours"] is None


def test_a_large_result_is_shortened_and_says_where_the_rest_is() -> None:
    facts = {f"fact {number}": "x" * 100 for number in range(20)}
    one = MemberOutcome(
        "failed", "c" * 400, "error of the program", "l" * 600, facts, {"members": ["m" * 100]}
    )
    result = pack_result({str(number): one for number in range(200)})
    assert len(json.dumps(result["members"]).encode()) <= MAX_RESULT_BYTES
    shortened = result["members"]["7"]
    assert shortened["next"] == one.next
    assert (shortened["facts"], shortened["facts_file"]) == ({}, "member.json")
    assert shortened["cause"]
    assert "last_lines" not in shortened


def test_a_member_whose_wishes_have_no_room_has_failed() -> None:
    one = MemberOutcome("done", next={"members": ["m" * 2000]})
    assert pack_result({"0": one})["members"]["0"]["next"] == one.next
    result = pack_result({str(number): one for number in range(100)})
    assert len(json.dumps(result["members"]).encode()) <= MAX_RESULT_BYTES
    assert (result["done"], result["failed"]) == (0, 100)
    assert "let a run take fewer members" in result["members"]["7"]["cause"]


def test_outcomes_are_read_again() -> None:
    one = MemberOutcome("done", facts={"a": 1}, core_hours=0.1, host="n1", job_id="7")
    assert MemberOutcome.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert MemberOutcome.from_dict({"state": "odd"}) is None
