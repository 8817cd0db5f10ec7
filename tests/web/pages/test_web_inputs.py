"""The page of web inputs: each question with its context, answered once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.project import Project, connect
from headrace.runs import BatchedRun
from headrace.runs.web_inputs import list_web_inputs
from headrace.web.pages.web_inputs import _question
from tests.support.chosen_runs import start
from tests.support.ids import an_id
from tests.support.waiting import wait_until
from tests.support.web import Form, WebSite, forms_of, words_of
from tests.support.web_runs import asking, running_project

pytestmark = pytest.mark.service

TITLE = "Go on? <script>alert(1)</script>"


ROWS = [{"Field": "misfit", "Value": "0.3 <i>"}]
TABLE = asking({"Title": TITLE, "PresentationStyle": "Table", "Rows": ROWS})
TEXT = asking({"Title": "Read this", "Text": "<svg onload=x>\n" + "y" * 30_000})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    flows = {"table": TABLE, "text": TEXT}
    with running_project(tmp_path_factory.mktemp("project"), **flows) as found:
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def ask(project: Project, flow: str) -> str:
    [run_id] = start(project, flow, [BatchedRun({}, label=f"asks {flow}")], "ACTIVE")
    services = connect(project, "local")
    wait_until(lambda: list_web_inputs(services, run_id=run_id), "the question")
    return run_id


def test_collections_are_shown_by_their_names() -> None:
    workstation = an_id("workstation")
    rows = [{"field": "From", "value": f"{workstation} /incoming/"}, {"field": "n", "value": 3}]
    document = {"id": an_id("question"), "context": {"title": "Copy?", "rows": rows}}
    shown = _question(document, {workstation: "workstation"})
    assert shown["rows"] == [("From", "workstation /incoming/"), ("n", "3")]


def options(web: WebSite) -> list[Form]:
    return [each for each in forms_of(web.get("web-inputs").text) if each.action == "answer"]


def test_a_question_is_shown_and_answered_once(web: WebSite, project: Project) -> None:
    run_id = ask(project, "table")
    page = web.get("web-inputs").text
    words = words_of(page)
    assert "Go on? <script>alert(1)</script>" in words
    assert "<script>alert" not in page
    assert "misfit 0.3 <i>" in words
    assert "The next iteration <b>begins</b>." in words
    assert "May answer: who may manage the run" in words
    assert "waits for you" in words_of(web.get("").text)
    assert "Answer its question" in words_of(web.get(f"runs/{run_id}").text)
    go_on, stop = options(web)
    answers = [web.resend("web-inputs", form) for form in (go_on, go_on, stop)]
    told = [words_of(web.follow("web-inputs/do/answer", each).text) for each in answers]
    assert all(f"Done: {TITLE}: the answer is Go on" in each for each in told)
    services = connect(project, "local")
    ended = wait_until(
        lambda: run if (run := services.read(f"/runs/{run_id}"))["status"] == "SUCCEEDED" else None,
        "the run's end",
    )
    assert ended["details"]["output"]["answer"]["response"] == "yes"


def test_one_that_was_answered_elsewhere_is_told(web: WebSite, project: Project) -> None:
    run_id = ask(project, "table")
    [_, stop] = options(web)
    connect(project, "local").flows.cancel_run(run_id)
    services = connect(project, "local")
    wait_until(lambda: not list_web_inputs(services, run_id=run_id), "the question to close")
    answer = web.resend("web-inputs", stop)
    assert "Not done: this question is closed" in words_of(
        web.follow("web-inputs/do/answer", answer).text
    )


def test_long_texts_are_cut_and_lookers_answer_nothing(web: WebSite, project: Project) -> None:
    run_id = ask(project, "text")
    page = web.get("web-inputs").text
    assert "<svg onload" not in page
    assert "more characters" in page
    assert len(page) < 60_000
    web.cookie = web.log_in("look")
    looked = web.get("web-inputs").text
    assert "Options: Go on, Stop. You may not answer it." in words_of(looked)
    assert [each for each in forms_of(looked) if each.action == "answer"] == []
    connect(project, "local").flows.cancel_run(run_id)
