"""Questions, triggers, endpoints and inversions are steered in Chromium, also without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from headrace.project import load_project
from headrace.runs import BatchedRun
from tests.support.browser.pages import LIGHT, TIMEOUT, WITHOUT_JAVASCRIPT, Pages, Screen
from tests.support.browser.visited_project import VisitedProject
from tests.support.browser.visited_site import VisitedSite, served_site
from tests.support.waiting import wait_until

both = pytest.mark.parametrize(
    "screen", [LIGHT, WITHOUT_JAVASCRIPT], ids=lambda screen: str(screen.name)
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VisitedProject]:
    project = VisitedProject(tmp_path_factory.mktemp("steered") / "project")
    yield project
    project.close()


@pytest.fixture(scope="module")
def site(project: VisitedProject) -> Iterator[VisitedSite]:
    with served_site(project.root) as site:
        yield site


def visit(pages: Pages, site: VisitedSite, screen: Screen, address: str) -> Page:
    context = pages.new_context(screen)
    site.log_in(context)
    page = context.new_page()
    page.goto(f"{site.url}/{address}")
    return page


def press(page: Page, name: str, said: str = "Done:") -> str:
    """Press a button and return what is said of it."""
    page.get_by_role("button", name=name, exact=True).first.click()
    outcome = page.locator(".outcome", has_text=said).first
    outcome.wait_for(timeout=TIMEOUT)
    return outcome.inner_text()


@both
def test_a_question_is_answered(
    project: VisitedProject, site: VisitedSite, pages: Pages, screen: Screen
) -> None:
    label = f"asks {screen.name}"
    [run] = project.start("ask", [BatchedRun({}, label=label)])
    wait_until(lambda: project.services.read(f"/runs/{run}").get("status") == "ACTIVE", "the run")
    page = visit(pages, site, screen, "web-inputs")
    question = page.locator("article", has_text=label)

    def is_asked() -> bool:
        page.goto(f"{site.url}/web-inputs")
        return question.count() == 1

    wait_until(is_asked, "the question")
    question.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("Done:").wait_for(timeout=TIMEOUT)
    wait_until(
        lambda: project.services.read(f"/runs/{run}")["status"] == "SUCCEEDED", "the run's end"
    )
    answer = project.services.read(f"/runs/{run}")["details"]["output"]["answer"]
    assert "accept" in str(answer)


@both
def test_a_trigger_is_paused_and_an_arrival_replayed(
    project: VisitedProject, site: VisitedSite, pages: Pages, screen: Screen
) -> None:
    page = visit(pages, site, screen, "triggers/records")
    press(page, "Pause")
    expect(page.locator("main")).to_contain_text("paused", timeout=TIMEOUT)
    press(page, "Resume")
    assert press(page, "Replay trace_1.mseed")
    # Whoever watches next starts it once more.
    project.call("watch", "records", "--once")
    runs = [
        run
        for run in project.services.read_items("/runs", "runs", {})
        if run["label"] == "record trace_1.mseed"
    ]
    assert len(runs) == (2 if screen is LIGHT else 3)


@pytest.fixture
def rays(tmp_path: Path) -> Iterator[VisitedSite]:
    """The pages of an inversion by straight rays; whether it runs nobody can be asked."""
    for library in ("h5py", "pyadjoint", "matplotlib"):
        pytest.importorskip(library, reason="needs the extra `inversion`")
    from tests.support.web_inversion import WebInversion

    inversion = WebInversion(tmp_path / "rays")
    inversion.start()
    inversion.run(0)
    with served_site(inversion.root) as site:
        yield site


@both
def test_an_inversion_is_paused_goes_on_and_gets_another_band(
    rays: VisitedSite, pages: Pages, screen: Screen
) -> None:
    page = visit(pages, rays, screen, "inversions/inversion")
    state = page.locator("#state")
    press(page, "Pause after this iteration")
    expect(state).to_contain_text("it stops after this iteration", timeout=TIMEOUT)
    press(page, "Resume")
    expect(state).not_to_contain_text("it stops after", timeout=TIMEOUT)
    page.get_by_text("Change band, leave out, go back, branch").click()
    bands = page.locator('select[name="band"]')
    wanted = bands.locator("option").last.inner_text()
    bands.select_option(wanted)
    page.locator('form[action$="/do/set_band"] input[name="why"]').fill("the next one is too wide")
    assert wanted in press(page, "Change the band")


def test_an_endpoint_that_is_drained_says_so(
    project: VisitedProject, site: VisitedSite, pages: Pages
) -> None:
    assert load_project(project.root).endpoints
    page = visit(pages, site, LIGHT, "endpoints/simulation")
    press(page, "Drain")
    expect(page.locator("main")).to_contain_text("drain", timeout=TIMEOUT)
    press(page, "Take new tasks")
    expect(page.get_by_role("button", name="Drain", exact=True)).to_be_visible(timeout=TIMEOUT)
