"""SIGKILL of the web server and of the facility under an open page: it says so, and comes back."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

from headrace.runs import BatchedRun, start_batch
from tests.support.browser.pages import TIMEOUT, Pages
from tests.support.browser.web_server import WebServer
from tests.support.campaigns.driven_project import DrivenProject
from tests.support.waiting import wait_until

LOST = re.compile("No contact since")
SILENT = re.compile("The services do not answer since")
IN_CONTACT = re.compile("In contact")
# Chromium's own words for a server that is gone, and for parts that cannot be had.
EXPECTED = (r"net::ERR_", r"Failed to load resource", r"the server responded with a status of 5")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrivenProject]:
    project = DrivenProject(tmp_path_factory.mktemp("kills") / "project")
    yield project
    project.stop()


@pytest.fixture
def server(project: DrivenProject) -> Iterator[WebServer]:
    server = WebServer(project.root)
    yield server
    server.close()


@pytest.fixture
def page(pages: Pages, server: WebServer) -> Page:
    for words in EXPECTED:
        pages.expect(words)
    page = pages.open()
    page.goto(server.link)
    page.get_by_role("heading", level=1, name="Now").wait_for()
    return page


def start_run(project: DrivenProject, label: str) -> str:
    flow = project.project.lock().at("local").flows["say"].id
    run = BatchedRun({"word": "good", "members": []}, label)
    [started] = start_batch(project.connect(), flow, [run])
    return started.run_id


def test_a_page_says_that_its_server_is_gone_and_goes_on_when_it_is_back(
    project: DrivenProject, server: WebServer, page: Page
) -> None:
    page.goto(server.url("runs"))
    contact = page.locator("#contact")
    expect(contact).to_have_text(IN_CONTACT, timeout=TIMEOUT)
    server.kill()
    expect(contact).to_have_text(LOST, timeout=TIMEOUT)
    # Work goes on without it.
    start_run(project, "begun meanwhile")
    server.start_again()
    expect(contact).to_have_text(IN_CONTACT, timeout=TIMEOUT)
    page.get_by_role("link", name="begun meanwhile").wait_for(timeout=TIMEOUT)
    # And what begins from now on is seen without a reload.
    start_run(project, "begun afterwards")
    page.get_by_role("link", name="begun afterwards").wait_for(timeout=TIMEOUT)


def test_a_page_says_that_the_facility_is_gone_and_goes_on_when_it_is_back(
    project: DrivenProject, server: WebServer, page: Page
) -> None:
    page.goto(server.url("runs"))
    contact = page.locator("#contact")
    expect(contact).to_have_text(IN_CONTACT, timeout=TIMEOUT)
    project.kill_facility()
    expect(contact).to_have_text(SILENT, timeout=TIMEOUT)
    project.connect()
    start_run(project, "after the kill")
    expect(contact).to_have_text(IN_CONTACT, timeout=TIMEOUT)
    page.get_by_role("link", name="after the kill").wait_for(timeout=TIMEOUT)


def test_a_page_on_which_nothing_changes_says_as_of_when_it_is(
    server: WebServer, page: Page
) -> None:
    page.goto(server.url("runs"))
    expect(page.locator("#contact")).to_have_text(IN_CONTACT, timeout=TIMEOUT)
    still = page.context.new_page()
    still.goto(server.url("runs/change"))
    # Two signs of life come by its browser's stream.
    still.evaluate(
        """() => new Promise((heard) => {
          let count = 0;
          const root = new URL(document.body.dataset.root || "./", location.href);
          new BroadcastChannel(`headrace ${root.pathname}`).onmessage = ({ data }) => {
            if (data.kind === "contact" && ++count === 2) heard();
          };
        })"""
    )
    expect(still.locator("#contact")).to_have_text(re.compile("^As of "))


def test_an_action_whose_server_is_killed_is_done_once(
    project: DrivenProject, server: WebServer, page: Page
) -> None:
    flow = project.project.lock().at("local").flows["say"].id
    label = "killed in the middle"
    runs = [BatchedRun({"word": "bad", "members": []}, f"{label} {n}", (label,)) for n in range(60)]
    old = [each.run_id for each in start_batch(project.connect(), flow, runs)]

    def read() -> list[dict[str, Any]]:
        return list(project.connect().read_items("/runs", "runs", {"filter_tag": label}))

    wait_until(lambda: all(run["status"] == "FAILED" for run in read()), "the failures")
    page.goto(server.url(f"runs/change?verb=retry&tag={label.replace(' ', '+')}"))
    button = page.get_by_role("button", name="Retry 60 runs")
    button.click(no_wait_after=True)
    wait_until(lambda: len(read()) > 60, "the first retry")
    os.kill(server.process.pid, signal.SIGSTOP)
    psutil.Process(server.process.pid).kill()
    server.process.wait()
    server.start_again()
    # The person sends the same form again.
    page.go_back()
    page.goto(server.url(f"runs/change?verb=retry&tag={label.replace(' ', '+')}"))
    if page.get_by_role("button", name=re.compile("^Retry")).count():
        page.get_by_role("button", name=re.compile("^Retry")).click()
        page.get_by_text("Done:").wait_for()
    wait_until(lambda: all(run["status"] == "FAILED" for run in read()), "the ends")
    retried = Counter(run["retry_of"]["run_id"] for run in read() if run.get("retry_of"))
    # Retries that failed may have been taken up, too; but no run by two.
    assert {run_id: retried[run_id] for run_id in old} == dict.fromkeys(old, 1)
    assert set(retried.values()) == {1}
