"""The ways through the flow of sweeps, with scripted answers."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.testing import fail
from headrace.testing.flow import FlowTest
from headrace.testing.providers import compute
from tests.support.ids import an_id
from tests.support.repository import REPOSITORY
from tests.support.sweep_project import member

DONE = {"state": "done", "facts": {"x": 1}, "core_hours": 0.5}
FAILED = {"state": "failed", "cause": "time limit", "category": "time limit", "facts": {}}
RESULT = {
    "members": {"a": DONE, "b": FAILED},
    "done": 1,
    "failed": 1,
    "core_hours": 0.5,
    "job_core_hours": 0.5,
}


def sweep_input(source: str = "here", results: str = "here", **more: Any) -> dict[str, Any]:
    members = [
        member("a", "cat x d/y", source="sims/a/", inputs=["x", "d/", ""]),
        member("b", "true"),
    ]
    return {
        "members": members,
        "source": {"id": an_id(source), "path": "/in/"},
        "staging": {"id": an_id("far"), "path": "/sweep/"},
        "results": {"id": an_id(results), "path": "/results/"},
        "compute": {
            "endpoint": an_id("endpoint"),
            "options": {"account": "m1"},
            "run": an_id("function"),
            "directory": "/scratch/sweep",
            "source": "/data/in",
            "results": "/data/results",
        },
        "settings": {"attempts": 2},
        "clean": True,
        **more,
    }


@pytest.fixture
def flow(flow_test: Any) -> FlowTest:
    found: FlowTest = flow_test(REPOSITORY / "flows" / "sweep")
    found.on("RunMembers", compute(RESULT))
    return found


def test_inputs_go_and_outputs_come_of_members_that_failed_too(flow: FlowTest) -> None:
    run = flow.run(sweep_input())
    run.assert_succeeded()
    assert run.output["Run"] == {
        "members": {"a": DONE, "b": FAILED},
        "done": 1,
        "failed": 1,
        "core_hours": 0.5,
    }
    pushed = run.body("PushInputs")
    assert pushed["skip_source_errors"] is True
    assert pushed["DATA"] == [
        {
            "source_path": f"/in/sims/a/{name}",
            "destination_path": f"/sweep/a/start-000.1/work/{name}",
            "recursive": name == "d/",
        }
        for name in ("x", "d/")
    ]
    kwargs = run.body("RunMembers")["tasks"][0]["kwargs"]
    assert (kwargs["source"], kwargs["results"]) == ("", "")
    assert kwargs["settings"] == {"attempts": 2}
    pulled = run.body("PullResults")
    assert pulled["verify_checksum"] is True
    assert [item["destination_path"] for item in pulled["DATA"]] == [
        "/results/a/start-000.1/",
        "/results/b/start-000.1/",
    ]
    removed = run.body("CleanScratch")["DATA"]
    assert [item["path"] for item in removed] == ["/sweep/a/start-000.1/", "/sweep/b/start-000.1/"]


def test_scratch_stays_where_results_did_not_come_back(flow: FlowTest) -> None:
    flow.on("PullResults", fail({"error": "the collection is away"}))
    run = flow.run(sweep_input())
    assert run.status == "FAILED"
    assert "CleanScratch" not in [call.state for call in run.calls]


def test_scratch_stays_where_it_is_wanted(flow: FlowTest) -> None:
    run = flow.run(sweep_input(clean=False))
    run.assert_succeeded()
    assert "CleanScratch" not in [call.state for call in run.calls]


@pytest.mark.parametrize(
    ("source", "results", "states", "given"),
    [
        ("far", "far", [], ("/data/in", "/data/results")),
        ("far", "here", ["PullResults"], ("/data/in", "")),
        ("here", "far", ["PushInputs"], ("", "/data/results")),
    ],
)
def test_nothing_is_transferred_within_one_place(
    flow: FlowTest, source: str, results: str, states: list[str], given: tuple[str, str]
) -> None:
    run = flow.run(sweep_input(source, results))
    run.assert_succeeded()
    called = [call.state for call in run.calls]
    assert [state for state in called if state in ("PushInputs", "PullResults")] == states
    kwargs = run.body("RunMembers")["tasks"][0]["kwargs"]
    assert (kwargs["source"], kwargs["results"]) == given


def test_within_one_place_whose_path_is_not_known_it_is_transferred(flow: FlowTest) -> None:
    given = sweep_input("far", "far")
    del given["compute"]["source"], given["compute"]["results"]
    run = flow.run(given)
    run.assert_succeeded()
    assert {"PushInputs", "PullResults"} <= {call.state for call in run.calls}


def test_a_member_may_name_its_source_from_the_collection(flow: FlowTest) -> None:
    members = [member("a", "cat x", source="/sims/a/", inputs=["x", "./"])]
    run = flow.run(sweep_input(members=members))
    run.assert_succeeded()
    pushed = run.body("PushInputs")["DATA"]
    assert [item["source_path"] for item in pushed] == ["/sims/a/x", "/sims/a/"]
    assert pushed[1]["destination_path"] == "/sweep/a/start-000.1/work/"
    assert pushed[1]["recursive"] is True
    assert run.body("RunMembers")["tasks"][0]["kwargs"]["source_path"] == "/in/"


def test_members_without_inputs_need_no_transfer_before(flow: FlowTest) -> None:
    given = sweep_input(members=[member("b", "true")])
    run = flow.run(given)
    run.assert_succeeded()
    assert "PushInputs" not in [call.state for call in run.calls]
