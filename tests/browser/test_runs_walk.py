"""Somebody retries failed runs: by mouse, by keyboard alone, and by forms without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from headrace.runs import BatchedRun, start_batch
from tests.support.browser.pages import Pages
from tests.support.browser.visited_site import VisitedSite, served_site
from tests.support.browser.visitor import WAYS
from tests.support.campaigns.driven_project import DrivenProject
from tests.support.waiting import wait_until

FAILED = 200


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenProject]:
    project = DrivenProject(tmp_path_factory.mktemp("walk") / "project")
    yield project
    project.stop()


@pytest.fixture(scope="module")
def site(project: DrivenProject) -> Iterator[VisitedSite]:
    with served_site(project.root) as site:
        yield site


def start_failing(project: DrivenProject, tag: str, count: int) -> list[str]:
    flow = project.project.lock().at("local").flows["say"].id
    runs = [BatchedRun({"word": "bad", "members": []}, f"event {n}", (tag,)) for n in range(count)]
    started = start_batch(project.connect(), flow, runs)
    wait_until(lambda: statuses(project, tag)["FAILED"] == count, "the failures")
    return [each.run_id for each in started]


def statuses(project: DrivenProject, tag: str) -> Counter[str]:
    query = {"filter_tag": tag, "per_page": 100}
    return Counter(run["status"] for run in project.connect().read_items("/runs", "runs", query))


@pytest.mark.parametrize("way", WAYS)
def test_failed_runs_are_retried_together_once_after_their_count_was_shown(
    project: DrivenProject, site: VisitedSite, pages: Pages, way: str
) -> None:
    tag = f"walk {way}"
    old = start_failing(project, tag, FAILED)
    visitor = WAYS[way].of(pages, site)
    page = visitor.page
    page.goto(f"{site.url}/runs")
    visitor.choose(page.get_by_role("combobox", name="Status"), "failed")
    visitor.fill(page.get_by_role("textbox", name="Tag"), tag)
    visitor.press("Show")
    visitor.follow("Retry")
    visitor.sees("h1", "Retry runs")
    again = type(visitor)(page.context.new_page())
    again.page.goto(page.url)
    retry = f"Retry {FAILED} runs"
    visitor.press(retry, twice=True)
    visitor.reads_outcome()
    # A second tab that shows the same.
    again.press(retry)
    again.reads_outcome()
    wait_until(lambda: statuses(project, tag) == {"FAILED": 2 * FAILED}, "the retries' ends")
    retried = Counter(
        run["retry_of"]["run_id"]
        for run in project.connect().read_items("/runs", "runs", {"filter_tag": tag})
        if run.get("retry_of")
    )
    assert retried == dict.fromkeys(old, 1)
    recorded = [each for each in site.store.recorded_actions() if each.action == "change"]
    assert len(recorded) == 1 + list(WAYS).index(way)
