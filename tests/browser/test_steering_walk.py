"""Questions, triggers and endpoints are steered by mouse, by keyboard alone and without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from headrace.endpoints.status import endpoint_document
from headrace.project import load_project
from headrace.runs import BatchedRun
from tests.support.browser.pages import Pages
from tests.support.browser.visited_project import VisitedProject
from tests.support.browser.visited_site import VisitedSite, served_site
from tests.support.browser.visitor import WAYS, Visitor
from tests.support.waiting import wait_until

every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitedProject]:
    project = VisitedProject(tmp_path_factory.mktemp("steered") / "project")
    yield project
    project.close()


@pytest.fixture(scope="module")
def site(project: VisitedProject) -> Iterator[VisitedSite]:
    with served_site(project.root) as site:
        yield site


def visit(pages: Pages, site: VisitedSite, way: str, address: str) -> Visitor:
    visitor = WAYS[way].of(pages, site)
    visitor.page.goto(f"{site.url}/{address}")
    return visitor


@every_way
def test_a_question_is_answered(
    project: VisitedProject, site: VisitedSite, pages: Pages, way: str
) -> None:
    label = f"asks {way}"
    [run] = project.start("ask", [BatchedRun({}, label=label)])
    visitor = visit(pages, site, way, "web-inputs")
    question = f'article:has-text("{label}")'
    visitor.sees(question, "Accept the model")
    visitor.press("Accept", question, twice=True)
    visitor.reads_outcome()
    wait_until(
        lambda: project.services.read(f"/runs/{run}")["status"] == "SUCCEEDED", "the run's end"
    )
    answer = project.services.read(f"/runs/{run}")["details"]["output"]["answer"]
    assert "accept" in str(answer)


@every_way
def test_a_trigger_is_paused_and_an_arrival_replayed(
    project: VisitedProject, site: VisitedSite, pages: Pages, way: str
) -> None:
    visitor = visit(pages, site, way, "triggers/records")
    visitor.press("Pause")
    visitor.reads_outcome()
    visitor.sees("main", "paused")
    visitor.press("Resume")
    visitor.reads_outcome()
    before = started_by_record(project)
    visitor.press("Replay trace_1.mseed", twice=True)
    visitor.reads_outcome()
    # Whoever watches next starts it once more.
    project.call("watch", "records", "--once")
    assert started_by_record(project) == before + 1


def started_by_record(project: VisitedProject) -> int:
    runs = project.services.read_items("/runs", "runs", {})
    return sum(run["label"] == "record trace_1.mseed" for run in runs)


@every_way
def test_an_endpoint_that_is_drained_says_so(
    project: VisitedProject, site: VisitedSite, pages: Pages, way: str
) -> None:
    assert load_project(project.root).endpoints
    visitor = visit(pages, site, way, "endpoints/simulation")
    visitor.press("Drain")
    visitor.reads_outcome()
    visitor.sees("#state", "drain")
    assert is_drained(project)
    visitor.press("Take new tasks")
    visitor.reads_outcome()
    visitor.sees_any('#state button:text-is("Drain")')
    assert not is_drained(project)


def is_drained(project: VisitedProject) -> bool:
    document = endpoint_document(project.project, "simulation", "local", project.services)
    return document["drain"] is not None
