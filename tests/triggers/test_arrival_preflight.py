"""Preflight before the run of an arrival: held back with its reason, and asked again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.config.errors import ProjectError
from headrace.project.diagnosis import Diagnosis
from headrace.triggers import Arrival, Started, Trigger, Waiting, read_ledger
from headrace.triggers import arrival_preflight as module
from headrace.triggers.arrival_preflight import ArrivalPreflight
from tests.support.triggers.launches import Launches
from tests.support.triggers.trigger_watch import make_event, make_trigger, watching
from tests.support.waiting import wait_until

INPUT = {
    "endpoint": {"endpoint": "cluster"},
    "data": {"collection": "disk", "path": "{path}"},
    "results": {"collection": "hpc", "path": "/results/{name}/"},
}


class Services:
    """Services that say what a test wants of an endpoint and of collections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.bad: dict[str, str] = {}
        self.error: Exception | None = None
        self.now = 0.0
        monkeypatch.setattr(module, "check_endpoint", self.check_endpoint)
        monkeypatch.setattr(module, "check_location", self.check_location)

    def with_services(self, ask: Callable[[Any], str]) -> str:
        return ask(self)

    def check_endpoint(self, project: Any, target: str, services: Any, name: str) -> Diagnosis:
        return self.answer(name)

    def check_location(
        self, project: Any, target: str, services: Any, location: Any, *, must_exist: bool
    ) -> Diagnosis:
        assert not must_exist
        return self.answer(str(location))

    def answer(self, what: str) -> Diagnosis:
        self.asked.append(what)
        if self.error is not None:
            raise self.error
        problem = self.bad.get(what)
        return Diagnosis(what, "bad" if problem else "good", problem or "fine")

    def preflight(self) -> ArrivalPreflight:
        return ArrivalPreflight(lambda: None, "local", self, lambda: self.now)  # type: ignore[arg-type, return-value]


def arrival(trigger: Trigger, name: str) -> Arrival:
    path = f"{trigger.path}{name}/"
    return Arrival(trigger.name, trigger.collection, name, path, trigger.directory / name)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    return Services(monkeypatch)


def test_answers_are_kept_for_a_while_and_shared_by_arrivals(
    tmp_path: Path, services: Services
) -> None:
    trigger, preflight = make_trigger(tmp_path, input=INPUT), services.preflight()
    for name in ("a", "b", "c"):
        assert preflight.problem(trigger, arrival(trigger, name)) == ""
    assert services.asked == ["cluster", "disk:/incoming/", "hpc:/results/"]
    services.now = 21.0
    services.bad["cluster"] = "the service calls it offline"
    assert preflight.problem(trigger, arrival(trigger, "d")) == (
        "cluster: the service calls it offline"
    )
    services.bad.clear()
    services.now = 22.0
    assert preflight.problem(trigger, arrival(trigger, "d")) != ""
    services.now = 23.1
    assert preflight.problem(trigger, arrival(trigger, "d")) == ""


def test_no_answer_is_no_leave_to_start(tmp_path: Path, services: Services) -> None:
    trigger, preflight = make_trigger(tmp_path, input=INPUT), services.preflight()
    services.error = ConnectionError("the service\ndoes not answer")
    problem = preflight.problem(trigger, arrival(trigger, "a"))
    assert problem == "no answer whether its run can work: the service does not answer"
    services.error = ProjectError("there is no endpoint 'cluster'")
    services.now = 3.0
    assert preflight.problem(trigger, arrival(trigger, "a")) == "", "the start says it"


def test_what_was_asked_ahead_is_not_asked_again(tmp_path: Path, services: Services) -> None:
    trigger, preflight = make_trigger(tmp_path, input=INPUT), services.preflight()
    preflight.ask_ahead(trigger, arrival(trigger, "a"))
    wait_until(lambda: len(services.asked) == 3, "the answers")
    wait_until(lambda: not preflight._asked, "the end of the questions")
    preflight.ask_ahead(trigger, arrival(trigger, "a"))
    assert preflight.problem(trigger, arrival(trigger, "a")) == ""
    assert len(services.asked) == 3


class Given:
    """A preflight whose answer a test gives."""

    def __init__(self, problem: str) -> None:
        self.answer = problem
        self.ahead = 0

    def problem(self, trigger: Trigger, arrival: Arrival) -> str:
        return self.answer

    def ask_ahead(self, trigger: Trigger, arrival: Arrival) -> None:
        self.ahead += 1


def test_an_arrival_is_held_back_and_asked_about_after_growing_times(tmp_path: Path) -> None:
    given = Given("endpoint cluster: the service calls it offline")
    world = Launches(make_trigger(tmp_path), preflight=given)
    record = world.arrive("a")
    waits = [world.launch(record) for _ in range(3)]
    assert waits == sorted(waits)  # type: ignore[type-var]
    (event,) = world.of(Waiting)
    assert event.reason == given.answer
    (shown,) = read_ledger(world.path)
    assert (shown.shown_state, shown.waits_for) == ("waiting", given.answer)
    assert world.service.started == []
    given.answer = ""
    assert world.launch(record) is None
    (shown,) = read_ledger(world.path)
    assert (shown.shown_state, shown.waits_for) == ("started", "")


def test_a_start_that_may_have_succeeded_is_looked_up_whatever_the_preflight(
    tmp_path: Path,
) -> None:
    given = Given("")
    world = Launches(make_trigger(tmp_path), preflight=given)
    record = world.arrive("a")
    world.service.fail = lambda moment: ConnectionError("lost") if moment == "after" else None
    world.launch(record)
    given.answer = "endpoint cluster: the service calls it offline"
    world.service.fail = lambda moment: None
    assert world.launch(record) is None
    assert world.of(Started)[0].found


def test_a_trigger_may_do_without(tmp_path: Path) -> None:
    world = Launches(make_trigger(tmp_path, preflight=False), preflight=Given("no"))
    assert world.launch(world.arrive("a")) is None


def test_a_watch_asks_ahead_while_something_waits(tmp_path: Path) -> None:
    trigger, path = make_trigger(tmp_path, marker="COMPLETE", interval=0.05), tmp_path / "ledger.db"
    given, client = Given(""), Launches(make_trigger(tmp_path / "other")).service
    event = make_event(trigger.directory / "a")
    with watching([trigger], path, client, preflight=given) as watch:
        wait_until(lambda: given.ahead > 2, "questions ahead")
        (event / "COMPLETE").touch()
        watch.wait_for(Started)
