"""The driver's loop: members to their ends, legs, steps, retries, packs, limits and faults."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from headrace.campaigns.driver.events import (
    CampaignEnded,
    CampaignFault,
    CampaignPaused,
    LegEnded,
    MembersAdded,
)
from headrace.campaigns.driver.run_service import RunRequest
from headrace.campaigns.ledger import NewMember
from tests.support.campaigns.campaign_world import CampaignWorld
from tests.support.campaigns.scripted_runs import Ending, failed, gone_for

SIMPLE = """
[start]
flow = "sweep"
input = { key = "{key}", directory = "{attempt_directory}", lane = "{lane}" }
"""


def test_every_member_is_run_once_and_the_campaign_ends(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b", "c")
    world.drive_to_end()
    assert world.states() == {"a": "done", "b": "done", "c": "done"}
    assert [body["key"] for body in world.service.bodies()] == ["a", "b", "c"]
    assert world.service.bodies()[0] == {"key": "a", "directory": "a/run-001.1", "lane": "default"}
    assert world.events_of(CampaignEnded) == [CampaignEnded("napa", 3, 0)]
    assert [event.key for event in world.events_of(LegEnded)] == ["a", "b", "c"]


def test_the_first_ones_by_priority_are_started_first_up_to_the_limit(world: CampaignWorld) -> None:
    members = [
        NewMember(key, priority=priority)
        for key, priority in {"a": 0, "b": 5, "c": 0, "d": 9}.items()
    ]
    world.begin(SIMPLE + "[limits]\nopen = 2\n", *members)
    world.service.script = lambda request, earlier: gone_for(100)
    world.drive(3)
    assert [body["key"] for body in world.service.bodies()] == ["d", "b"]
    world.drive_to_end()
    assert [body["key"] for body in world.service.bodies()] == ["d", "b", "a", "c"]


def test_what_is_added_while_the_driver_runs_is_run_and_opens_the_campaign_again(
    world: CampaignWorld,
) -> None:
    world.begin(SIMPLE, "a")
    world.drive_to_end()
    world.begin(SIMPLE, "a", "b")
    world.drive_until(lambda: world.states().get("b") == "done")
    world.drive_to_end()
    assert len(world.service.runs) == 2


def test_needs_hold_members_back_until_they_are_met(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", NewMember("b", needs=("a",)), NewMember("c", needs=("b",)))
    world.drive_to_end()
    assert [body["key"] for body in world.service.bodies()] == ["a", "b", "c"]


def test_members_whose_needs_have_failed_do_not_keep_a_campaign_open(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", NewMember("b", needs=("a",)))
    world.service.script = lambda request, earlier: failed(by_code=True)
    world.drive_to_end()
    assert world.states() == {"a": "failed", "b": "waiting"}
    assert world.events_of(CampaignEnded) == [CampaignEnded("napa", 0, 1, 1)]


LEGS = """
[start]
flow = "md"
input = { key = "{key}", leg = "{leg:int}", directory = "{attempt_directory}", before = "{previous_directory}" }
[start.legs]
done = "output.Assess.done"
at_most = 5
"""  # noqa: E501


def reaches(leg: int) -> Any:
    return lambda request, earlier: Ending(output={"Assess": {"done": request.body["leg"] >= leg}})


def test_legs_follow_each_other_until_the_target_is_reached(world: CampaignWorld) -> None:
    world.begin(LEGS, "a")
    world.service.script = reaches(3)
    world.drive_to_end()
    assert [(body["directory"], body["before"]) for body in world.service.bodies()] == [
        ("a/run-001.1", ""),
        ("a/run-002.1", "a/run-001.1"),
        ("a/run-003.1", "a/run-002.1"),
    ]
    assert world.states() == {"a": "done"}


def test_a_target_that_is_not_reached_fails_the_member(world: CampaignWorld) -> None:
    world.begin(LEGS, "a")
    world.service.script = reaches(99)
    world.drive_to_end()
    assert len(world.service.runs) == 5
    assert world.member("a").cause == (
        "its target is not reached after 5 legs (legs.at_most of step run)"
    )


STEPS = """
[[steps]]
name = "setup"
flow = "setup"
when = "fresh == 'yes'"
input = { key = "{key}", step = "{step}" }
[[steps]]
name = "run"
flow = "md"
input = { key = "{key}", step = "{step}", leg = "{leg:int}" }
[[steps]]
name = "clean"
flow = "clean"
when = "steps.run.summary.size > 3"
input = { key = "{key}", step = "{step}" }
[results]
next = "output.next"
facts = "output.facts"
"""


def test_steps_are_left_out_whose_conditions_do_not_hold(world: CampaignWorld) -> None:
    sizes = {"a": 5, "b": 1}
    world.begin(STEPS, NewMember("a", {"fresh": "yes"}), NewMember("b", {"fresh": "no"}))
    world.service.script = lambda request, earlier: Ending(
        output={"summary": {"size": sizes[request.body["key"]]}}
    )
    world.drive_to_end()
    by_key: dict[str, list[str]] = {"a": [], "b": []}
    for body in world.service.bodies():
        by_key[body["key"]].append(body["step"])
    assert by_key == {"a": ["setup", "run", "clean"], "b": ["run"]}


def test_a_condition_that_cannot_be_evaluated_fails_its_member_alone(world: CampaignWorld) -> None:
    world.begin(STEPS, NewMember("a", {"other": "x"}), NewMember("b", {"fresh": "no"}))
    world.service.script = lambda request, earlier: Ending(output={"summary": {"size": 0}})
    world.drive_to_end()
    assert world.states() == {"a": "failed", "b": "done"}
    assert "fresh" in world.member("a").cause


def test_a_member_goes_back_to_an_earlier_step_by_what_it_returns(world: CampaignWorld) -> None:
    def script(request: RunRequest, earlier: int) -> Ending:
        output: dict[str, Any] = {"summary": {"size": 0}, "facts": {"size": 1}}
        if request.body["step"] == "run" and request.body["leg"] < 3:
            output["next"] = {"steps": ["setup", "run"]}
        return Ending(output=output)

    world.begin(STEPS, NewMember("a", {"fresh": "no"}))
    world.service.script = script
    world.drive_to_end()
    assert [body["step"] for body in world.service.bodies()] == [
        *("run", "setup", "run", "setup", "run")
    ]
    assert [body.get("leg") for body in world.service.bodies("md")] == [1, 2, 3]
    directories = [attempt.directory for attempt in world.attempts("a")]
    assert len(set(directories)) == len(directories)
    assert world.member("a").facts == {"size": 1}


ADDING = """
[start]
flow = "md"
input = { key = "{key}", size = "{size}" }
[results]
next = "output.next"
[limits]
added_members = 5
added_depth = 2
"""


def test_a_member_adds_members_by_what_it_returns(world: CampaignWorld) -> None:
    def script(request: RunRequest, earlier: int) -> Ending:
        rows = [{"key": f"a{n}", "size": n} for n in range(3)] if request.body["key"] == "a" else []
        return Ending(output={"next": {"members": rows}})

    world.begin(ADDING, NewMember("a", {"key": "a", "size": 9}))
    world.service.script = script
    world.drive_to_end()
    assert world.states() == {"a": "done", "a0": "done", "a1": "done", "a2": "done"}
    assert world.events_of(MembersAdded) == [MembersAdded("napa", "a", 3)]


def test_members_are_not_added_beyond_the_limits(world: CampaignWorld) -> None:
    def script(request: RunRequest, earlier: int) -> Ending:
        key = request.body["key"]
        count = 7 if key == "many" else 1
        return Ending(
            output={"next": {"members": [{"key": f"{key}{n}", "size": n} for n in range(count)]}}
        )

    world.begin(ADDING, *(NewMember(key, {"key": key, "size": 1}) for key in ("deep", "many")))
    world.service.script = script
    world.drive_to_end()
    assert world.states() == {
        "deep": "done",
        "many": "failed",
        "deep0": "done",
        "deep00": "failed",
    }
    assert world.member("many").cause.startswith("it adds 7 members, and 1 were added before")
    assert "added_depth is 2" in world.member("deep00").cause


RETRIES = (
    SIMPLE
    + """
