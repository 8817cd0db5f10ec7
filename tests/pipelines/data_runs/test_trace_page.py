"""The trace viewer: filters, pages by key, pictures and parameters of fits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.events import EventFile
from headrace.datarun.hit_index.traces import FittedTrace
from headrace.datarun.synthetic import SyntheticRun
from headrace.pipelines.data_runs.charts import LARGE, SMALL, histogram, segment_strip, trace
from tests.support.datarun.fitted_segments import plausible
from tests.support.datarun.processed_runs import ProcessedRuns, known_to, make_indexes
from tests.support.web import WebSite, words_of

TRACES = "data-runs/run0007/traces"


def keys(page: str) -> list[str]:
    return re.findall(r"hit (\d+\.\d+),", words_of(page))


def expected(processed: ProcessedRuns, channel: int) -> list[str]:
    found = []
    for segment, path in enumerate(sorted(processed.staging("run0007").glob("fitted/*.evt"))):
        with EventFile(path) as file:
            hits = file.read().hits
        found += [f"{segment}.{n}" for n in np.flatnonzero(hits["channel"] == channel)]
    return found


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]+)" rel="{rel}"', page)
    return found and "data-runs/run0007/" + found[1].replace("&amp;", "&").rpartition("/")[2]


def test_pages_go_through_all_traces_of_a_channel_and_back(
    web: WebSite, processed: ProcessedRuns
) -> None:
    make_indexes(web, TRACES)
    pages, address = [], TRACES
    while address:
        pages.append(web.get(address).text)
        address = link(pages[-1], "next") or ""
    found = [key for page in pages for key in keys(page)]
    assert found == expected(processed, 0)
    assert len(pages) > 2
    assert all(page.count('<svg class="chart"') == len(keys(page)) <= 50 for page in pages)
    before = link(pages[1], "prev")
    assert before
    assert keys(web.get(before).text) == keys(pages[0])
    assert f"1 to 50 of {len(found)} that match" in words_of(pages[0])


def test_filters_choose_pulses_and_chi_square(web: WebSite) -> None:
    make_indexes(web, TRACES)
    one = web.get(f"{TRACES}?channel=c0s02ch01&pulses=one").text
    assert "one pulse, χ²" in words_of(one)
    assert ", two pulses, χ²" not in words_of(one)
    narrow = words_of(web.get(f"{TRACES}?channel=c0s02ch01&pulses=one&low=0.9&high=1.1").text)
    values = [float(text) for text in re.findall(r"χ² ([\d.]+)", narrow)]
    assert values
    assert all(0.895 <= value <= 1.105 for value in values)
    without = words_of(web.get(f"{TRACES}?channel=c0s02ch02&pulses=none").text)
    assert ", no fit" in without
    assert "No trace matches." in words_of(web.get(f"{TRACES}?low=1e9").text)


@pytest.mark.parametrize("text", ["abc", "nan", "1e999", "--1"])
def test_limits_that_are_no_numbers_are_told(web: WebSite, text: str) -> None:
    make_indexes(web, TRACES)
    words = words_of(web.get(f"{TRACES}?low={text}").text)
    assert f"chi-square '{text}' is no number: write one such as 1.5" in words
    assert "Chi-square / sample from" in words


def test_one_trace_is_large_with_the_parameters_of_its_fits(
    web: WebSite, processed: ProcessedRuns
) -> None:
    make_indexes(web, TRACES)
    key = expected(processed, 1)[3]
    page = web.get(f"{TRACES}?channel=c0s02ch01&hit={key}").text
    words = words_of(page)
    assert f"Hit {key} Number 4 of" in words
    with EventFile(next(iter(sorted(processed.staging("run0007").glob("fitted/*.evt"))))) as file:
        single = file.read().extensions[int(key.partition(".")[2])]["single"]
    assert f"amplitude A ADC units {single['amplitude']:.6g}" in words
    assert page.count('class="fit single"') == page.count('class="fit double"') == 1
    following = link(page, "next")
    assert following
    assert f"Hit {expected(processed, 1)[4]}" in words_of(web.get(following).text)
    back = link(web.get(following).text, "prev")
    assert back
    assert f"Hit {key}" in words_of(web.get(back).text)


def test_hits_that_are_not_there_are_missing(web: WebSite) -> None:
    make_indexes(web, TRACES)
    for hit in ("0.99999", "9.1", "x", "0.1.2", "<b>"):
        answer = web.get(f"{TRACES}?channel=c0s02ch00&hit={hit}")
        assert "<b>" not in answer.text
        assert "has no hit" in words_of(answer.text)


def test_raw_traces_are_shown_while_a_run_is_taken(processed: ProcessedRuns) -> None:
    processed.take(SyntheticRun(run=8, segments=1, events=100, channels=3, samples=100))
    segment = processed.incoming / "run0008" / "run-0008-00.evt"
    content = segment.read_bytes()
    segment.write_bytes(content[: len(content) // 2 + 7])
    site = processed.site()
    make_indexes(site, "data-runs/run0008/traces")
    page = site.get("data-runs/run0008/traces").text
    assert len(keys(page)) > 10
    assert "no fit" in words_of(page)
    matching = re.findall(r"of (\d+) that match", words_of(page))
    # What is written meanwhile is added, and the traces of before are shown all the while.
    with segment.open("ab") as file:
        file.write(content[len(content) // 2 + 7 :])
    known_to(site).indexes._made_at.clear()
    assert re.findall(r"of (\d+) that match", words_of(site.get("data-runs/run0008/traces").text))
    known_to(site).indexes.wait()
    after = re.findall(r"of (\d+) that match", words_of(site.get("data-runs/run0008/traces").text))
    assert int(after[0]) > int(matching[0])
    site.close()


def test_a_segment_that_is_replaced_is_indexed_anew(
    web: WebSite, processed: ProcessedRuns, tmp_path: Path
) -> None:
    make_indexes(web, TRACES)
    fitted = processed.staging("run0007") / "fitted" / "run-0007-00-fitted.evt"
    other = tmp_path / "other.evt"
    shutil.copyfile(fitted.with_name("run-0007-01-fitted.evt"), other)
    other.replace(fitted)
    known_to(web).indexes._made_at.clear()
    assert "1 of 2 segments have been read for this page" in words_of(web.get(TRACES).text)
    known_to(web).indexes.wait()
    assert keys(web.get(TRACES).text) == expected(processed, 0)[:50]


def test_a_segment_that_cannot_be_indexed_is_told_and_the_others_are_shown(
    web: WebSite, processed: ProcessedRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.errors import HeadraceError

    indexes = known_to(web).indexes
    build = indexes._run

    def refuse(source: Path, target: Path, report: object) -> None:
        if source.name.startswith("run-0007-01"):
            raise HeadraceError(f"{source.name}: Input/output error")
        build(source, target, lambda share: None)

    monkeypatch.setattr(indexes, "_run", refuse)
    make_indexes(web, TRACES)
    page = web.get(TRACES).text
    words = words_of(page)
    assert "not all segments are shown: run-0007-01-fitted.evt: Input/output error" in words
    assert keys(page)


def test_a_page_of_long_traces_is_light() -> None:
    samples = np.random.default_rng(1).integers(0, 16_000, (1, 30_000)).astype(np.uint16)
    shown = FittedTrace(samples[0], plausible(samples)[0])
    assert len(trace(shown, SMALL, "a trace")) < 2_500
    assert len(trace(shown, LARGE, "a trace")) < 30_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e308, 1e308, 0.0])
def test_fits_that_are_no_numbers_are_drawn_without_them(value: float) -> None:
    samples = np.arange(100, dtype=np.uint16)[None]
    fit = plausible(samples)
    for name in ("position", "amplitude", "steepness", "decay", "offset"):
        fit["single"][name] = value
    picture = trace(FittedTrace(samples[0], fit[0]), LARGE, "a trace")
    assert "nan" not in picture
    assert "inf" not in picture


def test_pictures_of_nothing_are_pictures() -> None:
    assert "no samples" in trace(FittedTrace(np.zeros(0, np.uint16), None), SMALL, "empty")
    picture, rows = histogram(np.zeros(512, np.int64), np.arange(513.0), "energy")
    assert "0 entries" in picture
    assert rows == []
    assert "<rect" not in segment_strip([], "none")
    # A strip is stretched to the width of the page; the lines between segments are not.
    assert 'vector-effect="non-scaling-stroke" d="M1 0V20"' in segment_strip(["good"] * 2, "two")


def test_a_strip_of_many_segments_shows_the_worst_of_neighbours() -> None:
    kinds = ["good"] * 5_000
    kinds[2_500] = "bad"
    strip = segment_strip(kinds, "<many>")
    assert strip.count("<rect") == 3
    assert 'class="bad"' in strip
    assert "&lt;many&gt;" in strip
