"""Commands at the hosted service, which knows no names of requests, and of inversions."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.hosted import HostedError, Services
from headrace.notifications.phone.signed_commands import Command, SignedCommand
from headrace.phone_answers.command_record import RecordedCommand
from headrace.phone_answers.command_runner import CommandRunner, Outcome
from headrace.project import Project
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.steering import read_steering
from tests.support.flows_service import Service
from tests.support.small_project import project, root, service, services

__all__ = ["project", "root", "service", "services"]


def recorded(name: str, subject: str, argument: str = "", sent: bool = False) -> RecordedCommand:
    signed = SignedCommand(Command(name, subject, argument, "globus"), 0, 2**40, str(UUID(int=15)))
    return RecordedCommand(signed, "id1", "started", "", time.time(), 0, sent)


class Runs:
    """A small hosted service with one flow, and commands that are given there."""

    def __init__(self, project: Project, services: Services, service: Service) -> None:
        self.service = service
        self.runner = CommandRunner(lambda target: project, lambda given, target: services)
        flow = {"title": "Say", "definition": {}, "input_schema": {}}
        self.flow_id = service.route("POST", ["flows"], {}, flow)[1]["id"]

    def run(self, status: str, **given: Any) -> str:
        document = self.service.start(self.flow_id, {"body": given, "label": "one", "tags": []})
        self.service.log(document["run_id"], "FlowStarted", input=given)
        self.service.runs[document["run_id"]]["status"] = status
        return str(document["run_id"])

    def give(self, command: RecordedCommand) -> tuple[Outcome, list[str]]:
        """Give a command, and return its outcome and what was changed at the service."""
        self.service.calls.clear()
        sent: list[str] = []
        outcome = self.runner.run(command, lambda: sent.append("sent"))
        changes = self.service.changes()
        assert bool(changes) <= bool(sent), "it is written down before it is sent"
        return outcome, changes


@pytest.fixture
def runs(project: Project, services: Services, service: Service) -> Runs:
    return Runs(project, services, service)


@pytest.mark.parametrize(("name", "state"), [("retry", "failed"), ("cancel", "unsure")])
def test_a_fault_of_headrace_ends_no_listener(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, name: str, state: str
) -> None:
    def fail(self: CommandRunner, given: RecordedCommand, before_sending: Any) -> Outcome:
        if name == "cancel":
            before_sending()
        raise ModuleNotFoundError("No module named 'numpy'")

    monkeypatch.setattr(CommandRunner, f"_{name}", fail)
    outcome = runs.runner.run(recorded(name, "r1"), lambda: None)
    assert outcome.state == state
    assert outcome.text.endswith("ModuleNotFoundError: No module named 'numpy'")


def test_a_failed_run_is_retried_once(runs: Runs) -> None:
    run_id = runs.run("FAILED", word="x")
    outcome, changes = runs.give(recorded("retry", run_id))
    assert (outcome.state, changes) == ("done", [f"POST /flows/{runs.flow_id}/run"])
    assert outcome.text.startswith(f"one ({run_id[:8]}) is retried as ")
    outcome, changes = runs.give(recorded("retry", run_id))
    assert (outcome.state, changes) == ("refused", [])
    assert "was taken up by" in outcome.text


def test_a_retry_that_may_have_been_sent_is_looked_up(runs: Runs) -> None:
    run_id = runs.run("FAILED", word="x")
    outcome, changes = runs.give(recorded("retry", run_id, sent=True))
    assert (outcome.state, changes) == ("unsure", [])
    assert f"`headrace run show {run_id}`" in outcome.text
    runs.give(recorded("retry", run_id))
    outcome, changes = runs.give(recorded("retry", run_id, sent=True))
    assert (outcome.state, changes) == ("done", [])


@pytest.mark.parametrize(
    ("name", "status", "state", "words"),
    [
        ("retry", "ACTIVE", "refused", "has not ended: it is ACTIVE"),
        ("retry", "SUCCEEDED", "refused", "has succeeded: there is nothing to retry"),
        ("cancel", "SUCCEEDED", "refused", "has ended already: SUCCEEDED"),
        ("resume", "ACTIVE", "refused", "does not wait to be resumed: it is ACTIVE"),
        ("stop_after_iteration", "ACTIVE", "refused", "is of no inversion here"),
        ("delete", "FAILED", "refused", "there is no command delete"),
    ],
)
def test_what_fits_no_more_is_not_done(
    runs: Runs, name: str, status: str, state: str, words: str
) -> None:
    outcome, _ = runs.give(recorded(name, runs.run(status)))
    assert outcome.state == state
    assert words in outcome.text
    assert runs.service.changes() == []


def test_a_run_is_cancelled_and_one_that_waits_resumed(runs: Runs) -> None:
    active, waiting = runs.run("ACTIVE"), runs.run("INACTIVE")
    assert runs.give(recorded("cancel", active)) == (
        Outcome("done", f"one ({active[:8]}) is being cancelled"),
        [f"POST /runs/{active}/cancel"],
    )
    assert runs.give(recorded("resume", waiting)) == (
        Outcome("done", f"one ({waiting[:8]}) is resumed"),
        [f"POST /runs/{waiting}/resume"],
    )
    assert runs.give(recorded("resume", waiting, sent=True))[0].state == "unsure"


def test_a_run_that_is_gone_is_told(runs: Runs) -> None:
    gone = str(UUID(int=1))
    outcome, _ = runs.give(recorded("cancel", gone))
    assert outcome == Outcome("refused", "00000000 is not there any more")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (HostedError("the facility does not answer"), "started"),
        (HostedError("log in", exit_code=4), "failed"),
    ],
)
def test_a_service_that_is_away_is_waited_for_and_a_login_is_not(
    project: Project, error: HostedError, state: str
) -> None:
    def connect(given: Project, target: str) -> Services:
        raise error

    runner = CommandRunner(lambda target: project, connect)
    outcome = runner.run(recorded("cancel", "00000000"), lambda: None)
    assert outcome == Outcome(state, str(error))  # type: ignore[arg-type]


@pytest.fixture
def home(root: Path) -> Path:
    home = root / "data" / "study"
    paths = Paths(home)
    paths.iteration(0).mkdir(parents=True)
    paths.settings.write_text("")
    paths.marker(0).write_text("")
    return home


@pytest.mark.parametrize(
    ("command", "after"), [("stop_after_iteration", "iteration"), ("pause", "stage")]
)
def test_an_inversion_stops_where_its_run_is_named(
    project: Project, runs: Runs, home: Path, command: str, after: str
) -> None:
    place = {"id": project.collection_id("here", "local"), "path": "/study/"}
    given = replace(project.config.collections["here"], id=place["id"])
    config = replace(project.config, collections={**project.config.collections, "here": given})
    named = replace(project, config=config)
    runs.runner._load = lambda target: named
    run_id = runs.run("ACTIVE", inversion=place, iteration="000")
    outcome = runs.runner.run(recorded(command, run_id), lambda: None)
    assert outcome.text.startswith(f"study stops after this {after}")
    assert read_steering(Paths(home)).pause == after


def test_an_inversion_that_is_not_there_is_told(runs: Runs, root: Path) -> None:
    command = recorded("stop_after_iteration", "inversion/data/none")
    outcome = runs.runner.run(command, lambda: None)
    assert outcome == Outcome("refused", "there is no inversion in data/none any more")