[retries]
attempts = 2
backoff = "1 min"
"""
)


def test_a_failure_that_may_pass_is_tried_again_after_a_pause(world: CampaignWorld) -> None:
    world.begin(RETRIES, "a")
    world.service.script = lambda request, earlier: (
        Ending() if request.body["directory"].endswith(".3") else failed("lost", "crashed")
    )
    world.drive_to_end()
    assert world.states() == {"a": "failed"}
    runs = list(world.service.runs.values())
    assert len(runs) == 2
    assert (runs[1].started - runs[0].ends_at).total_seconds() >= 60


def test_failures_that_are_not_the_members_fault_do_not_count(world: CampaignWorld) -> None:
    world.begin(RETRIES, "a")
    world.service.script = lambda request, earlier: (
        Ending()
        if request.body["directory"].endswith(".5")
        else failed("the node was lost", "node lost")
    )
    world.drive_to_end()
    assert world.states() == {"a": "done"}
    member = world.member("a")
    assert (member.attempt, member.accepted_directory) == (5, "a/run-001.5")


def test_an_error_of_the_code_fails_at_once(world: CampaignWorld) -> None:
    world.begin(RETRIES, "a")
    world.service.script = lambda request, earlier: failed("KeyError: 'x'", by_code=True)
    world.drive_to_end()
    assert (len(world.service.runs), world.member("a").cause) == (1, "KeyError: 'x'")


GROWING = """
[start]
flow = "md"
input = { key = "{key}", memory = "{grow.memory:float}" }
[retries]
attempts = 3
grow = { memory = 2.0 }
"""


def test_memory_grows_after_an_attempt_that_had_too_little(world: CampaignWorld) -> None:
    world.begin(GROWING, "a")
    world.service.script = lambda request, earlier: (
        Ending() if request.body["memory"] >= 4 else failed("oom", "out of memory")
    )
    world.drive_to_end()
    assert [body["memory"] for body in world.service.bodies()] == [1.0, 2.0, 4.0]
    assert world.states() == {"a": "done"}


PACK = """
[start]
flow = "sweep"
pack = 3
input = { members = "{members}" }
member = { key = "{key}", directory = "{attempt_directory}", x = "{x:float}" }
[results]
members = "output.Run.members"
"""


def rows(*keys: str) -> list[NewMember]:
    return [NewMember(key, {"x": str(number)}) for number, key in enumerate(keys)]


def pack_results(bad: str = "") -> Any:
    def script(request: RunRequest, earlier: int) -> Ending:
        members = {
            each["key"]: {"state": "failed", "cause": "no converged solution"}
            if each["key"] in bad
            else {"state": "done", "facts": {"y": each["x"] ** 2}, "core_hours": 0.5}
            for each in request.body["members"]
        }
        return Ending(output={"Run": {"members": members}})

    return script


def test_members_share_runs_and_each_has_its_own_result(world: CampaignWorld) -> None:
    world.begin(PACK, *rows(*"abcdefg"))
    world.service.script = pack_results("c")
    world.drive_to_end()
    packs = [[each["key"] for each in body["members"]] for body in world.service.bodies()]
    assert packs == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert Counter(world.states().values()) == {"done": 6, "failed": 1}
    assert world.member("c").cause == "no converged solution"
    assert world.member("d").facts == {"y": 9.0}
    assert world.member("d").core_hours == 0.5


def test_a_pack_that_failed_fails_those_that_have_no_record(world: CampaignWorld) -> None:
    def script(request: RunRequest, earlier: int) -> Ending:
        keys = [each["key"] for each in request.body["members"]]
        if len(keys) == 1 or "b" not in keys:
            return pack_results()(request, earlier)
        found = failed("the node was lost", "node lost")
        found.output = {"Run": {"members": {"a": {"state": "done"}}}}
        return found

    world.begin(PACK, *rows(*"abc"))
    world.service.script = script
    world.drive_until(lambda: world.states()["a"] == "done")
    assert world.member("b").cause == "the node was lost"
    assert world.member("b").free_attempts == 1


def test_a_row_that_cannot_be_used_fails_alone(world: CampaignWorld) -> None:
    members = [*rows("a", "b"), NewMember("bad", {"x": "much"}), NewMember("c", {"x": "1"})]
    world.begin(PACK, *members)
    world.service.script = pack_results()
    world.drive_to_end()
    assert world.states() == {"a": "done", "b": "done", "bad": "failed", "c": "done"}
    assert "much" in world.member("bad").cause


def test_what_the_service_refuses_fails_with_its_words(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b")
    world.service.refuse = lambda request: "no such flow" if request.body["key"] == "a" else ""
    world.drive_to_end()
    assert world.states() == {"a": "failed", "b": "done"}
    assert world.member("a").cause == "no such flow"


def test_a_start_without_an_answer_is_asked_for_again_though_later_ones_were_answered(
    world: CampaignWorld,
) -> None:
    world.begin(SIMPLE + "[limits]\nopen = 2\n", "a", "b", "c", "d")
    world.service.put_off = lambda request: request.body["key"] == "a"
    world.drive_until(lambda: [*world.states().values()].count("done") == 3)
    assert world.states()["a"] == "starting"
    world.service.put_off = lambda request: False
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}
    assert len(world.service.runs) == 4


def test_a_rule_stops_the_campaign_and_resuming_begins_anew(world: CampaignWorld) -> None:
    world.begin(SIMPLE + '[limits]\nopen = 1\nstop_when = ["2 failures in a row"]\n', *"abcdefg")
    world.service.script = lambda request, earlier: failed(by_code=True)
    world.drive_until(lambda: world.state() == "paused")
    world.drive(20)
    assert len(world.service.runs) == 2
    (told,) = world.events_of(CampaignPaused)
    assert told.reason == "2 members failed in a row (stop_when: 2 failures in a row)"
    world.change("UPDATE campaigns SET state = 'started'")
    world.drive_until(lambda: world.state() == "paused")
    assert len(world.service.runs) == 4


def test_licences_and_core_hours_hold(world: CampaignWorld) -> None:
    text = """
