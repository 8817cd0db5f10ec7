"""Actions of pages at ``globus``, a facility in the services' place: what each does there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace.config.lock_file import DeployedTimer
from headrace.hosted import Services
from headrace.project import Project, connect, load_project
from headrace.runs import BatchedRun, start_batch
from headrace.triggers import read_ledger
from tests.support.blocked_provider import BlockedProvider
from tests.support.browser.visited_project import ASK
from tests.support.chosen_runs import FLOWS, write_flow
from tests.support.hosted_developer import Developer
from tests.support.ids import an_id
from tests.support.mock_timers_service import mock_timers_service
from tests.support.waiting import wait_until
from tests.support.web import Form, WebSite, forms_of, words_of
from tests.support.web_runs import running_project, sent

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

CONFIG = '[collections.workstation]\nroot = "data"\n'
TRIGGER = """\
[watch]
collection = "workstation"
path = "/incoming/"
what = "file"
settle = 0.1
interval = 0.2
observer = "poll"
[start]
flow = "good"
label = "record {name}"
[start.input]
word = "{name}"
"""
TIMER = """\
[every]
interval = "6h"
[start]
flow = "good"
[start.input]
word = "now"
"""
CAMPAIGN = """\
[members]
table = "words.csv"
key = "{name}"
[start]
flow = "good"
label = "{campaign} {key}"
[start.input]
word = "{name}"
"""


class Hosted:
    """A project at ``globus``, and its pages.

    Args:
        root: its directory.
        developer: runs its commands there.
        provider: action provider of its flow ``fit``.
    """

    def __init__(self, root: Path, developer: Developer, provider: BlockedProvider) -> None:
        self.root = root
        self.call = developer
        self.provider = provider
        self.services: Services = connect(self.project, "globus")
        self.web = WebSite(root, "globus")

    @property
    def project(self) -> Project:
        """The project as its files are now."""
        return load_project(self.root, target="globus")

    def start(self, flow: str, label: str, **given: Any) -> str:
        """Start a run at the services' place."""
        flow_id = self.project.lock().at("globus").flows[flow].id
        [answer] = start_batch(self.services, flow_id, [BatchedRun(given, label=label)])
        return str(answer.run_id)

    def run(self, run_id: str) -> dict[str, Any]:
        """Return what the services say of a run."""
        return dict(self.services.read(f"/runs/{run_id}"))

    def wait_for(self, run_id: str, *statuses: str) -> None:
        """Wait for a run to have one of some statuses."""
        wait_until(lambda: self.run(run_id)["status"] in statuses, f"the run to be {statuses}")

    def labelled(self, label: str) -> list[dict[str, Any]]:
        """Return the runs of a label, as the services know them."""
        runs = self.services.read_items("/runs", "runs", {"per_page": 100})
        return [dict(run) for run in runs if run.get("label") == label]

    def forms(self, page: str) -> list[Form]:
        """Return the forms of a page's actions."""
        return [form for form in forms_of(self.web.get(page).text) if "/do/" in form.address]

    def sent(self, page: str, action: str, **fields: str) -> str:
        """Return the words of the page that a form's action leads on to."""
        return words_of(sent(self.web, page, action, **fields))


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    place, provider = tmp_path_factory.mktemp("hosted"), BlockedProvider()
    for name in ("facility", "mine", "home"):
        (place / name).mkdir()
    served = f'[action_providers.fits]\nurl = "{provider.url}"\n'
    with (
        running_project(place / "facility", config=served),
        pytest.MonkeyPatch.context() as patch,
    ):
        root = place / "mine"
        for folder in ("data/incoming", "triggers", "campaigns"):
            (root / folder).mkdir(parents=True)
        (root / "headrace.toml").write_text(CONFIG)
        (root / "triggers/records.toml").write_text(TRIGGER)
        (root / "campaigns/words.toml").write_text(CAMPAIGN)
        (root / "campaigns/words.csv").write_text("name\none\ntwo\n")
        action = {"Type": "Action", "ActionUrl": f"{provider.url}fit", "Parameters": {}}
        fit = {"StartAt": "Fit", "States": {"Fit": {**action, "ResultPath": "$.fit", "End": True}}}
        for name, definition in {**FLOWS, "ask": dict(ASK), "fit": fit}.items():
            write_flow(root, name, definition)
        developer = Developer(root, place / "facility", place / "home")
        developer("deploy")
        for name, value in developer.environment.items():
            patch.setenv(name, value)
        made = Hosted(root, developer, provider)
        yield made
        made.web.close()
    provider.close()


