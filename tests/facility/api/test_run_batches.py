"""A batch of starts by one request: each run is started, or refused by a line of its own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from headrace.config import ProjectError
from headrace.hosted import Services
from headrace.runs import BatchedRun, start_batch
from tests.support.facility.api_caller import PASS, Caller

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def deployed(call: Caller) -> str:
    status, flow = call(
        "POST", "/flows", {"title": "t", "definition": PASS, "input_schema": SCHEMA}
    )
    assert status == 201
    return str(flow["id"])


def test_each_run_is_started_or_refused_by_its_own_line(facility) -> None:
    call = Caller(facility)
    flow = deployed(call)
    runs = [
        {"body": {"n": 1}, "label": "one", "tags": ["batch"]},
        {"body": {"n": "two"}},
        {"body": {"n": 3}, "tags": ["x" * 2000]},
        "four",
        {"body": {"n": 5}, "label": "five"},
    ]
    status, answer = call("POST", f"/flows/{flow}/run_batch", {"runs": runs})
    assert status == 200
    assert (answer["started"], answer["refused"]) == (2, 3)
    first, wrong, long, text, last = answer["runs"]
    assert first["is_new"]
    assert wrong == {"error": "$.n: 'two' is not of type 'integer'"}
    assert long["error"].startswith("tags.0: ensure this value has at most")
    assert text == {"error": "runs[3]: it must be an object"}
    assert facility.wait(first["run_id"])["label"] == "one"
    assert facility.wait(last["run_id"])["status"] == "SUCCEEDED"


def test_a_batch_whose_answer_was_lost_is_sent_again(facility) -> None:
    call = Caller(facility)
    flow = deployed(call)
    body = {"request_id": "the batch", "runs": [{"body": {"n": n}} for n in range(2500)]}
    _, first = call("POST", f"/flows/{flow}/run_batch", body)
    _, again = call("POST", f"/flows/{flow}/run_batch", body)
    ids = [run["run_id"] for run in first["runs"]]
    assert len(set(ids)) == 2500
    assert [run["run_id"] for run in again["runs"]] == ids
    assert not any(run["is_new"] for run in again["runs"])
    # A name of its own is that of a single request, too.
    own = {"body": {"n": 1}, "request_id": "single"}
    _, batch = call("POST", f"/flows/{flow}/run_batch", {"runs": [own]})
    _, single = call("POST", f"/flows/{flow}/run", own)
    assert single["run_id"] == batch["runs"][0]["run_id"]


def test_what_is_no_batch_is_refused(facility) -> None:
    call = Caller(facility)
    flow = deployed(call)
    for body in ({}, {"runs": []}, {"runs": {}}, {"runs": [{}] * 10_001}, {"runs": [{}], "x": 1}):
        status, answer = call("POST", f"/flows/{flow}/run_batch", body)
        assert status == 422, answer
    assert call("POST", "/flows/none/run_batch", {"runs": [{}]})[0] == 404


def test_the_client_sends_parts_and_gives_an_answer_for_each_run(
    facility, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.runs.batch_start._MAX_RUNS", 3)
    flow = deployed(Caller(facility))
    runs = [BatchedRun({"n": n}, label=f"run {n}", tags=["batch"]) for n in range(7)]
    runs[5] = BatchedRun({"n": "five"})
    answers = start_batch(facility.services, flow, runs, "the batch")
    assert [bool(answer.run_id) for answer in answers] == [True] * 5 + [False, True]
    assert answers[5].problem == "$.n: 'five' is not of type 'integer'"
    assert facility.wait(answers[6].run_id)["label"] == "run 6"
    again = start_batch(facility.services, flow, runs, "the batch")
    assert [answer.run_id for answer in again] == [answer.run_id for answer in answers]
    assert not any(answer.is_new for answer in again)


def test_the_hosted_service_has_no_batches() -> None:
    hosted = SimpleNamespace(is_facility=False)
    with pytest.raises(ProjectError, match="starts runs one by one: start a batch at a facility"):
        start_batch(cast(Services, hosted), "flow", [BatchedRun({})])
