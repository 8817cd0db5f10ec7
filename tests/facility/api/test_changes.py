"""``GET /changes``: who waits is woken by the change itself, and nothing is lost by a kill."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from headrace.facility import stop_facility
from headrace.facility.api.change_waiters import waiter_limit
from tests.support.facility.api_caller import PASS, Caller
from tests.support.facility.live_facility import LiveFacility
from tests.support.waiting import wait_until

LONG_WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}


@pytest.fixture
def call(shared_facility: LiveFacility) -> Caller:
    return Caller(shared_facility)


def changes(call: Caller, since: int, wait: int = 0, **query: Any) -> dict[str, Any]:
    others = "".join(f"&{name}={value}" for name, value in query.items())
    status, answer = call("GET", f"/changes?since={since}&wait={wait}{others}")
    assert status == 200, answer
    return dict(answer)


def newest(call: Caller) -> int:
    return int(changes(call, 0)["sequence"])


def statuses(answer: dict[str, Any]) -> dict[str, str]:
    return {run["run_id"]: run["status"] for run in answer["runs"]}


def settled(facility: LiveFacility, call: Caller, flow_id: str) -> tuple[str, int]:
    """Starts a run that waits, and returns it with the newest number when it does so."""
    run_id = facility.start(flow_id, {})
    wait_until(lambda: "WaitStarted" in facility.codes(run_id), "the state")
    return run_id, newest(call)


def test_a_first_question_gives_the_newest_number_alone(call: Caller) -> None:
    for since in (0, 1, 10**17):
        answer = changes(call, since, wait=60)
        assert answer["complete"] is False
        assert answer["sequence"] > 0
        assert (answer["runs"], answer["has_next_page"]) == ([], False)
    assert changes(call, answer["sequence"])["complete"] is True


def test_a_run_is_told_with_its_flow_and_status(
    shared_facility: LiveFacility, call: Caller
) -> None:
    begun = newest(call)
    flow_id = shared_facility.deploy(PASS)
    run_id = shared_facility.start(flow_id, {})
    shared_facility.wait(run_id)
    answer = changes(call, begun)
    assert answer["runs"] == [{"run_id": run_id, "flow_id": flow_id, "status": "SUCCEEDED"}]
    assert answer["flow_ids"] == [flow_id]
    assert (answer["complete"], answer["has_next_page"]) == (True, False)
    call("POST", f"/runs/{run_id}/release")
    assert changes(call, answer["sequence"])["removed_run_ids"] == [run_id]


def test_who_waits_is_woken_by_a_change(shared_facility: LiveFacility, call: Caller) -> None:
    flow_id = shared_facility.deploy(LONG_WAIT)
    run_id, since = settled(shared_facility, call, flow_id)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(changes, Caller(shared_facility), since, 60)
        # Whether it waits already or comes after the change, it gets it, and not after 60 s.
        begun = time.monotonic()
        call("POST", f"/runs/{run_id}/cancel")
        assert statuses(asked.result()) == {run_id: "FAILED"}
        assert time.monotonic() - begun < 55


def test_a_wait_without_a_change_ends(shared_facility: LiveFacility, call: Caller) -> None:
    _, since = settled(shared_facility, call, shared_facility.deploy(LONG_WAIT))
    answer = changes(call, since, wait=1)
    assert (answer["sequence"], answer["complete"], answer["runs"]) == (since, True, [])


def test_fifty_wait_without_a_thread_and_all_are_woken(
    shared_facility: LiveFacility, call: Caller
) -> None:
    flow_id = shared_facility.deploy(LONG_WAIT)
    run_id, since = settled(shared_facility, call, flow_id)
    process = psutil.Process(shared_facility.address.pid)
    threads = process.num_threads()
    with ExitStack() as stack:
        waiting = [stack.enter_context(closing(ask(shared_facility, since))) for _ in range(50)]
        wait_until(lambda: connections(process) >= 50, "50 connections")
        # Others are answered meanwhile.
        assert call("GET", f"/runs/{run_id}")[0] == 200
        assert process.num_threads() <= threads + 2
        call("POST", f"/runs/{run_id}/cancel")
        for connection in waiting:
            assert run_id.encode() in read_all(connection)


def test_only_so_many_may_wait_and_who_goes_away_makes_room(
    shared_facility: LiveFacility, call: Caller
) -> None:
    _, since = settled(shared_facility, call, shared_facility.deploy(LONG_WAIT))

    def is_refused() -> bool:
        return call("GET", f"/changes?since={since}&wait=1")[0] == 503

    with ExitStack() as stack:
        for _ in range(waiter_limit()):
            stack.enter_context(closing(ask(shared_facility, since)))
        wait_until(is_refused, "the refusal of one too many")
        assert changes(call, since)["complete"] is True
    wait_until(lambda: not is_refused(), "room")


@pytest.mark.parametrize(
    "query", ["since=-1", "since=a", "wait=61", "wait=x", "since=1&per_page=99", "per_page=1001"]
)
def test_a_wrong_question_is_refused(call: Caller, query: str) -> None:
    status, answer = call("GET", f"/changes?{query}")
    assert status == 422, answer


def test_pages_lead_to_all(shared_facility: LiveFacility, call: Caller) -> None:
    flow_id = shared_facility.deploy(PASS)
    since, more = newest(call), True
    body = {"runs": [{"body": {}} for _ in range(300)]}
    status, answer = call("POST", f"/flows/{flow_id}/run_batch", body)
    assert status in {200, 201}, answer
    started = {run["run_id"] for run in answer["runs"]}
    found: set[str] = set()
    while more:
        page = changes(call, since, per_page=100)
        assert len(page["runs"]) <= 100
        found |= {*statuses(page)}
        since, more = page["sequence"], page["has_next_page"]
    assert started <= found


def test_numbers_go_on_after_a_kill_and_nothing_is_lost(
    start: Callable[[], LiveFacility],
) -> None:
    facility = start()
    flow_id = facility.deploy(LONG_WAIT)
    seen = [newest(Caller(facility))]
    runs = []
    for _ in range(3):
        run_id, number = settled(facility, Caller(facility), flow_id)
        runs.append(run_id)
        seen.append(number)
    Caller(facility)("POST", f"/runs/{runs[0]}/cancel")
    seen.append(newest(Caller(facility)))
    process = psutil.Process(facility.address.pid)
    os.kill(facility.address.pid, signal.SIGKILL)
    wait_until(lambda: has_ended(process), "the end of the process")
    again = Caller(start())
    for number in seen:
        answer = changes(again, number)
        assert answer["complete"] is True
        assert answer["sequence"] > seen[-1]
        assert statuses(answer) == {runs[0]: "FAILED", runs[1]: "ACTIVE", runs[2]: "ACTIVE"}


def test_who_waits_holds_up_no_stop(start: Callable[[], LiveFacility]) -> None:
    facility = start()
    _, since = settled(facility, Caller(facility), facility.deploy(LONG_WAIT))
    process = psutil.Process(facility.address.pid)
    with closing(ask(facility, since)) as connection:
        wait_until(lambda: connections(process) >= 1, "the connection")
        stop_facility(facility.root)
        # An answer, and no connection that is cut off.
        assert b'"complete":true' in read_all(connection)


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def ask(facility: LiveFacility, since: int) -> socket.socket:
    """Asks for changes, for as long as may be waited, and does not read the answer yet."""
    parts = urlsplit(facility.address.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=120)
    request = (
        f"GET /changes?since={since}&wait=60 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {facility.address.token}\r\nConnection: close\r\n\r\n"
    )
    connection.sendall(request.encode())
    return connection


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def connections(process: psutil.Process) -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("tcp"))


def test_only_some_runs_are_named(shared_facility: LiveFacility, call: Caller) -> None:
    flow_id = shared_facility.deploy(PASS)
    since = newest(call)
    runs = [shared_facility.start(flow_id, {}) for _ in range(3)]
    for run_id in runs:
        shared_facility.wait(run_id)
    answer = changes(call, since, run_ids=f"{runs[1]},{flow_id}")
    assert statuses(answer) == {runs[1]: "SUCCEEDED"}
    assert answer["other_runs"] is True
    every = changes(call, since, run_ids=",".join(runs))
    assert (statuses(every).keys(), every["other_runs"]) == (set(runs), False)
    none = changes(call, since, run_ids="")
    assert (none["runs"], none["other_runs"]) == ([], True)
    assert none["sequence"] == changes(call, since)["sequence"]
    quiet = changes(call, none["sequence"], run_ids=runs[0])
    assert (quiet["runs"], quiet["other_runs"]) == ([], False)
    call("POST", f"/runs/{runs[0]}/release")
    removed = changes(call, none["sequence"], run_ids=runs[0])
    assert removed["removed_run_ids"] == [runs[0]]
    elsewhere = changes(call, none["sequence"], run_ids=runs[1])
    assert (elsewhere["removed_run_ids"], elsewhere["other_runs"]) == ([], True)


def test_an_answer_that_names_few_runs_is_one_however_many_changed(
    shared_facility: LiveFacility, call: Caller
) -> None:
    flow_id, since = shared_facility.deploy(PASS), newest(call)
    last = [shared_facility.start(flow_id, {}) for _ in range(150)][-1]
    shared_facility.wait(last)
    assert changes(call, since, per_page=100)["has_next_page"] is True
    answer = changes(call, since, per_page=100, run_ids=last)
    assert (answer["has_next_page"], answer["other_runs"]) == (False, True)