def test_a_run_is_started_from_the_form(hosted: Hosted) -> None:
    given = {"v:": '{"word": "hello"}', "label": "by the form", "tags": "page"}
    shown = hosted.sent("flows/good/start", "start", **given)
    [run] = hosted.labelled("by the form")
    assert f"run {run['run_id']} is started" in shown
    assert "page" in run["tags"]


def test_a_run_is_cancelled(hosted: Hosted) -> None:
    run_id = hosted.start("later", "to be cancelled")
    assert "cancelled" in hosted.sent(f"runs/{run_id}", "cancel")
    hosted.wait_for(run_id, "FAILED", "ENDED")
    assert "verb=hold" not in hosted.web.get(f"runs/{run_id}").text


def test_a_run_that_waits_for_a_person_is_resumed(hosted: Hosted) -> None:
    run_id = hosted.start("fit", "to be resumed")
    hosted.wait_for(run_id, "INACTIVE")
    assert "to be resumed waits for you" in words_of(hosted.web.get("").text)
    assert not hosted.provider.resumed
    assert "Done: resumed" in hosted.sent(f"runs/{run_id}", "resume")
    wait_until(lambda: hosted.provider.resumed, "the provider to be asked")
    hosted.wait_for(run_id, "SUCCEEDED")


def test_a_run_is_held_by_no_form(hosted: Hosted) -> None:
    run_id = hosted.start("later", "not to be held")
    page = f"runs/{run_id}"
    forms = hosted.forms(page)
    assert "hold" not in [form.action for form in forms]
    # As from a page of the facility that was left open.
    [form] = [form for form in forms if form.action == "cancel"]
    form.address = form.address.replace("/do/cancel", "/do/hold")
    refused = words_of(hosted.web.follow(f"{page}/do/hold", hosted.web.resend(page, form)).text)
    assert "Not done: " in refused
    assert "has no call that holds a run" in refused
    assert hosted.run(run_id)["status"] == "ACTIVE"
    listed = hosted.web.get("runs/change?verb=hold")
    assert listed.status_code == 501
    assert "has no call that holds a run" in words_of(listed.text)


def test_a_run_is_listed_shown_and_retried(hosted: Hosted) -> None:
    run_id = hosted.start("fail", "to be retried", cause="no node")
    hosted.wait_for(run_id, "FAILED")
    assert "no node" in words_of(hosted.web.get("runs?cause=node").text)
    shown = words_of(hosted.web.get(f"runs/{run_id}").text)
    assert "no node" in shown
    assert "failed here" in shown
    assert f"this run takes up {run_id}" in hosted.sent(f"runs/{run_id}", "retry")
    assert len(hosted.labelled("to be retried")) == 2


def test_many_runs_are_cancelled_after_their_count(hosted: Hosted) -> None:
    run_ids = [hosted.start("later", "one of many") for _ in range(3)]
    page = "runs/change?verb=cancel&label=one+of+many"
    assert "Cancel 3 runs" in words_of(hosted.web.get(page).text)
    hosted.sent(page, "change")
    for run_id in run_ids:
        hosted.wait_for(run_id, "FAILED", "ENDED")


def test_a_question_is_answered(hosted: Hosted) -> None:
    assert "Nothing is asked." in words_of(hosted.web.get("web-inputs").text)
    run_id = hosted.start("ask", "to be answered")
    wait_until(
        lambda: "Accept the model of iteration 3?" in hosted.web.get("web-inputs").text,
        "the question",
    )
    told = hosted.sent("web-inputs", "answer")
    assert "Accept the model of iteration 3?: the answer is Accept" in told
    hosted.wait_for(run_id, "SUCCEEDED")
    assert "Nothing is asked." in words_of(hosted.web.get("web-inputs").text)


def test_a_paused_trigger_starts_nothing_until_it_is_resumed(hosted: Hosted) -> None:
    watch = ("watch", "records", "--once", "--existing", "run")
    ledger = hosted.root / ".headrace" / "triggers.globus.db"
    hosted.sent("triggers/records", "pause")
    (hosted.root / "data/incoming/a.dat").write_text("1")
    told = hosted.call(*watch, code=1)
    assert "`headrace trigger resume records --at globus`" in told
    assert "`headrace trigger resume records --at globus`" in words_of(
        hosted.web.get("triggers/records").text
    )
    assert "paused" in words_of(hosted.web.get("triggers/records?part=state").text)
    assert [record.run_id for record in read_ledger(ledger)] == [None]
    assert hosted.labelled("record a.dat") == []
    hosted.sent("triggers/records", "resume")
    hosted.call(*watch)
    [run] = hosted.labelled("record a.dat")
    assert [record.run_id for record in read_ledger(ledger)] == [run["run_id"]]
    assert not ledger.with_name("triggers.local.db").exists()

    assert "will be started by the watch" in hosted.sent("triggers/records", "replay")
    hosted.call(*watch)
    assert len(hosted.labelled("record a.dat")) == 2


