"""The page of runs, and changes of all that match: the count first, each change once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.hosted import NoAnswerError
from headrace.project import Project, connect
from headrace.runs import BatchedRun
from headrace.runs.bulk_change import ChangeOutcome
from headrace.web.pages.run_changes import _summary
from tests.support.chosen_runs import failing, start
from tests.support.web import WebSite, forms_of, words_of
from tests.support.web_runs import linked, running_project, sent

pytestmark = pytest.mark.service

HOSTILE = '<script>alert("1")</script> \x1b[31m \u202egnp.exe <svg onload=x>'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with running_project(tmp_path_factory.mktemp("project")) as found:
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def test_runs_are_chosen_by_the_conditions_of_the_address(web: WebSite, project: Project) -> None:
    start(project, "fail", failing("the node was lost", "a lock", tag="chosen"), "FAILED")
    shown = web.get("runs?tag=chosen&cause=node&flow=fail&status=failed&since=1h&unmended=1").text
    assert "the node was lost" in words_of(shown)
    assert shown.index("verb=retry&amp;") < shown.index("the node was lost"), "above a long list"
    assert "a lock" not in words_of(shown)
    assert 'name="cause" value="node"' in shown
    assert "No run matches." in words_of(web.get("runs?tag=chosen&status=succeeded").text)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("status=lost", "status 'LOST' is none: choose from active, inactive"),
        ("since=never", "'never' is no time"),
        ("flow=nothing", "'nothing'"),
        ("selection=mine", "there is no [selections.mine]"),
        ("after=nonsense", "marker: not from an earlier page"),
    ],
)
def test_a_condition_that_is_none_is_told_in_its_place(
    web: WebSite, query: str, problem: str
) -> None:
    answer = web.get(f"runs?{query}")
    assert answer.status_code == 200
    assert problem in words_of(answer.text)


def test_pages_have_fifty_runs_each_and_every_run_once(web: WebSite, project: Project) -> None:
    ids = start(project, "good", [BatchedRun({}, tags=["paged"])] * 120, "SUCCEEDED")
    address, seen = "runs?tag=paged", []
    while address:
        text = web.get(address).text
        page = [run_id for run_id in ids if f'href="runs/{run_id}"' in text]
        assert len(page) <= 50
        seen += page
        address = linked(address, text, 'rel="next"')
    assert sorted(seen) == sorted(ids)


def test_conditions_that_the_service_cannot_decide_page_by_key_too(
    web: WebSite, project: Project
) -> None:
    runs = [BatchedRun({}, label=f"odd {n % 2}", tags=["mixed"]) for n in range(130)]
    ids = start(project, "good", runs, "SUCCEEDED")
    odd = {run_id for n, run_id in enumerate(ids) if n % 2}
    address, seen = "runs?tag=mixed&label=odd+1", []
    while address:
        text = web.get(address).text
        seen += [run_id for run_id in ids if f'href="runs/{run_id}"' in text]
        address = linked(address, text, 'rel="next"')
    assert len(seen) == len(set(seen))
    assert set(seen) == odd


def test_a_change_shows_its_count_first_and_is_made_once(web: WebSite, project: Project) -> None:
    ids = start(project, "fail", failing(*["no disk"] * 200, tag="many"), "FAILED")
    address = "runs/change?verb=retry&tag=many"
    page = web.get(address).text
    assert "Retry 200 runs : 200 failed" in words_of(page)
    assert len(page) < 300_000
    form = next(each for each in forms_of(page) if each.action == "change")
    answers = [web.resend("runs/change", form) for _ in range(2)]
    outcomes = [words_of(web.follow("runs/change/do/change", each).text) for each in answers]
    assert all("Done: retry of 200 runs: 200 changed" in outcome for outcome in outcomes)
    services = connect(project, "local")
    query = {"filter_tag": "many", "per_page": 100}
    runs = [*services.read_items("/runs", "runs", query)]
    assert len(runs) == 400
    assert {(each["retry_of"] or {}).get("run_id") for each in runs} == {None, *ids}
    # A page that shows no more than it did is another question, and these are taken up.
    again = words_of(sent(web, address + "&unmended=1", "change"))
    assert "retry of 200 runs" in again


def test_a_change_takes_only_runs_that_were_seen(web: WebSite, project: Project) -> None:
    first = start(project, "later", [BatchedRun({}, tags=["seen"])] * 3, "ACTIVE")
    form = next(
        each
        for each in forms_of(web.get("runs/change?verb=hold&tag=seen").text)
        if each.action == "change"
    )
    [unseen] = start(project, "later", [BatchedRun({}, tags=["seen"])], "ACTIVE")
    web.resend("runs/change", form)
    services = connect(project, "local")
    assert all(services.read(f"/runs/{run_id}")["held_at"] for run_id in first)
    assert services.read(f"/runs/{unseen}")["held_at"] is None
    assert "3 held" in words_of(web.get("runs?part=figures").text)
    undo = sent(web, "runs/undo", "undo")
    assert "Done: undo of 3 runs: 3 changed" in words_of(undo)
    assert all(services.read(f"/runs/{run_id}")["held_at"] is None for run_id in first)
    cancelled = sent(web, "runs/change?verb=cancel&tag=seen", "change")
    assert "Done: cancel of 4 runs: 4 changed" in words_of(cancelled)
    shown = words_of(web.get("runs/undo").text)
    assert "Nothing undoes it" in shown
    assert "4: it was cancelled and has ended" in shown


def test_texts_of_users_are_texts(web: WebSite, project: Project) -> None:
    start(project, "fail", [BatchedRun({"cause": HOSTILE + "x" * 100_000}, tags=["h"])], "FAILED")
    text = web.get("runs?tag=h").text
    assert "<script>alert" not in text
    assert "<svg onload" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "more characters" in text
    assert len(text) < 30_000
    hostile = web.get("runs?label=%22%3E%3Cscript%3E").text
    assert '"><script>' not in hostile


def test_other_verbs_and_lookers_change_nothing(web: WebSite) -> None:
    assert web.get("runs/change?verb=delete").status_code == 404
    assert "Choose what to do" in words_of(web.get("runs/change").text)
    web.cookie = web.log_in("look")
    assert "change?verb" not in web.get("runs").text
    assert forms_of(web.get("runs/change?verb=retry").text)[0].action != "change"


def test_without_a_facility_each_part_tells_why(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("")
    site = WebSite(tmp_path)
    answer = site.get("runs")
    assert answer.status_code == 200
    assert "This part cannot be shown:" in words_of(answer.text)
    now = words_of(site.get("").text)
    assert "runs cannot be asked for" in now
    assert "Go to Facility, where it is started" in now
    site.close()


def test_a_change_that_a_service_may_have_made_of_some_runs_says_of_how_many() -> None:
    lost = ChangeOutcome("a", "failed", "no answer", is_known=False)
    refused = ChangeOutcome("b", "failed", "not allowed")
    changed = ChangeOutcome("c", "changed", "cancelled")
    text = _summary("cancel", [changed, lost, refused], 3)
    assert text.startswith("cancel of 3 runs: 1 changed, 1 failed, 1 not known")
    assert "not known, such as a: no answer; failed, such as b: not allowed" in text
    with pytest.raises(NoAnswerError, match="1 failed, 1 not known"):
        _summary("cancel", [lost, refused], 2)
    with pytest.raises(ProjectError, match="1 failed; failed, such as b"):
        _summary("cancel", [refused], 1)
