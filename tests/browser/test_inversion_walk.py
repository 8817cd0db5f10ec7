"""Somebody starts an inversion from its page, steers it while it runs, and sees it end."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from headrace.seismic.inversion.records import read_lines, read_records
from tests.support.browser.pages import Pages
from tests.support.browser.visited_site import VisitedSite, served_site
from tests.support.browser.visitor import WAYS, Visitor
from tests.support.inversion_project import InversionProject
from tests.support.waiting import wait_until
from tests.support.web_inversion import WebInversion

STAGES = ("forward", "windows", "adjoint")


class WatchedInversion(InversionProject):
    """An inversion that has not started, whose iterations are watched."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, events=2)
        shutil.rmtree(self.home.iteration(0))
        self.watch_process: subprocess.Popen[bytes] = self.watching()

    def close(self) -> None:
        self.watch_process.terminate()
        self.watch_process.wait()
        stop_facility(self.root)

    def jobs(self) -> int:
        """Number of jobs that have ended."""
        return len(read_records(self.staging.records(0)))


@pytest.fixture
def inversion(tmp_path: Path) -> Iterator[WatchedInversion]:
    inversion = WatchedInversion(tmp_path / "project")
    yield inversion
    inversion.close()


@pytest.fixture
def site(inversion: WatchedInversion) -> Iterator[VisitedSite]:
    with served_site(inversion.root) as site:
        yield site


@pytest.fixture(scope="module")
def rays(tmp_path_factory: pytest.TempPathFactory) -> WebInversion:
    """An inversion whose first iteration has ended; nobody runs the next one."""
    rays = WebInversion(tmp_path_factory.mktemp("rays") / "project")
    rays.start()
    rays.run(0)
    return rays


@pytest.fixture(scope="module")
def rays_site(rays: WebInversion) -> Iterator[VisitedSite]:
    with served_site(rays.root) as site:
        yield site


@pytest.mark.parametrize("way", WAYS)
def test_an_inversion_that_nobody_runs_is_steered(
    rays: WebInversion, rays_site: VisitedSite, pages: Pages, way: str
) -> None:
    visitor = WAYS[way].of(pages, rays_site)
    visitor.page.goto(f"{rays_site.url}/inversions/inversion")
    visitor.press("Pause after this iteration", twice=True)
    assert "it stops after this iteration" in visitor.reads_outcome()
    visitor.sees("#state", "it stops after this iteration")
    visitor.press("Resume", twice=True)
    assert "the pause is taken back" in visitor.reads_outcome()
    change_band(visitor, "short")
    asked = [line["what"] for line in read_lines(rays.both.home.history)][-3:]
    assert asked == ["pause after iteration", "resume", "band short"]


SLOW = {"keyboard", "without_javascript"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.slow if way in SLOW else ()) for way in WAYS]
)
def test_a_running_inversion_is_paused_gets_another_band_and_goes_on_to_its_end(
    inversion: WatchedInversion, site: VisitedSite, pages: Pages, way: str
) -> None:
    visitor = WAYS[way].of(pages, site)
    page = visitor.page
    page.goto(f"{site.url}/inversions/inversion")
    visitor.press("Start")
    visitor.reads_outcome()
    with visitor.loading_nothing():
        visitor.sees("#state", "running")
        visitor.sees_any('#grid tbody td:has-text("s")')
    visitor.press("Pause after this stage")
    visitor.reads_outcome()
    with visitor.loading_nothing():
        visitor.sees("#state", re.compile("paused before (windows|forward|adjoint)"))
        visitor.sees("#grid", "paused")
    wait_until(lambda: statuses(inversion) == {"SUCCEEDED"}, "the end of its run")
    jobs = inversion.jobs()
    assert not inversion.home.iteration(1).exists()
    change_band(visitor, "short")
    visitor.press("Resume")
    assert "iteration 0 is published" in visitor.reads_outcome()
    with visitor.loading_nothing():
        visitor.sees("#state", "running")
        visitor.sees("#misfits", re.compile(r"\blong\b"))
        visitor.sees("#grid", re.compile(r"\b1\s+short\b"))
        visitor.sees("#state", re.compile(r"Band\s*short"))
        visitor.sees("#state", "finished")
        visitor.sees("#misfits", re.compile(r"\bshort\b"))
    assert page.locator("#misfits svg.plot").is_visible()
    assert inversion.jobs() > jobs
    look_at_models(visitor)
    check_files(inversion)


def statuses(inversion: WatchedInversion) -> set[str]:
    return {run["status"] for run in inversion.runs()}


def change_band(visitor: Visitor, band: str) -> None:
    visitor.open("Change band, leave out")
    visitor.choose(visitor.page.locator('select[name="band"]'), band)
    why = visitor.page.locator('form[action$="/do/set_band"] input[name="why"]')
    visitor.fill(why, "the long one has said what it can")
    visitor.press("Change the band")
    assert f"Iteration 1 has band {band}" in visitor.reads_outcome()
    visitor.sees("#state", f"{band}, from iteration 1 on")


def look_at_models(visitor: Visitor) -> None:
    """See the pictures of the last iteration, and of the one before."""
    page = visitor.page
    visitor.follow("Models and kernels")
    visitor.sees("h1", "The newest iteration")
    with visitor.loading_nothing():
        visitor.sees("#pictures h2", "of iteration 1")
    visitor.follow("Iteration 0")
    visitor.sees("h1", "Iteration 0")
    page.locator("#pictures img").wait_for()
    assert page.evaluate("document.querySelector('main img').naturalWidth") > 100


def check_files(inversion: WatchedInversion) -> None:
    """What was asked for was done, once."""
    summaries = [json.loads(inversion.home.summary(number).read_text()) for number in (0, 1)]
    assert [one["outcome"] for one in summaries] == ["done", "finished"]
    assert [one["band"] for one in summaries] == ["long", "short"]
    asked = [line["what"] for line in read_lines(inversion.home.history)]
    assert asked == ["start", "pause after stage", "band short", "resume"]
    for stage in STAGES:
        done = inversion.computed(stage)
        assert len(set(done)) == len(done)
