"""Stages of the flows at endpoints of their own, and the attempts that their results name."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.testing import fail
from headrace.testing.flow import FlowTest
from headrace.testing.providers import compute, listing
from tests.support.ids import an_id
from tests.support.repository import REPOSITORY

COLLECTION = {"id": an_id("collection"), "path": "/run0007/"}
RUN = {"segments": 2, "bytes": 1, "events": 2, "hits": 3, "fitted": 3, "fit_seconds": 1.0}
RUN |= {"begin": 0.0, "end": 1.0, "pictures": 4, "redone": True, "failed_attempts": []}
FAILED = {"job_id": "17", "nodes": "n42", "cause": "node lost", "seconds": 90.0}


def place(name: str) -> dict[str, Any]:
    return {
        "endpoint": an_id(name),
        "options": {"account": name},
        "project": f"/{name}/project",
        "directory": f"/{name}/run0007",
    }


def data_run_input(**stages: Any) -> dict[str, Any]:
    functions = {name: an_id(name) for name in ("fit", "convert", "analyze")}
    more = {"stages": stages} if stages else {}
    return {
        "run": "run0007",
        **dict.fromkeys(("data", "staging", "results"), COLLECTION),
        "compute": {**place("analysis"), **functions, **more},
        "config": "job_scripts/data_run.toml",
    }


def segment(number: int, *failed: dict[str, Any]) -> dict[str, Any]:
    name = f"run-0007-0{number}.evt"
    return {"segment": name, "redone": True, "seconds": 1.0, "failed_attempts": list(failed)}


@pytest.fixture
def flow(flow_test: Any) -> FlowTest:
    found: FlowTest = flow_test(REPOSITORY / "flows" / "data_run")
    listed = listing("run-0007-00.evt", "run-0007-01.evt")
    listed["DATA"] = [{**each, "last_modified": "2026-03-01 10:00:00"} for each in listed["DATA"]]
    found.on("ListSegments", listed)
    found.on("FitSegments", compute(segment(0), segment(1, FAILED)))
    found.on("ConvertSegments", compute(segment(0), segment(1)))
    found.on("AnalyzeRun", compute(RUN))
    return found


STATES = {"fit": "FitSegments", "convert": "ConvertSegments", "analyze": "AnalyzeRun"}


def where(run: Any, state: str) -> dict[str, Any]:
    body = run.body(state)
    kwargs = body["tasks"][0]["kwargs"]
    return {
        "endpoint": body["endpoint_id"],
        "options": body["user_endpoint_config"],
        "project": kwargs["project"],
        "directory": kwargs["directory"],
    }


@pytest.mark.parametrize(
    "own", [(), ("fit",), ("convert", "analyze"), ("fit", "convert", "analyze")]
)
def test_each_stage_of_a_data_run_may_have_an_endpoint(
    flow: FlowTest, own: tuple[str, ...]
) -> None:
    run = flow.run(data_run_input(**{name: place(name) for name in own}))
    run.assert_succeeded()
    for name, state in STATES.items():
        assert where(run, state) == place(name if name in own else "analysis")


def test_the_summary_names_what_was_repeated(flow: FlowTest) -> None:
    run = flow.run(data_run_input())
    repeated = run.output["summary"]["repeated"]
    assert repeated == [{"stage": "fit", "segment": "run-0007-01.evt", "failed_attempts": [FAILED]}]


def test_an_analysis_that_was_repeated_is_named(flow: FlowTest) -> None:
    flow.on("AnalyzeRun", compute({**RUN, "failed_attempts": [FAILED]}))
    run = flow.run(data_run_input())
    assert run.output["summary"]["repeated"][-1] == {
        "stage": "analyze",
        "failed_attempts": [FAILED],
    }


@pytest.mark.parametrize("own", [(), ("simulate",), ("simulate", "windows")])
def test_simulations_and_windows_of_an_inversion_may_have_endpoints(
    flow_test: Any, own: tuple[str, ...]
) -> None:
    flow: FlowTest = flow_test(REPOSITORY / "flows" / "inversion")
    step = {"next": "forward", "evaluation": "000-00", "parts": [["001"]], "resources": {}}
    step |= {"windows_parts": [["001"]], "windows_resources": {}}
    flow.on("Check", compute(step))
    flow.on("Forward", compute({}))
    flow.on("ProcessWaveforms", compute({}))
    flow.on("Decide", compute({**step, "next": "stop"}))
    flow.on("Results", fail("enough"))
    functions = {name: an_id(name) for name in ("stage", "simulate", "windows")}
    stages = {"stages": {name: place(name) for name in own}} if own else {}
    body = {
        "iteration": "000",
        "inversion": COLLECTION,
        "staging": COLLECTION,
        "compute": {**place("simulation"), "functions": functions, **stages},
    }
    run = flow.run(body)
    for name, state in {"simulate": "Forward", "windows": "ProcessWaveforms"}.items():
        assert where(run, state) == place(name if name in own else "simulation")
