"""Failed runs of arrivals: taken up after growing times, or the trigger is held; each once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import (
    RunEnded,
    Started,
    Trigger,
    TriggerError,
    TriggerHeld,
    load_trigger,
    read_ledger,
    resume_triggers,
    skip_arrivals,
)
from headrace.triggers.start_gate import Held
from headrace.triggers.tables.failure import FailureTable
from tests.support.triggers.launches import Launches
from tests.support.triggers.run_service import MemoryRunService
from tests.support.triggers.trigger_watch import make_event, make_trigger, watching


def failing(root: Path, **failure: Any) -> Trigger:
    return make_trigger(root, failure=FailureTable(**failure), existing="run")


def test_a_failed_run_is_taken_up_after_growing_times_and_so_often(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, attempts=3, backoff=100.0))
    world.arrive("a")
    assert world.launch_due() == ["a"]
    waits = []
    for seconds in (100, 200):
        world.service.end("a", "FAILED", "the node was lost")
        world.follow()
        world.follow()
        waits.append(world.of(RunEnded)[-1].retry_in)
        world.now += timedelta(seconds=seconds - 1)
        assert world.launch_due() == []
        world.now += timedelta(seconds=1)
        assert world.launch_due() == ["a"]
    world.service.end("a", "FAILED", "the node was lost")
    world.follow()
    assert waits == [100.0, 200.0]
    assert [(event.status, event.retry_in) for event in world.of(RunEnded)] == [
        ("FAILED", 100.0),
        ("FAILED", 200.0),
        ("FAILED", None),
    ]
    assert world.launch_due() == []
    assert len(world.service.retries) == 2
    assert read_ledger(world.path)[0].state == "started"


def test_a_kill_at_any_moment_has_a_failed_run_taken_up_once(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=10.0))
    world.arrive("a")
    world.launch_due()
    world.service.end("a", "FAILED", "the node was lost")
    world.restart()
    world.follow()
    world.restart()
    world.follow()
    world.now += timedelta(seconds=10)
    world.service.fail = lambda moment: ConnectionError("lost") if moment == "after" else None
    world.launch_due()
    assert [event.reason for event in world.events if hasattr(event, "attempts")] == ["lost"]
    world.restart()
    world.service.fail = lambda moment: None
    world.launch_due()
    (started,) = world.of(Started)
    assert started.found
    assert len(world.service.retries) == 1
    world.service.end("a")
    world.follow()
    world.launch_due()
    assert len(world.service.retries) == 1


def test_a_run_that_somebody_took_up_by_hand_is_not_taken_up_again(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=10.0))
    world.arrive("a")
    world.launch_due()
    run_id = world.service.run_of("a")
    world.service.end("a", "FAILED", "the node was lost")
    world.follow()
    world.service.retries[run_id] = "by hand"
    world.now += timedelta(seconds=10)
    world.launch_due()
    assert read_ledger(world.path)[0].run_id == "by hand"


def test_an_arrival_that_went_away_is_taken_up_all_the_same(tmp_path: Path) -> None:
    """What was transferred is there; the run says so if it is not."""
    world = Launches(failing(tmp_path, attempts=2, backoff=1.0))
    record = world.arrive("a")
    world.launch_due()
    world.ledger.mark_missing([record.id])
    world.service.end("a", "FAILED", "walltime")
    world.follow()
    world.now += timedelta(seconds=1)
    world.launch_due()
    assert len(world.service.retries) == 1


@pytest.mark.parametrize(("code_errors", "retries"), [(False, 0), (True, 1)])
def test_errors_of_the_code_are_taken_up_on_request_only(
    tmp_path: Path, code_errors: bool, retries: int
) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=0.0, code_errors=code_errors))
    world.arrive("a")
    world.launch_due()
    world.service.end("a", "FAILED", "TypeError: no", by_code=True)
    world.follow()
    world.launch_due()
    assert len(world.service.retries) == retries


@pytest.mark.parametrize("status", ["ENDED", "GONE", "SUCCEEDED"])
def test_what_a_person_ended_is_no_failure(tmp_path: Path, status: str) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=0.0, then="hold"))
    world.arrive("a")
    world.launch_due()
    world.service.end("a", status)
    world.follow()
    assert world.launch_due() == []
    assert world.ledger.runs.pause_reason(world.trigger.name) is None


def test_a_retry_that_is_due_can_be_skipped(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=10.0))
    record = world.arrive("a")
    world.launch_due()
    world.service.end("a", "FAILED", "walltime")
    world.follow()
    assert len(skip_arrivals(world.path, [record.id])) == 1
    world.now += timedelta(hours=1)
    assert world.launch_due() == []


def test_a_failure_holds_the_trigger_until_somebody_resumes_it(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, then="hold"))
    world.arrive("a")
    world.launch_due()
    world.service.end("a", "FAILED", "the disk is full")
    world.follow()
    world.follow()
    (held,) = world.of(TriggerHeld)
    assert held.trigger == "new_event"
    assert "failed: the disk is full; mend it, then `headrace trigger resume" in held.reason
    world.restart()
    world.follow()
    record = world.arrive("b")
    outcome = world.launch(record)
    assert isinstance(outcome, Held)
    assert outcome.reason.startswith("the trigger is held: run run of arrival:new_event:")
    resume_triggers(world.path, ["new_event"])
    world.follow()
    assert world.launch(record) is None, "the same failure does not hold it again"
    assert world.service.started == ["a", "b"]


def test_a_trigger_is_held_after_the_last_attempt(tmp_path: Path) -> None:
    world = Launches(failing(tmp_path, attempts=2, backoff=0.0, then="hold"))
    world.arrive("a")
    for held in (0, 1):
        world.launch_due()
        world.service.end("a", "FAILED", "walltime")
        world.follow()
        assert len(world.of(TriggerHeld)) == held


def test_a_watch_takes_up_what_failed_and_says_so(tmp_path: Path) -> None:
    trigger = failing(tmp_path, attempts=2, backoff=0.05)
    path, service = tmp_path / "ledger.db", MemoryRunService()
    make_event(trigger.directory / "a")
    with watching([trigger], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Started)
        service.end("a", "FAILED", "the node was lost")
        watch.wait_for(RunEnded)
        watch.wait_for(Started, 2)
    assert len(service.retries) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("attempts = 0", "failure.attempts: must be a whole number of at least 1"),
        ('then = "stop"', '"stop" must be "continue" or "hold"'),
        ("backoff = -1", "failure.backoff"),
    ],
)
def test_wrong_tables_are_refused_when_the_file_is_read(
    tmp_path: Path, line: str, message: str
) -> None:
    file = tmp_path / "new_event.toml"
    (tmp_path / "incoming").mkdir()
    head = '[watch]\ncollection = "disk"\npath = "/incoming/"\n[start]\nflow = "f"\n'
    file.write_text(f"{head}[failure]\n{line}\n")
    with pytest.raises(TriggerError) as refused:
        load_trigger(file, {"disk": tmp_path})
    assert message in str(refused.value)
