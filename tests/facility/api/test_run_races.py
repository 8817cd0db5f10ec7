"""Cancel, delete, retry, resume and update at once: refusals are 4xx, and effects happen once."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.facility.api_caller import PASS, Caller
from tests.support.waiting import wait_until

FAIL = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "No", "Cause": "no"}}}
REST = {
    "StartAt": "A",
    "States": {"A": {"Type": "Wait", "Seconds": 3600, "Next": "B"}, "B": PASS["States"]["A"]},
}


def at_once(*works: Any) -> list[Any]:
    barrier = threading.Barrier(len(works))

    def run(work: Any) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def test_two_retries_at_once_make_one_run(facility) -> None:
    call = Caller(facility)
    flow = facility.deploy(FAIL)
    for _ in range(10):
        old = facility.start(flow, {})
        facility.wait(old)
        answers = at_once(*[lambda old=old: call("POST", f"/runs/{old}/retry")] * 4)
        assert {status for status, _ in answers} == {201}
        assert len({document["run_id"] for _, document in answers}) == 1


def test_cancel_beside_delete_is_never_an_internal_error(facility) -> None:
    call = Caller(facility)
    flow = facility.deploy(REST)
    for _ in range(30):
        run = facility.start(flow, {})
        at_once(
            lambda run=run: call("POST", f"/runs/{run}/cancel"),
            lambda run=run: call("POST", f"/runs/{run}/release"),
            lambda run=run: call("GET", f"/runs/{run}"),
            lambda run=run: call("POST", f"/runs/{run}/cancel"),
        )
    assert not [status for status in call.statuses if status >= 500], call.statuses


def test_everything_at_once(facility) -> None:
    call = Caller(facility)
    flows = [facility.deploy(definition) for definition in (PASS, FAIL, REST)]
    chance = random.Random(13)
    known = [facility.start(chance.choice(flows), {}) for _ in range(12)]
    lock = threading.Lock()

    def work(seed: int) -> None:
        own = random.Random(seed)
        for _ in range(40):
            with lock:
                run = own.choice(known)
            verb = own.choice(("cancel", "release", "retry", "resume", "update", "show", "log"))
            if verb == "update":
                call("PUT", f"/runs/{run}", {"label": f"label {own.random()}"})
            elif verb in ("show", "log"):
                call("GET", f"/runs/{run}{'/log' if verb == 'log' else ''}")
                call("GET", "/runs?per_page=50")
            else:
                _, document = call("POST", f"/runs/{run}/{verb}")
                if verb == "retry" and "run_id" in document:
                    with lock:
                        known.append(document["run_id"])

    at_once(*[lambda seed=seed: work(seed) for seed in range(8)])
    assert not [status for status in call.statuses if status >= 500], call.statuses
    assert facility.run(PASS, {})["status"] == "SUCCEEDED"


def parent(child: str) -> dict[str, Any]:
    return {
        "StartAt": "Call",
        "States": {
            "Call": {
                "Type": "Action",
                "ActionUrl": f"https://flows.globus.org/flows/{child}",
                "Parameters": {},
                "ResultPath": "$.child",
                "WaitTime": 3600,
                "End": True,
            }
        },
    }


def test_a_child_that_is_deleted_as_soon_as_it_ends_gives_its_result(facility) -> None:
    call = Caller(facility)
    child = facility.deploy(PASS)
    flow = facility.deploy(parent(child))
    parents = [facility.start(flow, {}) for _ in range(60)]
    stop = threading.Event()

    def delete() -> None:
        while not stop.is_set():
            _, page = call("GET", f"/runs?filter_flow_id={child}&per_page=100")
            for run in page["runs"]:
                call("POST", f"/runs/{run['run_id']}/release")

    deleters = [threading.Thread(target=delete) for _ in range(3)]
    for thread in deleters:
        thread.start()
    try:
        ended = [facility.wait(run, 300) for run in parents]
    finally:
        stop.set()
        for thread in deleters:
            thread.join()
    assert {run["status"] for run in ended} == {"SUCCEEDED"}
    results = [run["details"]["output"]["child"]["details"]["run_id"] for run in ended]
    assert len(set(results)) == len(parents)
    assert not [status for status in call.statuses if status >= 500], call.statuses


def test_a_child_of_a_parent_that_was_cancelled_at_once_does_not_run_on(facility) -> None:
    call = Caller(facility)
    child = facility.deploy(REST)
    flow = facility.deploy(parent(child))
    for _ in range(30):
        run = facility.start(flow, {})
        call("POST", f"/runs/{run}/cancel")

    def all_ended() -> bool:
        _, page = call("GET", "/runs?per_page=100&filter_status=ACTIVE,INACTIVE")
        return page["runs"] == []

    wait_until(all_ended, "the end of every child", 120)
