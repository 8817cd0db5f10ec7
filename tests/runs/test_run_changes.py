"""Who follows the changes at a target knows its runs, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.facility import Address
from headrace.hosted import Services, services_at
from headrace.runs.change_records import Changes
from headrace.runs.run_changes import ChangeFollower
from tests.support.facility.api_caller import PASS, Caller
from tests.support.facility.live_facility import LiveFacility
from tests.support.flows_service import TOKEN, Service
from tests.support.waiting import wait_until

ASKS = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {"Title": "Go on?", "PresentationStyle": "Text", "Text": "?"},
                "Options": [{"Value": "yes", "Label": "Yes"}, {"Value": "no", "Label": "No"}],
            },
            "ResultPath": "$.asked",
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 3600, "End": True},
    },
}
TARGETS = ("local", "globus")


class Known:
    """What a follower was told."""

    def __init__(self, services: Callable[[], Services], target: str) -> None:
        self.follower = ChangeFollower(services, target, interval=0.05)
        self.sequence = 0
        self.statuses: dict[str, str] = {}
        self.removed: set[str] = set()
        self.flows: set[str] = set()
        self.web_inputs: dict[str, str] = {}
        self.incomplete = 0

    def follow(self, seconds: float = 5) -> Changes:
        changes = self.follower.wait(self.sequence, seconds)
        self.sequence = changes.sequence
        self.incomplete += not changes.complete
        self.statuses |= {run.run_id: run.status for run in changes.runs}
        self.removed |= {*changes.removed_run_ids}
        self.flows |= {*changes.flow_ids}
        self.web_inputs |= {each.id: each.status for each in changes.web_inputs}
        return changes

    def until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: condition() or bool(self.follow() and condition()), what)


@pytest.mark.parametrize("target", TARGETS)
def test_runs_flows_and_questions_are_followed(shared_facility: LiveFacility, target: str) -> None:
    known = Known(lambda: shared_facility.services, target)
    assert known.follow().complete is False
    call = Caller(shared_facility)
    flow_id = shared_facility.deploy(ASKS)
    run_id = shared_facility.start(flow_id, {})
    known.until(lambda: flow_id in known.flows, "the flow")
    known.until(lambda: bool(known.web_inputs) and run_id in known.statuses, "the question")
    call("POST", f"/runs/{run_id}/cancel")
    known.until(lambda: known.statuses[run_id] == "FAILED", "the end")
    ended = shared_facility.start(shared_facility.deploy(PASS), {})
    known.until(lambda: known.statuses.get(ended) == "SUCCEEDED", "a run that ends at once")
    assert known.incomplete == 1
    known.follow(0)
    assert known.follow(0).is_empty


def test_a_run_that_is_in_no_list_any_more_is_removed(shared_facility: LiveFacility) -> None:
    """The hosted services tell nothing of a run whose record was removed."""
    known = Known(lambda: shared_facility.services, "globus")
    flow_id = shared_facility.deploy({"StartAt": "W", "States": {"W": ASKS["States"]["Wait"]}})
    run_id = shared_facility.start(flow_id, {})
    known.follow()
    call = Caller(shared_facility)
    call("POST", f"/runs/{run_id}/cancel")
    call("POST", f"/runs/{run_id}/release")
    known.until(lambda: run_id in known.removed, "the removal")


def test_who_waits_is_told_at_once(shared_facility: LiveFacility) -> None:
    known = Known(lambda: shared_facility.services, "local")
    known.follow()
    flow_id = shared_facility.deploy(PASS)
    known.until(lambda: flow_id in known.flows, "the flow")
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(known.follow, 600)
        run_id = shared_facility.start(flow_id, {})
        assert [run.run_id for run in told.result(timeout=120).runs] == [run_id]


@pytest.mark.parametrize("target", TARGETS)
def test_an_unknown_number_is_told_as_such(shared_facility: LiveFacility, target: str) -> None:
    follower = ChangeFollower(lambda: shared_facility.services, target)
    newest = follower.wait(0, 5)
    assert newest.complete is False
    assert follower.wait(newest.sequence, 0).complete is True
    for unknown in (1, newest.sequence + (1 << 40)):
        again = follower.wait(unknown, 5)
        assert (again.complete, again.sequence) == (False, newest.sequence)


def test_a_killed_facility_is_told_with_its_last_answer_and_nothing_is_lost(
    start: Callable[[], LiveFacility],
) -> None:
    facility = start()
    addresses: list[Address] = [facility.address]
    known = Known(lambda: services_at(addresses[-1].url, addresses[-1].token), "local")
    known.follow()
    flow_id = facility.deploy({"StartAt": "W", "States": {"W": ASKS["States"]["Wait"]}})
    run_id = facility.start(flow_id, {})
    os.kill(facility.address.pid, signal.SIGKILL)

    def silence() -> bool:
        return known.follow().silence is not None

    wait_until(silence, "the silence")
    first = known.follower.silence
    assert first is not None
    assert "does not answer" in first.cause
    again = known.follow(0.3).silence
    assert again is not None
    assert again.since == first.since
    addresses.append(start().address)
    known.until(lambda: run_id in known.statuses, "the run that started before the kill")
    assert known.follower.silence is None
    assert known.incomplete == 1


def test_a_facility_that_hangs_is_told(start: Callable[[], LiveFacility]) -> None:
    facility = start()
    known = Known(lambda: services_at(facility.address.url, facility.address.token), "local")
    known.follow()
    os.kill(facility.address.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: known.follow().silence is not None, "the silence")
    finally:
        os.kill(facility.address.pid, signal.SIGCONT)
    wait_until(lambda: known.follow().silence is None, "the answer")


def test_a_facility_without_a_journal_is_asked_for_its_lists() -> None:
    """That of an earlier release goes on running beside a new client."""
    with Service() as service:
        services = services_at(service.url, TOKEN)
        service.refuse["GET /web_inputs"] = (403, {"error": {"code": "FORBIDDEN", "detail": ""}})
        known = Known(lambda: services, "local")
        assert known.follow().complete is False
        flow = services.flows.create_flow("t", PASS, {})
        known.until(lambda: flow["id"] in known.flows, "the flow")


def test_who_is_stopped_waits_no_longer(shared_facility: LiveFacility) -> None:
    for target in TARGETS:
        known = Known(lambda: shared_facility.services, target)
        while not known.follow(0).is_empty:
            pass
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(known.follow, 600)
            known.follower.stop()
            assert waiting.result(timeout=120).complete
