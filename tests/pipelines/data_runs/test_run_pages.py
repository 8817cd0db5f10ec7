"""Pages of data runs: rates, backlog, segments, histograms, and their forms."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest

from headrace.datarun.synthetic import SyntheticRun
from headrace.pipelines.data_runs import known_runs
from tests.support.datarun.processed_runs import ProcessedRuns, known_to, make_indexes
from tests.support.web import WebSite, forms_of, words_of


@pytest.fixture(autouse=True)
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_runs, "_SECONDS", 0.0)


@pytest.fixture
def growing(processed: ProcessedRuns) -> Iterator[WebSite]:
    """Besides, a run whose last segment is missing: it is being taken."""
    processed.take(SyntheticRun(run=8, segments=2, events=100, channels=3, samples=100, rate=10))
    (processed.incoming / "run0008" / "run-0008-01.evt").unlink()
    site = processed.site()
    yield site
    site.close()


def test_the_run_that_is_being_taken_stands_first(growing: WebSite) -> None:
    make_indexes(growing, "data-runs")
    words = words_of(growing.get("data-runs").text)
    assert "Now taken Run run0008 (number 8): synthetic Status TAKING DATA" in words
    assert "waits for the end of the run in run-0008-00.evt" in words
    # 100 events at 10 a second.
    assert "the acquisition 100 10 s 10" in words
    assert re.search(r"Backlog 0\.2 min of data \([\d.]+ kB\) are not fitted", words)
    assert words.index("run0008 TAKING DATA 1") < words.index("run0007 SUCCEEDED 2")


def test_a_segment_that_only_grows_is_seen(growing: WebSite, processed: ProcessedRuns) -> None:
    growing.get("data-runs")
    changes = growing.site._local
    changes.look({"data_run"})
    assert "data_run" not in changes.look({"data_run"})
    with (processed.incoming / "run0008" / "run-0008-00.evt").open("ab") as segment:
        segment.write(b"more")
    assert "data_run" in changes.look({"data_run"})


def test_a_run_that_was_processed_tells_rates_of_fits_and_no_backlog(web: WebSite) -> None:
    make_indexes(web, "data-runs/run0007")
    words = words_of(web.get("data-runs/run0007").text)
    assert "Backlog none" in words
    assert "the acquisition 240" in words
    assert "the fits, one job 240 4.0 s 60" in words
    assert "jobs of fits took 4.0 s" in words
    assert "2 fitted" in words
    assert "run-0007-00.evt fitted" in words


def test_what_is_not_fitted_yet_is_backlog(processed: ProcessedRuns) -> None:
    name = processed.take(
        SyntheticRun(run=9, segments=4, events=100, channels=3, samples=100, rate=2)
    )
    processed.process(name, "ACTIVE", fitted=1)
    site = processed.site()
    make_indexes(site, f"data-runs/{name}")
    words = words_of(site.get(f"data-runs/{name}").text)
    # 400 events in 200 s, of which three quarters wait; a job fits 50 events a second.
    assert "2.5 min of data" in words
    assert "one job takes 0.1 min" in words
    assert "1 fitted , 3 at the cluster" in words
    assert "Process it again" not in words
    site.close()


def test_histograms_are_pictures_and_tables_of_a_channel(web: WebSite) -> None:
    make_indexes(web, "data-runs/run0007")
    page = web.get("data-runs/run0007?channel=c0s02ch01").text
    assert "c0s02ch01: energy (ADC units)" in page
    assert "c0s02ch01: chi-square / sample, one pulse" in page
    entries = re.findall(r'aria-label="energy \(ADC units\): ([\d,]+) entries', page)
    table = page.split("c0s02ch01: energy")[1].split("</table>")[0]
    counts = re.findall(r'<td class="number">(\d+)</td></tr>', table)
    assert [sum(map(int, counts))] == [int(each.replace(",", "")) for each in entries]
    # The channel that was not fitted has an energy alone.
    other = web.get("data-runs/run0007?channel=c0s02ch02").text
    assert "c0s02ch02: energy" in other
    assert "c0s02ch02: chi-square" not in other


def test_until_segments_are_indexed_the_page_says_how_far_it_is(
    web: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes = known_to(web).indexes
    monkeypatch.setattr(indexes, "_run", lambda source, target, report: report(0.25))
    words = words_of(web.get("data-runs/run0007").text)
    assert "0 of 2 segments have been read for this page" in words
    assert "of the 0 of 2 segments that have been read for this page" in words
    assert "keep up with the acquisition" not in words
    assert "No hits of a digitiser are known yet." in words
    indexes.wait()


def test_a_run_is_processed_again_once(web: WebSite, processed: ProcessedRuns) -> None:
    (ended,) = processed.services.runs
    forms = {form.action: form for form in forms_of(web.get("data-runs/run0007").text)}
    assert "go_on" not in forms
    first = web.resend("data-runs/run0007", forms["run_again"])
    assert "run0007 is processed again as run" in words_of(web.follow("data-runs/x", first).text)
    web.resend("data-runs/run0007", forms["run_again"])
    ((run_id, body),) = processed.services.retries
    assert (run_id, body["state"]) == (ended, "ListSegments")
    assert body["request_id"]


def test_a_form_of_a_run_that_was_taken_up_meanwhile_does_nothing(
    web: WebSite, processed: ProcessedRuns
) -> None:
    forms = {form.action: form for form in forms_of(web.get("data-runs/run0007").text)}
    newer = processed.process("run0007")
    assert newer in web.get("data-runs/run0007").text
    told = web.follow("data-runs/run0007/do/x", web.resend("data-runs/run0007", forms["run_again"]))
    assert "Not done: run0007 was processed again meanwhile" in words_of(told.text)
    assert processed.services.retries == []


def test_a_segment_is_fitted_again_by_removing_its_record(
    web: WebSite, processed: ProcessedRuns
) -> None:
    fitted = processed.staging("run0007") / "fitted"
    before = {path.name for path in fitted.iterdir()}
    web.send_form("data-runs/run0007", "fit_again", segment="1")
    assert before - {path.name for path in fitted.iterdir()} == {"run-0007-01-fitted.evt.done.json"}
    ((_, body),) = processed.services.retries
    assert body["state"] == "ListSegments"


def test_a_segment_that_is_none_is_refused(web: WebSite, processed: ProcessedRuns) -> None:
    form = next(f for f in forms_of(web.get("data-runs/run0007").text) if f.action == "fit_again")
    told = web.resend("data-runs/run0007", form, segment="../../7", once="other")
    assert "has no segment" in words_of(web.follow("data-runs/run0007/do/x", told).text)
    assert processed.services.retries == []


def test_one_that_failed_goes_on(processed: ProcessedRuns) -> None:
    processed.take(SyntheticRun(run=9, segments=1, events=50, channels=3, samples=100))
    ended = processed.process("run0009", "FAILED", fitted=0)
    (processed.staging("run0009") / "unfinished" / "fit-00-abc").mkdir(parents=True)
    site = processed.site()
    assert "1 failed" in words_of(site.get("data-runs/run0009").text)
    site.send_form("data-runs/run0009", "go_on")
    ((run_id, body),) = processed.services.retries
    assert run_id == ended
    assert "state" not in body
    site.close()


def test_who_looks_has_no_forms_and_may_not_send_them(web: WebSite) -> None:
    web.cookie = web.log_in("look")
    page = web.get("data-runs/run0007").text
    assert not [form for form in forms_of(page) if "/do/" in form.address]
    assert "Once more" not in page


def test_segments_have_pages_by_number_and_a_strip_of_few_marks(
    data_runs: ProcessedRuns,
) -> None:
    place = data_runs.incoming / "run0012"
    place.mkdir()
    for number in range(2_500):
        (place / f"run-0012-{number:02d}.evt").touch()
    site = data_runs.site()
    part = site.get("data-runs/run0012?part=segments").text
    assert part.count("<tr>") == 51
    assert len(part) < 30_000
    assert "2,500 arrived" in words_of(part)
    more = site.get("data-runs/run0012?part=segments&segments_after=49").text
    assert "run-0012-50.evt" in more
    assert "run-0012-49.evt" not in more
    known_to(site).indexes.wait()
    site.close()


def test_absent_runs_and_projects_without_them_say_so(data_runs: ProcessedRuns) -> None:
    site = data_runs.site()
    assert "No data runs yet" in words_of(site.get("data-runs").text)
    assert site.get("data-runs/run0007").status_code == 404
    shutil.rmtree(data_runs.root / "flows" / "data_run")
    words = words_of(site.get("data-runs").text)
    assert "this project has no data runs" in words
    site.close()


def test_a_run_whose_data_are_gone_says_so(processed: ProcessedRuns) -> None:
    shutil.rmtree(processed.incoming / "run0007")
    shutil.rmtree(processed.staging("run0007"))
    site = processed.site()
    words = words_of(site.get("data-runs/run0007").text)
    assert "SUCCEEDED" in words
    assert "its segments are not on this machine" in words
    site.close()


HOSTILE = "run<script>alert(1)</script>&\"'"


def test_hostile_names_are_texts(data_runs: ProcessedRuns) -> None:
    for name in (HOSTILE.replace("/", "\u2215"), "run #1?x=%41", "run\udcff", "run\x1b[31m"):
        (data_runs.incoming / name).mkdir()
    site = data_runs.site()
    answer = site.get("data-runs")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    address = re.search(r'href="(data-runs/run%20%231[^"]*)"', answer.text)
    assert address is not None
    page = site.get(address[1])
    assert page.status_code == 200
    assert "Data run run #1?x=%41" in words_of(page.text)
    # Bytes that are no text, and those that move a cursor, stand on no page.
    assert "\x1b" not in answer.text
    site.close()


def test_figures_of_the_analysis_are_shown(processed: ProcessedRuns) -> None:
    place = processed.root / "data" / "results" / "run0007"
    place.mkdir(parents=True)
    (place / "overview.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    (place / "summary.json").write_text("{}")
    results = {"id": processed.project.collection_id("workstation", "local")}
    results["path"] = "/results/run0007/"
    (run,) = processed.services.runs.values()
    run["details"] = {"code": "FlowSucceeded", "output": {"summary": {"results": results}}}
    site = processed.site()
    try:
        page = site.get("data-runs/run0007").text
        (address,) = re.findall(r'<img src="([^"]*overview\.png[^"]*)"', page)
        assert f"In {place}." in words_of(page)
        assert "summary.json" not in page
        answer = site.get(address.removeprefix("../"))
        assert answer.headers["content-type"] == "image/png"
    finally:
        site.close()
