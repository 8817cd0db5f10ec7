"""The test kit: runs in memory, scripted providers, a clock that nobody waits for."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.flowlang.runs import SuppliedResult
from headrace.testing import FlowTest, FlowTestError, answer, fail, never, refuse, unless_resumed
from headrace.testing.providers import compute, compute_by, listing

WORK = "https://work.example/do"
LEFT = "$.work.details.left"


def flow(**states: dict[str, Any]) -> FlowTest:
    return FlowTest({"StartAt": next(iter(states)), "States": states})


def work(**more: Any) -> dict[str, Any]:
    state = {"Type": "Action", "ActionUrl": WORK, "Parameters": {"n.$": "$.n"}}
    return state | {"ResultPath": "$.work"} | ({} if "Next" in more else {"End": True}) | more


CAUGHT = {
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Mend"}],
    "Next": "Done",
}
DONE: dict[str, Any] = {"Type": "Pass", "End": True}


def test_a_run_with_an_answer() -> None:
    run = flow(Work=work()).on("Work", {"model": 7}).run({"n": 3})
    run.assert_succeeded()
    assert run.output["work"]["details"] == {"model": 7}
    assert run.output["work"]["state_name"] == "Work"
    assert run.body("Work") == {"n": 3}
    assert run.codes == ["FlowStarted", "ActionStarted", "ActionCompleted", "FlowSucceeded"]
    assert run.details["code"] == "FlowSucceeded"


def test_answers_in_turn_by_url_and_by_function() -> None:
    loop = flow(
        Work=work(Next="More"),
        More={
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.work.details.left", "NumericGreaterThan": 0, "Next": "Work"}
            ],
            "Default": "Done",
        },
        Done=DONE,
    )
    run = loop.on(WORK, [{"left": 2}, {"left": 1}, lambda body: {"left": body["n"] - 5}]).run(
        {"n": 5}
    )
    run.assert_route("Work", "More", "Work", "More", "Work", "More", "Done")
    assert [call.state for call in run.calls] == ["Work"] * 3


@pytest.mark.parametrize(
    ("script", "exception"),
    [
        (fail("no space left"), "ActionFailedException"),
        (refuse("no such endpoint"), "ActionUnableToRun"),
        (never(), "ActionTimeout"),
        (answer({}, after=301), "ActionTimeout"),
    ],
)
def test_failures_fail_the_run_or_are_caught(script: Any, exception: str) -> None:
    run = flow(Work=work()).on("Work", script).run({"n": 1})
    run.assert_failed(exception, state="Work")
    caught = flow(Work=work(**CAUGHT), Mend=DONE, Done=DONE).on("Work", script).run({"n": 1})
    caught.assert_route("Work", "Mend")
    assert caught.output["e"]["exception"] == exception


def test_time_passes_without_waiting() -> None:
    waits = flow(
        Rest={"Type": "Wait", "Seconds": 86_400, "Next": "Until"},
        Until={"Type": "Wait", "Timestamp": "2026-03-01T00:00:00Z", "Next": "Work"},
        Work=work(WaitTime=100),
    )
    run = waits.on("Work", answer({}, after=60)).run({"n": 1})
    run.assert_succeeded()
    assert run.elapsed == 59 * 86_400 + 60
    assert run.log[-1]["time"].startswith("2026-03-01T00:01:00")


def test_a_blocked_run_waits_for_a_person() -> None:
    run = flow(Work=work()).on("Work", unless_resumed({"ok": 1})).run({"n": 1})
    assert (run.status, run.state) == ("INACTIVE", "Work")
    assert run.resume().output["work"]["details"] == {"ok": 1}
    assert "ActionInactive" in run.codes


def test_a_run_can_be_stopped_before_a_state_and_cancelled() -> None:
    test = flow(Work=work(Next="Done"), Done=DONE).on("Work", {})
    run = test.start({"n": 1}).run_to_end(until_state="Done")
    assert (run.status, run.state, run.states) == ("ACTIVE", "Done", ["Work"])
    run.cancel().assert_failed()
    assert run.codes[-1] == "FlowCanceled"


def test_a_failed_run_is_taken_up() -> None:
    test = flow(First=work(Next="Second", ResultPath="$.a"), Second=work())
    run = test.on("Second", [fail(), {"again": True}]).on("First", {"x": 1}).run({"n": 1})
    run.assert_failed(state="Second")
    test.on("Second", {"again": True})
    again = run.retry()
    again.assert_route("Second")
    assert again.output["a"]["details"] == {"x": 1}
    by_hand = run.retry(supplied=SuppliedResult({"mine": True}))
    assert by_hand.output["work"]["details"] == {"mine": True}
    assert run.retry("First").states == ["First", "Second"]
    with pytest.raises(FlowTestError, match="never in a state 'Third'"):
        run.retry("Third")


def test_providers_that_need_no_script() -> None:
    hello = work(
        ActionUrl="https://actions.globus.org/hello_world", Parameters={"echo_string": "x"}
    )
    assert flow(Work=hello).run().output["work"]["details"]["hello"] == "x"
    item = {"source_path": "/a", "destination_path": "/b"}
    transfer = work(
        ActionUrl="https://transfer.actions.globus.org/transfer",
        Parameters={"source_endpoint": "a", "destination_endpoint": "b", "DATA": [item, item]},
    )
    assert flow(Work=transfer).run().output["work"]["details"]["files"] == 2
    ls = work(ActionUrl="https://transfer.actions.globus.org/ls", Parameters={"endpoint_id": "a"})
    run = flow(Work=ls).on("Work", listing("a.h5", "old/")).run()
    assert [entry["type"] for entry in run.output["work"]["details"]["DATA"]] == ["file", "dir"]


def test_compute_calls_real_functions() -> None:
    call = {"endpoint_id": "e", "tasks": [{"function_id.$": "$.f", "kwargs": {"x": 4}}]}
    state = work(ActionUrl="https://compute.actions.globus.org/v3", Parameters=call)
    run = flow(Work=state).on("Work", compute_by({"double": lambda x: 2 * x})).run({"f": "double"})
    assert run.output["work"]["details"]["result"] == [8]
    assert compute(1, 2)["result"] == [1, 2]


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: flow(Work=work()).run({"n": 1}), r"nothing is scripted for it; add \.on\('Work'"),
        (lambda: flow(Work=work()).on("Wrok", {}), "did you mean 'Work'"),
        (
            lambda: flow(Work=work()).on("https://work.example/go", {}),
            "no URL that this flow calls",
        ),
        (lambda: flow(Done=DONE).on("Done", {}), "no Action of this flow"),
        (lambda: FlowTest({"StartAt": "A", "States": {}}), "at least one state"),
        (lambda: FlowTest("/nowhere/definition.json"), "No such file"),
        (lambda: flow(A={"Type": "Pass", "Next": "A"}).run(), "10000 states without an end"),
        (lambda: flow(A=DONE).run().assert_route("B"), "'B' is no state"),
        (lambda: flow(A=DONE).run().body("A"), "A called nothing"),
        (lambda: flow(A=DONE).run().resume(), "only one that is INACTIVE"),
    ],
)
def test_mistakes_in_a_test_are_told_in_one_line(use: Any, words: str) -> None:
    with pytest.raises(FlowTestError, match=words) as caught:
        use()
    assert "\n" not in str(caught.value)


def test_an_assertion_tells_the_story() -> None:
    run = flow(Work=work(Next="Done"), Done=DONE).on("Work", fail("no space")).run({"n": 1})
    with pytest.raises(AssertionError, match=r"FAILED in state 'Work': .*no space"):
        run.assert_succeeded()
    with pytest.raises(AssertionError, match="the run went Work"):
        run.assert_route("Work", "Done")


def test_the_input_must_fit_the_schema() -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    test = FlowTest({"StartAt": "A", "States": {"A": DONE}}, schema)
    test.run({"n": 1}).assert_succeeded()
    with pytest.raises(FlowTestError, match="does not fit at"):
        test.run({"n": "one"})


def test_coverage_names_the_ways_never_taken() -> None:
    test = flow(Work=work(**CAUGHT), Mend=DONE, Done=DONE).on("Work", {})
    test.run({"n": 1})
    assert test.coverage.missing_edges == [("Work", "Mend")]
    test.on("Work", fail()).run({"n": 1})
    assert test.coverage.missing_states == []
    assert test.coverage.lines() == ["flow: 3 of 3 states, 2 of 2 edges"]
