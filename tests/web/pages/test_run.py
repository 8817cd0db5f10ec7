"""The page of a run: its way, states, payloads and log, and actions that are done once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.project import Project, connect
from headrace.runs import BatchedRun
from tests.support.chosen_runs import failing, start
from tests.support.ids import an_id
from tests.support.waiting import wait_until
from tests.support.web import WebSite, forms_of, words_of
from tests.support.web_runs import running_project, sent

pytestmark = pytest.mark.service

NAME = 'Add <img src=x onerror=alert(1)> "it"'
STEPS = {
    "StartAt": NAME,
    "States": {
        NAME: {
            "Type": "Pass",
            "Parameters": {"sum": 3, "text": "<svg onload=alert(2)>"},
            "ResultPath": "$.made",
            "Next": "Stop",
        },
        "Stop": {"Type": "Fail", "Error": "Broken", "CausePath": "$.cause"},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with running_project(tmp_path_factory.mktemp("project"), steps=STEPS) as found:
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def test_a_failed_run_shows_its_way_its_cause_and_its_states(
    web: WebSite, project: Project
) -> None:
    [run_id] = start(project, "steps", failing("no such mesh", tag="t"), "FAILED")
    text = web.get(f"runs/{run_id}").text
    words = words_of(text)
    assert "no such mesh" in words
    assert "failed here" in words
    assert "States in time" in words
    assert "onerror=alert(1)>" not in text
    assert "<style" not in text
    assert "style=" not in text
    chosen = web.get(f"runs/{run_id}?state=Add+%3Cimg+src%3Dx+onerror%3Dalert%281%29%3E+%22it%22")
    assert "made new" in words_of(chosen.text)
    assert "<svg onload" not in chosen.text
    assert "PassCompleted" in words_of(chosen.text)
    assert "never in this state" in words_of(web.get(f"runs/{run_id}?state=Nothing").text)


def test_a_retry_is_one_run_however_often_its_form_is_sent(web: WebSite, project: Project) -> None:
    [run_id] = start(project, "steps", failing("x", tag="once"), "FAILED")
    page = f"runs/{run_id}"
    form = next(each for each in forms_of(web.get(page).text) if each.action == "retry")
    answers = [web.resend(page, form) for _ in range(3)]
    assert len({each.headers["location"] for each in answers}) == 1
    shown = words_of(web.follow(f"{page}/do/retry", answers[0]).text)
    assert f"Done: this run takes up {run_id} at Stop" in shown
    services = connect(project, "local")
    runs = [*services.read_items("/runs", "runs", {"filter_tag": "once", "per_page": 100})]
    assert len(runs) == 2
    # Both tabs show the page from before; the new page has another form.
    again = next(each for each in forms_of(web.get(page).text) if each.action == "retry")
    assert again.fields["once"] != form.fields["once"]
    assert "Runs that take it up" in words_of(web.get(page).text)


def test_retry_from_a_state_result_by_hand_and_run_again(web: WebSite, project: Project) -> None:
    [run_id] = start(project, "steps", failing("y", tag="hand"), "FAILED")
    page = f"runs/{run_id}"
    sent(web, page, "retry", state=NAME)
    services = connect(project, "local")

    def newest() -> dict[str, object]:
        query = {"filter_tag": "hand", "orderby": "start_time DESC", "per_page": 1}
        return dict(services.read("/runs", query)["runs"][0])

    assert newest()["retry_of"] == {"run_id": run_id, "state": NAME}
    refused = words_of(sent(web, page, "result", state=NAME, result="{nothing"))
    assert "Not done: the result is no JSON" in refused
    sent(web, page, "result", state=NAME, result='{"sum": 4}')
    retried = newest()
    assert retried["retry_of"] == {"run_id": run_id, "state": NAME}
    again = sent(web, page, "run_again")
    assert f"Done: this run was started with the input of {run_id}" in words_of(again)
    assert newest()["retry_of"] is None
    assert newest()["label"] == "y"
    form = web.get(f"flows/steps/start?run={run_id}")
    assert f'href="../flows/steps/start?run={run_id}"' in web.get(page).text
    assert f"The form begins with the input of run {run_id}" in words_of(form.text)


def test_hold_release_and_cancel_are_undone_where_that_is_possible(
    web: WebSite, project: Project
) -> None:
    [run_id] = start(project, "later", [BatchedRun({})], "ACTIVE")
    page = f"runs/{run_id}"
    services = connect(project, "local")
    held = words_of(sent(web, page, "hold"))
    assert "Done: held: it ends its present state" in held
    assert services.read(f"/runs/{run_id}")["held_at"]
    assert "It was part of the last change, hold" in words_of(web.get(page).text)
    sent(web, "runs/undo", "undo")
    assert services.read(f"/runs/{run_id}")["held_at"] is None
    sent(web, page, "cancel")
    wait_until(
        lambda: services.read(f"/runs/{run_id}")["status"] != "ACTIVE", "the run to be cancelled"
    )
    wait_until(
        lambda: "cancelled" in words_of(web.get(f"{page}?part=now").text), "the page to show it"
    )


def test_a_run_that_is_deleted_meanwhile_is_missing_and_says_so(
    web: WebSite, project: Project
) -> None:
    [run_id] = start(project, "good", [BatchedRun({})], "SUCCEEDED")
    page = f"runs/{run_id}"
    form = next(each for each in forms_of(web.get(page).text) if each.action == "retry")
    connect(project, "local").flows.delete_run(run_id)

    def is_missing() -> bool:
        return web.get(page).status_code == 404

    wait_until(is_missing, "the page to notice")
    assert "it was deleted, or never was" in words_of(web.get(page).text)
    assert web.get(f"{page}?part=log").status_code == 404
    outcome = web.resend(page, form)
    assert outcome.status_code in (303, 404)
    assert web.get(f"runs/{an_id('nothing')}").status_code == 404
    assert "no run begins" in words_of(web.get("runs/zzz").text)


def test_who_looks_gets_no_forms(web: WebSite, project: Project) -> None:
    [run_id] = start(project, "good", [BatchedRun({})], "SUCCEEDED")
    web.cookie = web.log_in("look")
    actions = {each.action for each in forms_of(web.get(f"runs/{run_id}").text)}
    assert actions == {"../logout"}
