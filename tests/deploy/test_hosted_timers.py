"""Timers of the hosted service, which is a mock here: it keeps what the SDK's own types send it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from globus_sdk import FlowTimer, GlobusAPIError
from globus_sdk.testing import get_response_set

from headrace.deploy import DeploySelection, Plan, apply, plan
from headrace.hosted import HostedError, Services
from headrace.project import Project
from headrace.triggers import TriggerClaims, TriggerError, load_triggers, read_paused
from headrace.triggers.hosted_timers import hosted_timers
from headrace.triggers.ledger import Ledger
from headrace.triggers.pausing import pause, resume
from headrace.triggers.state_files import ledger_file
from headrace.triggers.watch_selection import Selection, WatchSelection
from tests.support.ids import an_id

TIMER = """\
[every]
interval = "6h"
stop_after = 10
[start]
flow = "say"
tags = ["by {trigger}"]
[start.input]
word = "now"
place = { collection = "there", path = "/in/" }
"""


class MockTimers:
    """A mock of `TimersClient`: no hosted service is asked."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.lost_answer = False

    def list_jobs(self) -> dict[str, Any]:
        return {"jobs": [*self.jobs.values()]}

    def get_job(self, job_id: str) -> SimpleNamespace:
        return SimpleNamespace(data=self.jobs[job_id])

    def create_timer(self, timer: FlowTimer) -> dict[str, Any]:
        assert isinstance(timer, FlowTimer)
        sent = json.loads(json.dumps(timer, default=dict))
        assert sent["timer_type"] == "flow"
        job_id = an_id(f"timer {len(self.calls)}")
        self.calls.append(f"create {sent['name']}")
        url = f"https://flows.automate.globus.org/flows/{sent['flow_id']}/run"
        job = {
            "job_id": job_id,
            "name": sent["name"],
            "schedule": sent["schedule"],
            "callback_url": url,
            "callback_body": sent["body"],
            "status": "new",
            "inactive_reason": None,
        }
        self.jobs[job_id] = job
        if self.lost_answer:
            raise ConnectionError("the answer is lost")
        return {"timer": job}

    def pause_job(self, job_id: str) -> None:
        # As the SDK's own examples of answers have it.
        inactive = get_response_set("timer.get_job").lookup("inactive_user").json
        names = ("status", "inactive_reason")
        self._known(job_id).update({name: inactive[name] for name in names})

    def resume_job(self, job_id: str) -> None:
        self._known(job_id).update(status="loaded", inactive_reason=None)

    def _known(self, job_id: str) -> dict[str, Any]:
        if job_id not in self.jobs:
            answer = requests.Response()
            answer.status_code = 404
            answer.request = requests.Request("POST", "https://timer").prepare()
            raise GlobusAPIError(answer)
        return self.jobs[job_id]

    def delete_job(self, job_id: str) -> None:
        self.calls.append(f"delete {self.jobs.pop(job_id)['name']}")


@pytest.fixture
def timers(services: Services) -> MockTimers:
    mock = MockTimers()
    services.__dict__["timers"] = mock
    return mock


def write(project: Project, text: str, name: str = "often") -> Path:
    project.triggers_dir.mkdir(exist_ok=True)
    file = project.triggers_dir / f"{name}.toml"
    file.write_text(text)
    return file


def planned(project: Project, services: Services, *names: str) -> Plan:
    roots = {name: one.root for name, one in project.collections.items()}
    found = hosted_timers(project, load_triggers(project.triggers_dir, roots))
    return plan(project, "globus", services, DeploySelection(names), found)


def rows(made: Plan) -> list[tuple[str, str, str]]:
    return [(step.name, step.change, step.reason) for step in made.steps if step.kind == "timer"]


def deploy(project: Project, services: Services) -> list[tuple[str, str, str]]:
    made = planned(project, services)
    apply(made, project, services)
    return rows(made)