@pytest.fixture
def hosted_timer(hosted: Hosted) -> Iterator[str]:
    """Id of a timer of the service for the trigger ``often``."""
    file = hosted.root / "triggers" / "often.toml"
    file.write_text(TIMER)
    lock, timer = hosted.project.lock(), DeployedTimer(an_id("timer"), "", "")
    deployed = replace(lock.at("globus"), timers={"often": timer})
    hosted.project.write_lock(lock.with_target("globus", deployed))
    yield timer.id
    hosted.project.write_lock(lock)
    file.unlink()


def test_a_timer_of_the_service_is_paused_there(
    hosted: Hosted, hosted_timer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_timers_service(hosted_timer) as service:
        url = {"GLOBUS_SDK_SERVICE_URL_TIMER": service.url}
        monkeypatch.setenv(*next(iter(url.items())))
        page = "triggers/often"
        assert "the hosted Timers service starts its runs" in words_of(hosted.web.get(page).text)
        assert "paused: often" in hosted.sent(page, "pause")
        assert service.paused == {hosted_timer: True}
        assert "starts its runs; paused" in words_of(hosted.web.get(page).text)
        assert "not paused any more: often" in hosted.sent(page, "resume")
        assert service.paused == {hosted_timer: False}

        assert "often, records" in hosted.call("trigger", "pause", **url)
        assert service.paused == {hosted_timer: True}
        [often] = [t for t in hosted.call.document("trigger", "list") if t["schedule"]]
        assert often["paused"] is True
        assert "Not paused any more: often." in hosted.call("trigger", "resume", "often", **url)
        assert service.paused == {hosted_timer: False}
        hosted.call("trigger", "resume", "records", **url)

        service.paused.clear()
        refused = hosted.call("trigger", "pause", "often", code=1, **url)
        assert "trigger often: the hosted Timers service has its timer no more" in refused
        assert "Not done: trigger often: the hosted Timers service" in hosted.sent(page, "pause")


def test_a_timer_is_not_called_paused_where_the_service_does_not_answer(
    hosted: Hosted, hosted_timer: str
) -> None:
    with mock_timers_service(hosted_timer) as service:
        service.is_away = True
        url = {"GLOBUS_SDK_SERVICE_URL_TIMER": service.url}
        assert "503" in hosted.call("trigger", "pause", "often", code=1, **url)
        [often] = [t for t in hosted.call.document("trigger", "list") if t["schedule"]]
        assert often["paused"] is False


def test_a_campaign_is_paused_resumed_and_driven_to_its_end(hosted: Hosted) -> None:
    page = "campaigns/words"
    hosted.call("campaign", "start", "words", "--no-driver")

    def state() -> str:
        return str(hosted.call.document("campaign", "status", "words")["state"])

    hosted.sent(page, "pause", reason="look first")
    assert state() == "paused"
    assert "`headrace campaign resume words --at globus`" in words_of(hosted.web.get(page).text)
    assert hosted.labelled("words one") == []
    hosted.sent(page, "resume")
    assert state() == "started"
    hosted.sent("campaigns", "drive")
    wait_until(lambda: state() == "ended", "the end of the campaign")
    assert len(hosted.labelled("words one")) == len(hosted.labelled("words two")) == 1
    assert not (hosted.root / ".headrace" / "campaigns.local.db").exists()


def test_what_the_hosted_services_do_not_tell_says_so(hosted: Hosted) -> None:
    page = hosted.web.get("runs").text
    assert "not told at globus" in words_of(page)
    assert "verb=hold" not in page
    assert "verb=cancel" in page
    assert "not told at globus" in words_of(hosted.web.get("").text)


def test_a_facility_is_neither_started_nor_stopped(hosted: Hosted) -> None:
    assert hosted.forms("facility") == []
    form = hosted.forms("triggers")[0]
    for action in ("start", "stop", "check", "back_up"):
        form.address = f"facility/do/{action}"
        told = hosted.web.follow(form.address, hosted.web.resend("", form))
        assert "the hosted services are kept by Globus" in words_of(told.text)


def test_without_a_login_every_page_says_which(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GLOBUS_CLIENT_ID", "GLOBUS_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    site = WebSite(hosted.root, "globus")
    for page in ("", "runs", "web-inputs"):
        answer = site.get(page)
        assert answer.status_code == 200
        assert "headrace login" in words_of(answer.text) or "GLOBUS_CLIENT_ID" in answer.text
    site.close()
