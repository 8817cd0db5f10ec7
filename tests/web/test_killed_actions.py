"""A web process that is killed at the effect of an action: what is so is shown, nothing done twice.

The kill comes between the effect of an action and its record, or just before the effect. The form
is sent again then, as a browser does that loads again a page that did not come.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.project import Project, connect
from headrace.runs import BatchedRun, RunView
from headrace.runs.web_inputs import list_web_inputs
from headrace.triggers import Ledger, read_ledger, read_paused, resume_triggers
from headrace.triggers.arrival import Identity
from tests.support.chosen_runs import failing, start
from tests.support.killed_action import send_and_kill
from tests.support.waiting import wait_until
from tests.support.web import Form, WebSite, forms_of, words_of
from tests.support.web_runs import asking, running_project

pytestmark = pytest.mark.service

TRIGGER = """\
[watch]
collection = "workstation"
path = "/records/"
what = "directory"
[start]
flow = "good"
"""
QUESTION = asking({"Title": "Go on?", "Text": "The misfit is 0.3."})
RECORDS = "triggers/records"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("project")
    (root / "triggers").mkdir()
    (root / "triggers" / "records.toml").write_text(TRIGGER)
    with running_project(root, ask=QUESTION) as found:
        (root / "data" / "records").mkdir()
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def form_of(web: WebSite, page: str, action: str, place: int = 0) -> Form:
    return [each for each in forms_of(web.get(page).text) if each.action == action][place]


def sent_again(web: WebSite, page: str, form: Form, **fields: str) -> str:
    answer = web.resend(page, form, **fields)
    return words_of(web.follow(f"{page.partition('?')[0]}/do/{form.action}", answer).text)


def status_of(project: Project, run_id: str) -> str:
    return str(connect(project, "local").read(f"/runs/{run_id}")["status"])


def asked(project: Project) -> str:
    [run_id] = start(project, "ask", [BatchedRun({})], "ACTIVE")
    services = connect(project, "local")
    wait_until(lambda: list_web_inputs(services, run_id=run_id), "the question")
    return run_id


def test_an_answer_that_was_given_is_told_as_done(web: WebSite, project: Project) -> None:
    run_id = asked(project)
    go_on, stop = (form_of(web, "web-inputs", "answer", place) for place in (0, 1))
    send_and_kill(web, "web-inputs", go_on)
    wait_until(lambda: status_of(project, run_id) == "SUCCEEDED", "the run's end")
    assert "not known" in words_of(web.get("record").text)
    assert "Done: Go on?: the answer is Go on" in sent_again(web, "web-inputs", go_on)
    # Whoever chose otherwise in a second tab is told what the answer was.
    assert "Done: Go on?: the answer is Go on" in sent_again(web, "web-inputs", stop)


def test_who_answers_otherwise_after_a_kill_is_told_the_answer_that_holds(
    web: WebSite, project: Project
) -> None:
    run_id = asked(project)
    go_on, stop = (form_of(web, "web-inputs", "answer", place) for place in (0, 1))
    send_and_kill(web, "web-inputs", go_on)
    wait_until(lambda: status_of(project, run_id) == "SUCCEEDED", "the run's end")
    told = sent_again(web, "web-inputs", stop)
    assert "Not known: this question was answered before: Go on" in told


def test_an_answer_that_was_not_given_can_be(web: WebSite, project: Project) -> None:
    run_id = asked(project)
    stop = form_of(web, "web-inputs", "answer", 1)
    send_and_kill(web, "web-inputs", stop, after=False)
    assert status_of(project, run_id) == "ACTIVE"
    assert "Done: Go on?: the answer is Stop" in sent_again(web, "web-inputs", stop)
    wait_until(lambda: status_of(project, run_id) == "SUCCEEDED", "the run's end")


@pytest.mark.parametrize("page", ["triggers", RECORDS])
def test_an_old_pause_does_not_undo_what_came_after_it(
    web: WebSite, project: Project, page: str
) -> None:
    ledger = project.root / ".headrace" / "triggers.local.db"
    pause = form_of(web, page, "pause")
    send_and_kill(web, page, pause)
    assert read_paused(ledger) == ["records"]
    assert "paused" in words_of(web.get(page).text)
    resume_triggers(ledger, ["records"])
    told = sent_again(web, page, pause)
    assert "Not known: the server ended before it knew whether this was done" in told
    assert read_paused(ledger) == []
    # What the page has now does it, once however often it is sent.
    fresh = form_of(web, page, "pause")
    assert "Done: paused: records" in sent_again(web, page, fresh)
    resume = form_of(web, page, "resume")
    assert "Done: not paused any more: records" in sent_again(web, page, resume)
    assert "Done: paused: records" in sent_again(web, page, fresh)
    assert read_paused(ledger) == []


def test_a_pause_that_was_not_made_can_be(web: WebSite, project: Project) -> None:
    ledger = project.root / ".headrace" / "triggers.local.db"
    send_and_kill(web, RECORDS, form_of(web, RECORDS, "pause"), after=False)
    assert read_paused(ledger) == []
    assert "Done: paused" in sent_again(web, RECORDS, form_of(web, RECORDS, "pause"))
    assert read_paused(ledger) == ["records"]
    resume_triggers(ledger, ["records"])


def test_an_arrival_is_replayed_once(web: WebSite, project: Project) -> None:
    path = project.root / ".headrace" / "triggers.local.db"
    with Ledger(path, shared=True) as ledger:
        entries = [("/records/first/", Identity(1, 1))]
        [seen] = ledger.record_seen("records", "workstation", "root", entries)
        ledger.mark_starting(seen.id)
        ledger.mark_started(seen.id, "the first run")
    replay = form_of(web, RECORDS, "replay")
    send_and_kill(web, RECORDS, replay)
    assert "Not known: first: has changed since" in sent_again(web, RECORDS, replay)
    assert len(read_ledger(path)) == 2


def test_an_old_hold_does_not_undo_a_release(web: WebSite, project: Project) -> None:
    [run_id] = start(project, "later", [BatchedRun({})], "ACTIVE")
    page = f"runs/{run_id}"

    def held() -> bool:
        return bool(connect(project, "local").read(f"/runs/{run_id}")["held_at"])

    hold = form_of(web, page, "hold")
    send_and_kill(web, page, hold)
    assert held()
    assert "Done: released" in sent_again(web, page, form_of(web, page, "release"))
    assert "Not known" in sent_again(web, page, hold)
    assert not held()
    # A run that was held and released looks as before, and is held again by what its page has.
    assert "Done: held" in sent_again(web, page, form_of(web, page, "hold"))
    assert held()
    cancel = form_of(web, page, "cancel")
    send_and_kill(web, page, cancel)
    told = sent_again(web, page, cancel)
    assert "Not known: the server ended" in told
    assert "ended" in told


def test_runs_are_started_and_taken_up_once(web: WebSite, project: Project) -> None:
    services = connect(project, "local")
    begin = form_of(web, "flows/good/start", "start")
    for _ in range(2):
        send_and_kill(web, "flows/good/start", begin, label="from the form")
    assert "is started" in sent_again(web, "flows/good/start", begin, label="from the form")
    runs = list(services.read_items("/runs", "runs", {}))
    assert len([run for run in runs if run["label"] == "from the form"]) == 1

    [failed] = start(project, "fail", failing("no disk", tag="once"), "FAILED")
    retry = form_of(web, f"runs/{failed}", "retry")
    send_and_kill(web, f"runs/{failed}", retry)
    assert f"takes up {failed}" in sent_again(web, f"runs/{failed}", retry)
    runs = list(services.read_items("/runs", "runs", {}))
    taken = [run for run in runs if (run.get("retry_of") or {}).get("run_id") == failed]
    assert len(taken) == 1


def test_runs_that_were_released_meanwhile_are_not_held_again(
    web: WebSite, project: Project
) -> None:
    ids = start(project, "later", [BatchedRun({}, tags=["night"])] * 3, "ACTIVE")
    services = connect(project, "local")

    def held() -> int:
        return sum(bool(services.read(f"/runs/{run_id}")["held_at"]) for run_id in ids)

    page = "runs/change?verb=hold&tag=night"
    hold = form_of(web, page, "change")
    send_and_kill(web, page, hold, after=False)
    assert held() == 0
    assert "Done: hold of 3 runs" in sent_again(web, page, hold)
    undo = form_of(web, "runs/undo", "undo")
    assert "Done: undo of 3 runs" in sent_again(web, "runs/undo", undo)
    hold = form_of(web, page, "change")
    send_and_kill(web, page, hold)
    assert held() == 3
    assert "Done: undo of 3 runs" in sent_again(web, "runs/undo", form_of(web, "runs/undo", "undo"))
    assert "Not known" in sent_again(web, page, hold)
    assert held() == 0
    services.flows.cancel_run(ids[0])


@pytest.mark.parametrize(("verb", "tag"), [("hold", "half"), ("cancel", "third")])
def test_a_change_that_was_made_half_is_finished_by_its_form(
    web: WebSite, project: Project, verb: str, tag: str
) -> None:
    ids = start(project, "later", [BatchedRun({}, tags=[tag])] * 3, "ACTIVE")
    services = connect(project, "local")

    def are_changed() -> list[bool]:
        runs = [services.read(f"/runs/{run_id}") for run_id in ids]
        return [bool(run["held_at"]) or RunView(run).cancelled for run in runs]

    page = f"runs/change?verb={verb}&tag={tag}"
    form = form_of(web, page, "change")
    send_and_kill(web, page, form, half=True)
    assert sum(are_changed()) == 1
    told = sent_again(web, page, form)
    assert all(are_changed())
    assert f"Done: {verb} of" in told
    if verb == "hold":
        undo = form_of(web, "runs/undo", "undo")
        assert "Done: undo of 3 runs: 3 changed" in sent_again(web, "runs/undo", undo)
        assert not any(are_changed())
    for run_id in ids:
        if status_of(project, run_id) == "ACTIVE":
            services.flows.cancel_run(run_id)