[start]
flow = "md"
input = { key = "{key}" }
cost = "10"
licences = { matlab = 1 }
[limits]
licences = { matlab = 2 }
core_hours = 45
"""
    world.begin(text, *"abcdefgh")
    world.service.script = lambda request, earlier: gone_for(10)
    for _ in range(200):
        world.drive()
        assert len(world.service.under_way()) <= 2
    assert Counter(world.states().values()) == {"done": 4, "ready": 4}
    assert world.query("SELECT spent_core_hours FROM campaigns") == [(40.0,)]


def test_a_rate_of_starts_holds_over_a_restart(world: CampaignWorld) -> None:
    world.begin(SIMPLE + '[limits]\nstarts = "3 in 10 s"\n', *"abcdefgh")
    world.drive(3)
    world.restart()
    world.drive_to_end()
    moments = sorted(run.started for run in world.service.runs.values())
    assert len(moments) == 8
    for first, fourth in zip(moments, moments[3:], strict=False):
        assert (fourth - first).total_seconds() >= 10


def test_a_service_that_does_not_answer_changes_nothing(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b")
    world.service.script = lambda request, earlier: gone_for(50)
    world.drive(3)
    world.service.is_down = True
    world.drive(200)
    assert Counter(world.states().values()) == {"running": 2}
    assert "no facility is running" in world.driver.problems[0]
    world.service.is_down = False
    world.drive_to_end()
    assert len(world.service.runs) == 2
    assert not world.driver.problems
    assert world.events_of(CampaignFault)


def test_a_lost_answer_starts_nothing_twice(world: CampaignWorld) -> None:
    world.begin(SIMPLE, *"abc")
    world.service.lose_answers = 3
    world.drive_to_end()
    assert len(world.service.runs) == 3
    assert set(world.states().values()) == {"done"}


def test_a_run_that_was_deleted_is_found_out_and_tried_again(world: CampaignWorld) -> None:
    world.begin(RETRIES, "a")
    world.service.script = lambda request, earlier: (
        gone_for(1e6) if request.body["directory"].endswith(".1") else Ending()
    )
    world.drive(3)
    world.service.runs["run-1"].is_deleted = True
    world.drive_to_end()
    assert world.states() == {"a": "done"}
    assert world.attempts("a")[0].cause == "the service has this run no more"


def test_a_run_that_asks_a_person_is_told_of_until_it_is_answered(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a")
    world.service.script = lambda request, earlier: gone_for(300)
    world.drive(3)
    world.service.questions = {"run-1": "is this structure right?"}
    world.drive_until(lambda: world.states() == {"a": "asking"})
    assert world.member("a").cause == "is this structure right?"
    world.service.questions = {}
    world.drive_until(lambda: world.states() == {"a": "running"})
    world.drive_to_end()


def test_the_run_of_a_dropped_member_is_cancelled_and_its_end_changes_nothing(
    world: CampaignWorld,
) -> None:
    world.begin(SIMPLE, "a", "b")
    world.service.script = lambda request, earlier: gone_for(100)
    world.drive(3)
    world.change("UPDATE members SET state = 'dropped' WHERE key = 'a'")
    world.drive_to_end()
    assert world.service.runs["run-1"].cancelled
    assert world.states() == {"a": "dropped", "b": "done"}


def test_a_campaign_whose_definition_is_wrong_stops_no_other(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", name="good")
    world.begin(SIMPLE, "b", name="bad")
    world.change(
        "UPDATE campaigns SET definition = '{\"start\": 3}', definition_sha = 'x' "
        "WHERE name = 'bad'"
    )
    world.drive_to_end("good")
    assert world.states("bad") == {"b": "ready"}
    assert [event.campaign for event in world.events_of(CampaignFault)] == ["bad"]


def test_campaigns_of_higher_priority_are_started_first(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", name="low")
    world.begin("priority = 5\n" + SIMPLE, "b", name="high")
    world.drive(2)
    assert [body["key"] for body in world.service.bodies()] == ["b", "a"]


def test_a_listener_that_fails_stops_nothing(world: CampaignWorld) -> None:
    world.begin(SIMPLE, "a", "b")
    driver = world.driver
    driver._listener = lambda event: 1 / 0  # type: ignore[assignment]
    world.drive_to_end()
    assert set(world.states().values()) == {"done"}


def test_an_end_that_cannot_be_taken_keeps_no_other_from_being_taken(
    world: CampaignWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.campaigns.driver import following

    write = following.write_end

    def fails_for_b(tables: Any, driven: Any, start: Any, ended: Any, *rest: Any) -> None:
        if ended.output == "b":
            raise TypeError("what is this")
        write(tables, driven, start, ended, *rest)

    monkeypatch.setattr(following, "write_end", fails_for_b)
    world.begin(SIMPLE, *"abc")
    world.service.script = lambda request, earlier: Ending(output=request.body["key"])
    world.drive_until(lambda: Counter(world.states().values())["done"] == 2)
    assert world.states()["b"] == "running"
    assert any("what is this" in event.problem for event in world.events_of(CampaignFault))
    monkeypatch.setattr(following, "write_end", write)
    world.drive_to_end()


def test_ends_are_not_read_for_ever(world: CampaignWorld) -> None:
    world.begin(SIMPLE, *"abc")
    world.service.script = lambda request, earlier: (
        gone_for(1e5) if request.body["key"] == "c" else Ending()
    )
    world.drive_until(lambda: Counter(world.states().values())["done"] == 2)
    world.drive(20)
    asked: list[list[str]] = []
    ours = world.driver._follower._ours
    world.driver._follower._ours = lambda ids: (asked.append([*ids]), ours(ids))[1]  # type: ignore[method-assign, func-returns-value]
    world.drive(20)
    assert max(map(len, asked), default=0) <= 2
