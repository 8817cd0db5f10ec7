"""The facility tells of its runs, whoever started them, and of itself; a kill loses none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.config.lock_file import Deployed, DeployedFlow, Lock, write_lock
from headrace.facility.identity import Identity
from headrace.facility.parts import PartContext
from headrace.facility.store.actions import ActionTable
from headrace.facility.store.event_queue import EventQueue
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.runs import RunTable
from headrace.facility.store.web_inputs import WebInputTable
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.notifications import Notification
from headrace.notifications.outbox import OUTBOX_FILE, Outbox
from headrace.runs import facility_notifications
from headrace.runs.facility_notifications import FacilityNotifications
from headrace.runs.run_messages import run_message
from headrace.runs.stage_messages import find_picture
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until

COMPUTE = "https://compute.actions.globus.org/v3"
FAIL = {"A": {"Type": "Fail", "Error": "Full", "Cause": "no space left on /scratch/12"}}
CONFIG = """
name = "p"
[collections.here]
root = "data"
[notify]
command = "true"
"""


class NotifyingBench(Bench):
    """An engine whose runs are told of, by a part that is made anew with it."""

    def __init__(self, root: Path, notify: str = "") -> None:
        self.root = root
        (root / "headrace.toml").write_text(f"{CONFIG}{notify}")
        self.now = 1_800_000_000.0
        self.sent: list[Notification] = []
        super().__init__(root / ".headrace" / "facility.db")

    def start_engine(self) -> None:
        self.part = FacilityNotifications(lambda: self.now)
        identity = Identity(str(UUID(int=1)), "me@here")
        self.web_inputs = WebInputTable(self.store, identity, 3600.0)
        tables = (RunTable(self.store), ActionTable(self.store), self.web_inputs)
        others = (self.engine.event_queue, self.store.health)
        self.part.start(PartContext(self.root, identity, *tables, *others))
        super().start_engine()

    def close(self) -> None:
        self.engine.stop()
        self.part.stop()
        self.store.close()

    def notified(self, count: int) -> list[Notification]:
        """Return what is in the outbox once there are so many, the oldest first."""
        outbox = Outbox(self.root / ".headrace" / OUTBOX_FILE)
        try:
            wait_until(lambda: len(outbox.records(100)) >= count, "notifications")
            return [record.message.notification for record in outbox.records(100)][::-1]
        finally:
            outbox.close()

    def subjects(self, count: int) -> list[str]:
        return [notification.subject for notification in self.notified(count)]


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Any]:
    made: list[NotifyingBench] = []

    def make(notify: str = "") -> NotifyingBench:
        made.append(NotifyingBench(tmp_path, notify))
        return made[-1]

    yield make
    for bench in made:
        bench.close()


def test_a_failure_is_told_whoever_started_the_run(make_bench: Any) -> None:
    bench = make_bench()
    bench.ended(bench.start({"A": {"Type": "Pass", "End": True}}))
    failed = bench.start(FAIL)
    [told] = bench.notified(1)
    assert told.subject == "t: FAILED"
    assert told.severity == "error"
    assert "no space left" in told.message
    assert f"headrace run log {failed}" in told.message
    assert [action.command for action in told.actions] == ["retry"]


def test_failures_of_one_cause_have_one_topic_and_the_command_that_lists_them(
    make_bench: Any,
) -> None:
    bench = make_bench()
    for _ in range(3):
        bench.start(FAIL)
    bench.notified(3)
    outbox = Outbox(bench.root / ".headrace" / OUTBOX_FILE)
    messages = [record.message for record in outbox.records(10)]
    outbox.close()
    assert {message.topic for message in messages} == {
        "{count} runs failed: no space left on <path>"
    }
    assert messages[0].more == "headrace run list --status FAILED --cause 'no space left on *'"


def test_a_kill_between_the_event_and_the_outbox_loses_nothing(make_bench: Any) -> None:
    bench = make_bench()
    # The part is dead; the engine goes on, as at the moment before a kill.
    bench.part.stop()
    ids = {bench.start(FAIL), bench.start(FAIL)}
    for run_id in ids:
        bench.ended(run_id)
    assert len(bench.engine.event_queue.take()) == 2
    bench.engine.stop()
    bench.store.close()
    bench.open()
    told = bench.notified(2)
    assert {notification.key.split("/")[1] for notification in told} == ids
    wait_until(lambda: not bench.engine.event_queue.take(), "an empty queue")


def test_what_was_added_before_a_kill_is_not_added_again(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[int] = []
    delete = EventQueue.delete
    monkeypatch.setattr(EventQueue, "delete", lambda self, last: deleted.append(last))
    bench = make_bench()
    bench.start(FAIL)
    bench.notified(1)
    wait_until(lambda: deleted, "the end of the queue")
    bench.close()
    monkeypatch.setattr(EventQueue, "delete", delete)
    bench.open()
    wait_until(lambda: not bench.engine.event_queue.take(), "an empty queue")
    assert len(bench.notified(1)) == 1


def test_a_run_that_waits_is_told_and_one_that_goes_on_is_not(make_bench: Any) -> None:
    bench = make_bench()
    run_id = bench.start({"A": action_state()})
    details = {"code": "ConsentRequired", "description": "Missing consent"}
    bench.engine.block_action(bench.action().id, details)
    [told] = bench.notified(1)
    assert told.subject == "t: INACTIVE"
    assert "Missing consent" in told.message
    assert told.link == f"headrace run show {run_id}"
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    bench.ended(run_id)
    assert len(bench.notified(1)) == 1


def test_a_question_is_told_with_the_command_that_shows_it(make_bench: Any) -> None:
    bench = make_bench()
    bench.provider.url = AWAIT_WEB_INPUT
    bench.engine._registry.register([bench.provider])
    asks = {"Type": "AwaitWebInput", "Parameters": {"web_input_id": "w1"}, "End": True}
    run_id = bench.start({"A": asks})
    [told] = bench.notified(1)
    assert told.message == "t waits for an answer: headrace web-input show w1"
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    bench.ended(run_id)


def test_stages_are_told_where_they_are_chosen(make_bench: Any) -> None:
    bench = make_bench('events = ["launched", "finished", "succeeded"]\n')
    bench.provider.url = COMPUTE
    bench.engine._registry.register([bench.provider])
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Adjoint"}]
    states = {
        "Forward": action_state(ActionUrl=COMPUTE, Catch=catch) | {"End": False, "Next": "Note"},
        "Note": {"Type": "Pass", "Next": "Adjoint"},
        "Adjoint": action_state(ActionUrl=COMPUTE),
    }
    del states["Forward"]["End"]
    run_id = bench.start(states)
    bench.engine.finish_action(bench.action(0).id, "SUCCEEDED", {"result": []})
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {"result": []})
    bench.ended(run_id)
    subjects = bench.subjects(5)
    assert subjects[:3] == ["t: launched Forward", "t: finished Forward", "t: launched Adjoint"]
    # The last stage and the run end at one moment.
    assert set(subjects[3:]) == {"t: finished Adjoint", "t: SUCCEEDED"}


def test_a_flow_says_what_its_numbers_mean_with_a_picture(make_bench: Any, tmp_path: Path) -> None:
    flow = tmp_path / "flows" / "say"
    flow.mkdir(parents=True)
    (flow / "flow.toml").write_text(
        """
        [[notifications]]
        state = "Decide"
        message = "iteration {iteration}: misfit {m.now:.4f}, {100 * (m.now / m.then - 1):+.1f} %"
        picture = "{'id': place, 'path': '/maps/vp.png'}"
        buttons = ["stop_after_iteration", "pause"]
        [[notifications]]
        state = "Decide"
        when = "m.now > m.then"
        message = "the misfit has risen"
        severity = "warning"
        [[notifications]]
        state = "Decide"
        message = "{no.such.name}"
        """
    )
    (tmp_path / "data" / "maps").mkdir(parents=True)
    (tmp_path / "data" / "maps" / "vp.png").write_bytes(b"png")
    bench = make_bench()
    states = {"Decide": {"Type": "Pass", "Parameters": {"m.$": "$.m"}, "ResultPath": "$.x"}}
    states["Decide"]["End"] = True
    definition = {"StartAt": "Decide", "States": states}
    stored = FlowTable(bench.store).create({"title": "Inversion", "definition": definition})
    deployed = Deployed(flows={"say": DeployedFlow(stored.id, "scope", "0")})
    write_lock(tmp_path / "headrace.lock", Lock({"local": deployed}))
    bench.part.check()
    place = bench.part._settings.project().collection_id("here", "local")
    body = {"iteration": 12, "m": {"then": 0.0129, "now": 0.0123}, "place": place}
    run_id = bench.engine.start_run(stored, {"body": body}).id
    bench.ended(run_id)
    [told] = bench.notified(1)
    assert [(each.label, each.command, each.run_id) for each in told.actions] == [
        ("Stop after this", "stop_after_iteration", run_id),
        ("Pause", "pause", run_id),
    ]
    assert told.subject == "Inversion: iteration 12: misfit 0.0123, -4.7 %"
    assert told.picture == tmp_path / "data" / "maps" / "vp.png"
    assert told.severity == "info"


@pytest.mark.parametrize("path", ["/" + "x" * 10_000, "/a\0b", "/a/" * 5_000])
def test_a_picture_that_cannot_be_looked_for_keeps_nothing_back(make_bench: Any, path: str) -> None:
    project = make_bench().part._settings.project()
    assert find_picture(project, project.collection_id("here", "local"), path) is None


def test_one_that_cannot_be_told_keeps_those_after_it_not_back(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(view: Any, target: str) -> Any:
        if view.label == "stale":
            raise OSError(116, "Stale file handle")
        return run_message(view, target)

    monkeypatch.setattr(facility_notifications, "run_message", stale)
    bench = make_bench()
    flow = FlowTable(bench.store).create(
        {"title": "t", "definition": {"StartAt": "A", "States": FAIL}}
    )
    for label in ("stale", "other"):
        bench.ended(bench.engine.start_run(flow, {"body": {}, "label": label}).id)
    assert bench.subjects(1) == ["other: FAILED"]
    wait_until(lambda: not bench.engine.event_queue.take(), "an empty queue")


def test_a_fault_of_whoever_follows_the_runs_stops_none(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> bool:
        raise KeyError("a fault")

    monkeypatch.setattr(FacilityNotifications, "_is_wanted", fail)
    bench = make_bench()
    bench.ended(bench.start({"A": {"Type": "Pass", "End": True}}))


def test_an_outbox_that_cannot_be_opened_is_opened_later(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(root: Path) -> Outbox:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(Outbox, "of_project", is_full)
        bench = make_bench()
        notices = bench.store.health.document()["notices"]
        assert "disk is full" in str(notices)
        bench.ended(bench.start(FAIL))
    bench.part.check()
    bench.part.take()
    assert bench.subjects(1) == ["t: FAILED"]
    assert bench.store.health.document()["notices"] == []


def test_a_full_disk_of_the_outbox_is_told_all_the_same(
    make_bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def is_full(*given: object, **more: object) -> bool:
        raise sqlite3.OperationalError("database or disk is full")

    sent: list[Notification] = []
    bench = make_bench('disk = "99.9%"\n')
    monkeypatch.setattr(bench.part._outbox, "add", is_full)
    monkeypatch.setattr(
        facility_notifications, "send_notification", lambda table, found: sent.append(found) or []
    )
    for _ in range(2):
        bench.part.check()
    assert [each.subject for each in sent] == [f"p: disk nearly full: {tmp_path}"]


def test_a_facilitys_problem_is_told_once_and_that_it_is_well_again(make_bench: Any) -> None:
    bench = make_bench()
    health = bench.store.health
    health.report("broker", "it has ended")
    bench.part.check()
    bench.part.check()
    health.clear("broker")
    bench.part.check()
    problem, well = bench.notified(2)
    assert problem.subject == "the facility's broker has a problem"
    assert problem.severity == "urgent"
    assert well.subject == "the facility's broker is well again"


def test_silence_is_told_once_while_a_run_is_open(make_bench: Any) -> None:
    bench = make_bench('silence = "12h"\n')
    bench.part.check()
    bench.now += 13 * 3600
    bench.part.check()  # no run, and no trigger: nothing should happen
    run_id = bench.start({"A": action_state()})
    bench.action()
    bench.part.check()
    bench.now += 11 * 3600
    bench.part.check()
    bench.now += 3600
    bench.part.check()
    bench.part.check()
    [told] = bench.notified(1)
    assert told.subject == "nothing has happened for 12:00:00"
    assert told.message == "nothing has happened for 12:00:00, though 1 run is under way"
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {})
    bench.ended(run_id)


def test_nothing_is_queued_where_nobody_is_told(make_bench: Any, tmp_path: Path) -> None:
    bench = make_bench("events = []\n")
    bench.ended(bench.start(FAIL))
    assert bench.engine.event_queue.take() == []
    (tmp_path / "headrace.toml").write_text(CONFIG)


def test_a_file_that_cannot_be_read_leaves_the_settings_as_they_were(
    make_bench: Any, tmp_path: Path
) -> None:
    bench = make_bench()
    (tmp_path / "headrace.toml").write_text("[notify]\nno_such_key = 1\n")
    bench.part._settings._next_look = 0.0
    assert bench.part._settings.table() == {"command": "true"}
    bench.ended(bench.start(FAIL))
    assert bench.subjects(1) == ["t: FAILED"]
