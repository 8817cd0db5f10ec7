"""Somebody steers runs from a browser: by mouse with scripts, and by forms without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from headrace.runs import BatchedRun, start_batch
from tests.support.browser.pages import LIGHT, WITHOUT_JAVASCRIPT, Pages, Screen
from tests.support.browser.visited_site import VisitedSite, served_site
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


@pytest.mark.parametrize("screen", [LIGHT, WITHOUT_JAVASCRIPT], ids=lambda screen: screen.name)
def test_failed_runs_are_retried_together_once_after_their_count_was_shown(
    project: DrivenProject, site: VisitedSite, pages: Pages, screen: Screen
) -> None:
    tag = f"walk {screen.name}"
    old = start_failing(project, tag, FAILED)
    context = pages.new_context(screen)
    site.log_in(context)
    page = context.new_page()
    page.goto(f"{site.url}/runs")
    page.get_by_role("combobox", name="Status").select_option("FAILED")
    page.get_by_role("textbox", name="Tag").fill(tag)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Retry").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Retry runs"
    again = page.context.new_page()
    again.goto(page.url)
    button = page.get_by_role("button", name=f"Retry {FAILED} runs")
    button.dblclick()
    page.get_by_text("Done:").wait_for()
    # A second tab that shows the same, and the button Back.
    again.get_by_role("button", name=f"Retry {FAILED} runs").click()
    again.get_by_text("Done:").wait_for()
    wait_until(lambda: statuses(project, tag) == {"FAILED": 2 * FAILED}, "the retries' ends")
    retried = Counter(
        run["retry_of"]["run_id"]
        for run in project.connect().read_items("/runs", "runs", {"filter_tag": tag})
        if run.get("retry_of")
    )
    assert retried == dict.fromkeys(old, 1)
    recorded = [each for each in site.store.recorded_actions() if each.action == "change"]
    assert len(recorded) == (1 if screen is LIGHT else 2)
