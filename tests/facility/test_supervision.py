"""No thread dies unseen, and what the facility says of itself is true."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from headrace.facility import supervision
from headrace.facility.store.flows import FlowTable
from headrace.facility.supervision import Health, Heartbeat, SupervisedThread, WorkerPool
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until

PASS = {"A": {"Type": "Pass", "End": True}}


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_MIN_PAUSE", 0.01)


def parts(health: Health) -> list[str]:
    return [problem.part for problem in health.problems]


def test_work_that_raises_is_begun_again_and_told_of() -> None:
    health, left, seen = Health(), [1, 2, 3], []

    def work() -> None:
        seen.append(parts(health))
        if left:
            raise KeyError(left.pop())

    thread = SupervisedThread("part", work, health)
    thread.start()
    thread.thread.join()
    assert seen == [[], ["part"], ["part"], ["part"]]
    assert health.problems == []


def test_a_check_that_cannot_be_made_stops_no_other_and_no_sign_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive: list[int] = []
    made: list[str] = []
    monkeypatch.setattr(supervision, "notify_alive", lambda: alive.append(1))
    monkeypatch.setattr(supervision, "_CHECK_TICKS", 1)
    health = Health(lambda reason: None)

    def away() -> None:
        made.append("away")
        raise OSError("the disk is away")

    health.add_check(away)
    health.add_check(lambda: made.append("there"))
    for _ in range(3):
        health._tick()
    assert made == ["away", "there"] * 3
    assert len(alive) == 3
    health.fatal("engine", "its thread has ended")
    health._tick()
    assert len(alive) == 3, "what is dead never says that it is well"


def test_a_thread_that_died_ends_the_process() -> None:
    reasons: list[str] = []
    health = Health(reasons.append)
    heartbeat = Heartbeat("engine")
    heartbeat.thread = threading.Thread(target=lambda: None)
    health.add_heartbeat(heartbeat)
    health.check_heartbeats()
    assert reasons == []
    heartbeat.thread.start()
    heartbeat.thread.join()
    health.check_heartbeats()
    health.check_heartbeats()
    assert reasons == ["engine: its thread has ended, so nothing goes on any more"]
    assert health.document()["status"] == "degraded"


def test_a_part_without_a_sign_of_life_is_stuck_and_at_last_ends_the_process() -> None:
    reasons: list[str] = []
    health = Health(reasons.append)
    hopeless: list[str] = []
    heartbeat = Heartbeat("engine", 3, 5, hopeless.append)
    health.add_heartbeat(heartbeat)
    heartbeat.beat("run number 7")
    for _ in range(3):
        health.check_heartbeats()
    assert "stuck in run number 7" in health.problems[0].description
    heartbeat.beat()
    health.check_heartbeats()
    assert health.problems == []
    heartbeat.beat("run number 8")
    for _ in range(9):
        health.check_heartbeats()
    assert len(reasons) == 1
    assert "stuck in run number 8" in reasons[0]
    assert hopeless == ["run number 8"]


def test_a_pool_outlives_what_its_work_raises() -> None:
    health = Health()
    pool = WorkerPool(2, "pool", health)
    done = threading.Semaphore(0)

    def bad() -> None:
        raise ValueError("bad")

    for _ in range(6):
        pool.submit(bad)
    for _ in range(20):
        pool.submit(done.release)
    for _ in range(20):
        assert done.acquire(timeout=120)
    assert set(parts(health)) <= {"pool 0", "pool 1"}
    pool.close()


def test_the_engine_goes_on_when_its_timers_or_its_thread_raise(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_due = bench.engine._timers.pop_due
    left = [1, 2]

    def due() -> Any:
        if left:
            raise ValueError(f"a fault of ours {left.pop()}")
        return true_due()

    monkeypatch.setattr(bench.engine._timers, "pop_due", due)
    run_id = bench.start(PASS)
    assert bench.ended(run_id).status == "SUCCEEDED"
    # The engine may have taken up the run just before its timers began to raise.
    wait_until(lambda: not left, "both faults are met")
    assert bench.ended(bench.start(PASS)).status == "SUCCEEDED"
    wait_until(lambda: bench.store.health.problems == [], "all well again")


def test_what_is_due_later_is_done_again_until_it_does_not_raise(bench: Bench) -> None:
    left, done = [1, 2, 3], threading.Event()

    def fire() -> None:
        if left:
            raise OSError(left.pop(), "not now")
        done.set()

    bench.engine.call_later("something", 0.0, fire)
    assert done.wait(120)
    wait_until(lambda: bench.store.health.problems == [], "all well again")


def test_a_listener_that_raises_is_told_again(bench: Bench) -> None:
    told: list[str] = []
    left = [1, 2]

    def listener(run_id: str) -> None:
        if left:
            raise KeyError(left.pop())
        told.append(run_id)

    bench.engine.add_end_listener(listener)
    run_id = bench.start(PASS)
    wait_until(lambda: told == [run_id], "the listener is told")


def test_a_listener_is_told_of_the_runs_whose_requests_it_names(bench: Bench) -> None:
    told: list[str] = []
    bench.engine.add_end_listener(told.append, "mine ")
    bench.engine.add_end_listener(lambda run_id: told.append(f"any {run_id}"))
    flow = FlowTable(bench.store).create(
        {"title": "f", "definition": {"StartAt": "A", "States": PASS}}
    )
    others = [bench.engine.start_run(flow, {}, name).id for name in (None, "yours 1")]
    mine = bench.engine.start_run(flow, {}, "mine 1").id
    wait_until(lambda: len(told) == 4, "the listeners are told")
    assert sorted(told) == sorted([mine, *(f"any {run_id}" for run_id in (mine, *others))])


def test_an_action_that_cannot_be_begun_for_want_of_threads_is_begun_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_begin = bench.provider.begin
    left = [RuntimeError("can't start new thread"), OSError(28, "No space left on device")]

    def begin(action: Any) -> None:
        if left:
            raise left.pop()
        true_begin(action)

    monkeypatch.setattr(bench.provider, "begin", begin)
    run_id = bench.start({"A": action_state()})
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_progress_that_raises_is_told_instead(bench: Bench) -> None:
    def progress(action_id: str) -> Any:
        raise KeyError(action_id)

    bench.provider.progress = progress  # type: ignore[method-assign]
    bench.start({"A": action_state()})
    action = bench.action()
    assert "KeyError" in bench.engine.progress(action)["description"]


def test_a_run_in_which_the_facility_was_stuck_is_parked_at_the_next_start(bench: Bench) -> None:
    stuck = bench.start({"A": action_state()})
    other = bench.start({"A": action_state()})
    bench.action(1)
    bench.engine._current_run = bench.run(stuck).number
    bench.engine._record_stuck_run("")
    bench.close()
    bench.open()
    assert "was stuck in it" in bench.parked(stuck)["description"]
    bench.engine.finish_action(bench.action(2).id, "SUCCEEDED", {})
    bench.engine.finish_action(bench.action(3).id, "SUCCEEDED", {})
    assert bench.ended(other).status == "SUCCEEDED"
    bench.engine.changes.resume_run(stuck)
    assert bench.ended(stuck).status == "SUCCEEDED"


def test_whoever_looks_after_parts_ends_no_process_itself() -> None:
    """How a process ends is for the one that serves: a test of the parts runs in another's."""
    code = (
        "import threading; from headrace.facility.supervision import Health\n"
        "health = Health(print); health.fatal('engine', 'gone')\n"
        "print([thread.name for thread in threading.enumerate()])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["engine: gone", "['MainThread']"]


def test_a_thread_that_has_ended_is_told_of_before_the_supervisor_has_looked() -> None:
    health = Health(lambda reason: None)
    thread = threading.Thread(target=lambda: None)
    heartbeat = Heartbeat("engine")
    heartbeat.thread = thread
    health.add_heartbeat(heartbeat)
    assert health.document()["status"] == "online"
    thread.start()
    thread.join()
    told = health.document()
    assert (told["status"], told["problems"][0]["part"]) == ("degraded", "engine")
    assert health.silence == float("inf")


def test_one_that_ends_as_it_should_is_no_problem() -> None:
    health = Health(lambda reason: None)
    heartbeat = Heartbeat("engine")
    heartbeat.thread = threading.Thread(target=lambda: None)
    health.add_heartbeat(heartbeat)
    heartbeat.stop()
    heartbeat.thread.start()
    heartbeat.thread.join()
    assert (health.document()["status"], health.silence) == ("online", 0.0)


def test_the_silence_is_that_of_the_part_that_is_silent_longest() -> None:
    health = Health(lambda reason: None)
    heartbeats = [Heartbeat("engine"), Heartbeat("API")]
    for each in heartbeats:
        health.add_heartbeat(each)
    for _ in range(5):
        health.check_heartbeats()
        heartbeats[1].beat()
    assert health.silence == 5.0
    heartbeats[0].beat()
    assert health.silence == 0.0


def test_a_supervisor_that_does_not_look_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1_000.0]
    monkeypatch.setattr(supervision, "elapsed", lambda: moment[0])
    health = Health(lambda reason: None)
    health.start()
    try:
        assert health.document()["status"] == "online"
        moment[0] += 10_000.0
        monkeypatch.setattr(health, "_last_tick", 1_000.0)
        told = health.document()
        assert [problem["part"] for problem in told["problems"]] == ["supervisor"]
    finally:
        health.stop()
