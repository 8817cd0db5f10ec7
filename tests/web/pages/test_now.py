"""The page Now: one sentence, what waits for a person first, and failures by their causes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.project import Project
from headrace.runs import BatchedRun
from tests.support.chosen_runs import failing, start
from tests.support.web import WebSite, forms_of, words_of
from tests.support.web_runs import running_project, sent

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with running_project(tmp_path_factory.mktemp("project")) as found:
        yield found


@pytest.fixture
def web(project: Project) -> Iterator[WebSite]:
    site = WebSite(project.root)
    yield site
    site.close()


def test_a_project_without_troubles_is_well(web: WebSite, project: Project) -> None:
    start(project, "good", [BatchedRun({})], "SUCCEEDED")
    shown = words_of(web.get("").text)
    assert "well All is well: nothing waits for you" in shown
    assert "1 succeeded" in shown
    assert "workstation" in shown


def test_failures_are_grouped_by_cause_and_retried_from_here(
    web: WebSite, project: Project
) -> None:
    causes = [f"node n{number} was lost" for number in range(12)]
    start(project, "fail", failing(*causes, tag="now"), "FAILED")
    text = web.get("").text
    assert "12 runs failed in the last day and nobody mended them" in words_of(text)
    assert "Retry 12" in words_of(text)
    assert "node n… was lost" in words_of(text)
    address = text.partition('">Retry 12')[0].rpartition('href="')[2].replace("&amp;", "&")
    done = sent(web, address.removeprefix("./"), "change")
    assert "Done: retry of 12 runs: 12 changed" in words_of(done)


def test_a_notice_is_put_away_until_it_says_something_else(web: WebSite, project: Project) -> None:
    def notice() -> str:
        (form,) = [each for each in forms_of(web.get("").text) if "dismiss" in each.address]
        return form.fields["notice"]

    start(project, "fail", failing("a first one was lost", tag="away"), "FAILED")
    web.site.status.forget()
    first = notice()
    done = sent(web, "", "dismiss", notice=first)
    assert "put away until it says something else" in words_of(done)
    shown = words_of(web.get("").text)
    assert "well Nothing else waits for you" in shown
    assert "1 notice is put away." in shown
    start(project, "fail", failing("a second one was lost", tag="away"), "FAILED")
    web.site.status.forget()
    assert "nobody mended them" in words_of(web.get("").text)
    again = notice()
    assert again != first
    assert "says something else by now" in words_of(sent(web, "", "dismiss", notice=first))
    sent(web, "", "dismiss", notice=again)
    assert "1 notice is put away." in words_of(web.get("").text)
    sent(web, "", "restore")
    assert "nobody mended them" in words_of(web.get("").text)
    sent(web, "", "dismiss", notice=notice())
    assert "1 notice is put away." in words_of(web.get("").text)


def test_who_only_looks_puts_nothing_away(project: Project) -> None:
    site = WebSite(project.root, role="look")
    try:
        assert not forms_of(site.get("").text) or "dismiss" not in site.get("").text
    finally:
        site.close()
