"""Every page at ``globus``, a facility in the services' place: its content, or why it has none.

The project has a facility of its own, too, with runs, a trigger and a campaign of the same names in
other states: nothing of these is on any page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pytest

from headrace.project_status import read_status
from headrace.web.page import Page
from headrace.web.page_registry import all_pages
from tests.support.hosted_project import HostedProject
from tests.support.page_addresses import addresses
from tests.support.shown_commands import shown_commands, takes_target
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of
from tests.support.web_runs import sent

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

NO_FACILITY = (
    "the hosted services are kept by Globus: they have no store, log or health that can be asked "
    "for"
)
NO_BLOCKS = (
    "the service does not report the batch jobs of this endpoint's workers: the scheduler of its "
    "machine knows them"
)
NO_JOBS = ("Its jobs have no files on this machine.",)

SHOWN: Mapping[str, Sequence[Sequence[str]]] = {
    "now": [
        (
            "model of iteration 3 waits for you: Accept the model of iteration 3?",
            "the campaign napa is started, and no process drives it",
            "2 active , 0 inactive succeeded, failed, ended: not told at globus",
            "1 endpoint is well. Endpoints that need a look "
            "analysis not created here; the service calls it unknown",
        )
    ],
    "runs": [
        (
            "2 active , 0 inactive succeeded, failed, ended: not told at globus",
            "transfer succeeded Transfer",
            "waits active The flow later",
        )
    ],
    "change_runs": [("Retry 3 runs : 3 failed; 3 of The flow mended.",)],
    "undo_change": [("the last change, run hold, was made at local",)],
    "run": [
        ("event 0000 Runs", "Status succeeded", "FlowSucceeded"),
        ("mesh mesh", "Status failed Failure mesher:", "failed here", "Retry"),
        ("Status active in W : waiting", "WaitStarted"),
        ("Asks Answer its question", "Wait under way"),
        ("files 2 files_transferred 2", "Transfer done"),
    ],
    "run_output": [
        ("Output of event 0000", *NO_JOBS),
        ("Output of mesh", *NO_JOBS),
        ("Output of waits", *NO_JOBS),
        ("Output of model of iteration 3", *NO_JOBS),
        ("Output of transfer", *NO_JOBS),
    ],
    "web_inputs": [("Accept the model of iteration 3?", "misfit 0.3", "Accept It is kept.")],
    "flows": [("At globus Problem", "adjoint_sources Adjoint sources deployed", "mended deployed")],
    "flow": [
        ("At globus deployed", "0 % of the last 3 that have ended", "Stop Fail 3 3 3"),
        ("At globus deployed", "ProcessWaveforms compute v3", "It has no runs yet."),
    ],
    "flow_start": [
        ("The flow mended", "Check first that endpoints are online"),
        ("Choose hpc workstation", "Choose analysis simulation"),
    ],
    "triggers": [("records New records not watched", "2 started Pause records")],
    "trigger": [
        ("not watched no `headrace watch --at globus` works on it", "Arrivals 2 started Pause")
    ],
    "facility": [(f"Facility {NO_FACILITY}", "Processes", "watch-records stopped")],
    "notifications": [("Nobody was notified of anything yet.",)],
    "help": [("Help",)],
    "help_page": [("Pages in a browser",)],
    "campaigns": [
        ("napa NapA, replicas started 3 of 8 2 ready , 2 running , 3 done , 1 failed",),
    ],
    "campaign": [
        (
            "State NapA, replicas: started",
            "1 failed; `headrace campaign why napa --at globus`",
            "Done 3 of 8 (37.5 %)",
            "Pause Retry all that failed",
        )
    ],
    "members": [("8 members", "replica_001 done wild", "replica_006 running wild run 1 1 desk")],
    "member": [
        ("State done", "headrace campaign get napa replica_001 --at globus"),
        ("State failed mesher:", "headrace campaign retry napa replica_004 --at globus"),
    ],
    "endpoints": [
        (
            "simulation not created here; the service calls it online elsewhere",
            "analysis not created here; the service calls it unknown elsewhere",
            "the monitor has never run",
        )
    ],
    "endpoint": [
        ("State not created here; the service calls it online", NO_BLOCKS),
        (
            "State not created here; the service calls it unknown",
            "endpoint create analysis --at globus",
        ),
    ],
    "record": [("Nothing has been done yet.", "tester steer")],
    "data_runs": [("run0007 (number 7): synthetic", "no `headrace watch --at globus` is on")],
    "data_run": [("Segments 2 arrived", "no `headrace watch --at globus` is on")],
    "data_run_traces": [("Traces 1 to 50 of 97 that match.",)],
    "inversions": [("inversion Rays 1 of 3 not ended long",)],
    "inversion": [
        ("waiting : iteration 1 is published, but no `headrace watch --at globus` is on", "Bands")
    ],
    "inversion iteration": [("Measures Model vp", "model 001 is accepted")],
    "inversion fits": [("3 stations in evaluation 000_trial_02.",)],
}
"""Words of each page of a kind, in the order of `addresses`: what it shows, or why it does not."""

NO_ID = "endpoint 'analysis' has no id"
REASONS: Mapping[str, Sequence[Sequence[str]]] = {
    "facility": [(NO_FACILITY,) * 3],
    "endpoint": [
        (NO_BLOCKS, "the log of endpoint simulation is on the machine"),
        (NO_ID, NO_ID, "the log of endpoint analysis is on the machine"),
    ],
}
"""Parts that cannot be shown, with how each says so; of all other pages every part is shown."""

every_page = pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedProject]:
    with pytest.MonkeyPatch.context() as patch:
        made = HostedProject(tmp_path_factory.mktemp("hosted"), patch)
        yield made
        made.close()


@pytest.fixture(scope="module")
def web(project: HostedProject) -> Iterator[WebSite]:
    site = WebSite(project.root, "globus")
    yield site
    site.close()


@pytest.fixture(scope="module")
def known() -> dict[str, list[str]]:
    """Pages that were visited before, by name."""
    return {}


@pytest.fixture
def texts(
    web: WebSite, page: Page, project: HostedProject, known: dict[str, list[str]]
) -> list[str]:
    """HTML of each page of a kind."""
    if page.name not in known:
        answers = [web.get(address) for address in addresses(page, project)]
        assert {answer.status_code for answer in answers} <= {200}
        known[page.name] = [answer.text for answer in answers]
    if not known[page.name]:
        pytest.skip("needs the libraries of a pipeline")
    return known[page.name]


@every_page
def test_a_page_shows_its_content_or_says_why_not(page: Page, texts: list[str]) -> None:
    assert page.name in SHOWN, f"say what the page {page.name} shows at globus"
    reasons = REASONS.get(page.name) or [()] * len(texts)
    for text, expected, why in zip(texts, SHOWN[page.name], reasons, strict=True):
        words = words_of(text)
        assert [each for each in expected if each not in words] == [], words
        failed = [words_of(part) for part in failed_parts(text)]
        assert len(failed) == len(why), failed
        assert all(wanted in found for found, wanted in zip(failed, why, strict=True)), failed


def test_no_other_page_is_listed() -> None:
    assert SHOWN.keys() == {page.name for page in all_pages()}


@every_page
def test_a_page_has_nothing_of_another_target(project: HostedProject, texts: list[str]) -> None:
    assert project.only_local
    for text in texts:
        assert [each for each in project.only_local if each in text] == []


@every_page
def test_commands_that_a_page_tells_are_of_its_target(page: Page, texts: list[str]) -> None:
    if page.name.startswith("help"):
        pytest.skip("the documentation is of all targets")
    for text in texts:
        for command in shown_commands(text):
            assert not takes_target(command) or command.endswith(" --at globus"), command


def test_commands_of_the_status_are_of_its_target(project: HostedProject) -> None:
    status = read_status(project.project, "globus")
    assert status.failures is not None
    found = [*status.findings, *(status.waiting or ()), *status.failures.groups]
    commands = [each.command for each in found if each.command.startswith("headrace ")]
    assert {command.split()[1] for command in commands} >= {"campaign", "run", "web-input"}
    assert [each for each in commands if each.count(" --at globus") != 1] == []


def test_a_run_of_another_target_is_not_there(web: WebSite, project: HostedProject) -> None:
    for run_id in project.local_runs:
        answer = web.get(f"runs/{run_id}")
        assert answer.status_code in (404, 503)
        assert run_id[:8] in words_of(answer.text)


def test_a_task_of_the_services_endpoint_shows_what_it_returned_or_raised(
    web: WebSite, project: HostedProject
) -> None:
    halved, failed = project.compute("13"), project.compute("thirteen")

    def words(run_id: str, ended: str) -> str:
        wait_until(
            lambda: f"Status {ended}" in words_of(web.get(f"runs/{run_id}?part=now").text),
            "the end of the run",
        )
        return words_of(web.get(f"runs/{run_id}").text)

    assert "Compute compute v3" in words(halved, "succeeded")
    assert "6.5" in words_of(web.get(f"runs/{halved}?state=Compute&part=state").text)
    found = words(failed, "failed")
    assert "Output of Compute Ask the endpoint for what its jobs printed Task" in found
    not_asked = "its jobs ran on another machine, whose endpoint was not asked"
    assert f"at simulation {not_asked} Traceback ValueError" in found
    asked = words_of(web.get(f"runs/{failed}?part=output&state=Compute&ask=1").text)
    assert not_asked not in asked
    assert "could not convert string to float: 'thirteen'" in asked


def test_a_canary_goes_through_the_services_endpoint(web: WebSite) -> None:
    sent(web, "endpoints/simulation", "canary")
    wait_until(
        lambda: "endpoint simulation runs tasks: the canary" in words_of(web.get("record").text),
        "the canary",
    )


def failed_parts(page: str) -> list[str]:
    """Return the parts of a page that could not be shown."""
    return re.findall(r'<section id="[^"]*" class="failed">.*?</section>', page, re.DOTALL)