def test_a_timer_is_created_replaced_and_deleted(
    project: Project, services: Services, timers: MockTimers
) -> None:
    file = write(project, TIMER)
    assert rows(planned(project, services)) == [("often", "create", "new")]
    assert timers.calls == [], "a plan changes nothing"
    deploy(project, services)
    (job,) = timers.jobs.values()
    flow = project.lock().at("globus").flows["say"]
    assert flow.id in job["callback_url"]
    assert job["schedule"]["interval_seconds"] == 21600
    assert job["schedule"]["end"] == {"condition": "iterations", "iterations": 10}
    start = datetime.fromisoformat(job["schedule"]["start"])
    assert start.timestamp() % 21600 == 0
    assert start > datetime.now(UTC)
    assert job["callback_body"]["body"]["word"] == "now"
    assert job["callback_body"]["body"]["place"]["id"] == an_id("there")
    assert job["callback_body"]["tags"] == ["by often"]
    assert job["callback_body"]["label"] == "often"
    entry = project.lock().at("globus").timers["often"]
    assert entry.id == job["job_id"]
    assert deploy(project, services) == [("often", "unchanged", "")]

    file.write_text(TIMER.replace('"6h"', '"12h"'))
    assert [change for _, change, _ in deploy(project, services)] == ["delete", "create"]
    assert [one["schedule"]["interval_seconds"] for one in timers.jobs.values()] == [43200]
    file.unlink()
    assert [change for _, change, _ in deploy(project, services)] == ["delete"]
    assert timers.jobs == {}
    assert project.lock().at("globus").timers == {}


def test_drift_is_found(project: Project, services: Services, timers: MockTimers) -> None:
    write(project, TIMER)
    deploy(project, services)
    (job,) = timers.jobs.values()
    job["schedule"] = {**job["schedule"], "interval_seconds": 60}
    assert [row[1:] for row in deploy(project, services)] == [
        ("delete", "changed there by somebody"),
        ("create", "changed there by somebody"),
    ]
    (job,) = timers.jobs.values()
    job |= {"status": "inactive", "inactive_reason": {"cause": "globus_auth_requirements"}}
    assert "it is inactive there" in deploy(project, services)[0][2]
    timers.jobs.clear()
    assert deploy(project, services) == [("often", "create", "not there any more")]
    assert len(timers.jobs) == 1


def test_a_timer_whose_answer_was_lost_is_not_there_twice(
    project: Project, services: Services, timers: MockTimers
) -> None:
    write(project, TIMER)
    timers.lost_answer = True
    with pytest.raises(ConnectionError):
        deploy(project, services)
    timers.lost_answer = False
    assert [row[1:] for row in deploy(project, services)] == [
        ("delete", "created and not recorded"),
        ("create", "new"),
    ]
    assert len(timers.jobs) == 1


def test_the_service_cannot_say_everything(
    project: Project, services: Services, timers: MockTimers
) -> None:
    daily = TIMER.replace('interval = "6h"', 'at = "06:00"\ntimezone = "%s"')
    write(project, daily % "Europe/Zurich", "a_summer")
    write(project, daily % "UTC", "b_utc")
    write(project, TIMER.replace('"now"', '"{date}"'), "c_dated")
    write(project, TIMER.replace('interval = "6h"', 'at = ["06:00", "18:00"]'), "d_twice")
    made = rows(planned(project, services))
    assert [change for _, change, _ in made] == ["unchanged", "unchanged", "create", "create"]
    reasons = {name: reason for name, _, reason in made}
    assert "from the next change of clocks it is an hour off" in reasons["a_summer"]
    assert reasons["b_utc"] == "new"
    assert reasons["c_dated"].startswith("left to the watch: its input has {date}")
    assert reasons["d_twice"].startswith("left to the watch: the service knows one interval")


def test_the_watch_leaves_a_deployed_timer_to_the_service(
    project: Project, services: Services, timers: MockTimers, tmp_path: Path
) -> None:
    write(project, TIMER)
    write(project, TIMER.replace('"now"', '"{date}"'), "dated")
    deploy(project, services)
    roots = {name: one.root for name, one in project.collections.items()}
    found = load_triggers(project.triggers_dir, roots)
    with TriggerClaims(tmp_path / "ledger.db") as claims:
        for target, names in (("globus", ["dated"]), ("local", ["dated", "often"])):
            selection = WatchSelection((), claims, lambda: project, lambda *_: [], target)
            left = selection.without_hosted(project, found)
            assert [trigger.name for trigger in left] == names


def test_a_facility_has_no_timers(services: Services) -> None:
    with pytest.raises(HostedError, match="has no timers"):
        _ = services.timers


def test_the_mock_answers_as_the_sdk_says(
    project: Project, services: Services, timers: MockTimers
) -> None:
    """Its members are those of the SDK's own example of an answer."""
    write(project, TIMER)
    deploy(project, services)
    (job,) = timers.jobs.values()
    example = get_response_set("timer.create_timer").lookup("flow_timer_success").json
    assert example is not None
    assert job.keys() <= example["timer"].keys()


@pytest.mark.parametrize("table", ["[limits]\nopen_runs = 1\n", "[failure]\nattempts = 2\n"])
def test_what_the_service_does_not_know_is_left_to_the_watch(
    project: Project, services: Services, timers: MockTimers, table: str
) -> None:
    write(project, f"{TIMER}\n{table}")
    ((_, change, reason),) = deploy(project, services)
    assert (change, timers.jobs) == ("unchanged", {})
    assert "left to the watch: the service knows no [limits] and no [failure]" in reason


def test_braces_are_sent_as_they_are_meant(
    project: Project, services: Services, timers: MockTimers
) -> None:
    write(project, TIMER.replace('"now"', '"{{now}}"'))
    deploy(project, services)
    (job,) = timers.jobs.values()
    assert job["callback_body"]["body"]["word"] == "{now}"


def test_a_watch_that_is_on_leaves_a_timer_that_was_deployed(
    project: Project, services: Services, timers: MockTimers, tmp_path: Path
) -> None:
    write(project, TIMER)
    roots = {name: one.root for name, one in project.collections.items()}
    triggers = load_triggers(project.triggers_dir, roots)
    ledger = tmp_path / "ledger.db"
    with TriggerClaims(ledger) as claims, Ledger(ledger, shared=True) as opened:
        selection = WatchSelection((), claims, lambda: project, lambda *_: [], "globus")
        watched = Selection(project, tuple(selection.take(triggers)))
        assert selection.take_over(watched, opened) is None
        deploy(project, services)
        left = selection.take_over(watched, opened)
        assert left is not None
        assert left.triggers == ()


def test_a_timer_is_paused_at_the_service_and_stays_so_when_it_is_deployed_anew(
    project: Project, services: Services, timers: MockTimers
) -> None:
    file = write(project, TIMER)
    deploy(project, services)
    ledger = ledger_file(project, "globus")
    pause(project, "globus", ["often"], lambda ask: ask(services))
    assert [job["status"] for job in timers.jobs.values()] == ["inactive"]
    assert read_paused(ledger) == ["often"]
    assert deploy(project, services) == [("often", "unchanged", "paused")]

    file.write_text(TIMER.replace('"6h"', '"12h"'))
    changes = [(change, why) for _, change, why in deploy(project, services)]
    assert changes == [("delete", "source changed"), ("create", "source changed; paused")]
    assert [job["status"] for job in timers.jobs.values()] == ["inactive"]

    resume(project, "globus", ["often"], lambda ask: ask(services))
    assert [job["status"] for job in timers.jobs.values()] == ["loaded"]
    assert read_paused(ledger) == []
    assert deploy(project, services) == [("often", "unchanged", "")]


def test_a_pause_outlives_a_deployment_that_ended_between_its_steps(
    project: Project, services: Services, timers: MockTimers
) -> None:
    write(project, TIMER)
    deploy(project, services)
    pause(project, "globus", ["often"], lambda ask: ask(services))
    timers.jobs.clear()
    assert deploy(project, services) == [("often", "create", "not there any more; paused")]
    assert [job["status"] for job in timers.jobs.values()] == ["inactive"]


def test_a_timer_that_is_not_there_any_more_is_not_called_paused(
    project: Project, services: Services, timers: MockTimers
) -> None:
    write(project, TIMER)
    deploy(project, services)
    timers.jobs.clear()
    with pytest.raises(TriggerError, match="has its timer no more; `headrace deploy --at globus`"):
        pause(project, "globus", ["often"], lambda ask: ask(services))
    assert read_paused(ledger_file(project, "globus")) == []


def test_a_timer_that_the_service_made_inactive_is_made_anew_and_works(
    project: Project, services: Services, timers: MockTimers
) -> None:
    write(project, TIMER)
    deploy(project, services)
    (job,) = timers.jobs.values()
    inactive = get_response_set("timer.get_job").lookup("inactive_gare").json
    job.update(status=inactive["status"], inactive_reason=inactive["inactive_reason"])
    assert [change for _, change, _ in deploy(project, services)] == ["delete", "create"]
    assert [job["status"] for job in timers.jobs.values()] == ["new"]
