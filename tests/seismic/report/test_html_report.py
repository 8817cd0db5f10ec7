"""Reports: one file, escaped, accessible, and nothing in it is loaded from outside."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal import html_report
from headrace.seismic.report.html import (
    Chapter,
    Picture,
    Report,
    ReportError,
    Table,
    inversion_report,
    iteration_report,
    report_html,
    write_report,
)
from headrace.seismic.report.pictures import draw_costs

VOID = {"meta", "img", "br", "link", "input"}
LOADING = {"src", "srcset", "href", "data", "poster", "action", "background", "xlink:href"}


class Page(HTMLParser):
    """What is in a page; every tag must be closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def prove_self_contained(page: Page) -> None:
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "base", "form", "svg"}
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            if name in LOADING:
                assert value is not None
                inside = value.startswith("data:image/") if tag == "img" else value[1:] in ids
                assert inside, (tag, name, value[:60])
    (style,) = page.text("style")
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


FACTS = {
    "iteration": 3,
    "band": "long <periods>",
    "outcome": "done",
    "misfit": 4.0,
    "misfit_after": 1.0,
    "step": 0.5,
    "notes": ["the memory was dropped & started anew"],
    "trials": [{"name": "003_1", "step": 1.0, "misfit": 5.0, "predicted": -1.0}],
    "stages": {"forward": {"seconds": 12.5, "core_hours": 0.25, "computed": 8, "found": 0}},
    "core_hours": 0.25,
    "versions": {"numpy": "2.4"},
}


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    path = draw_costs(tmp_path / "costs.png", {"forward": {"seconds": 9, "core_hours": 1}})
    return Picture('Costs "of" it', 'bars: <forward> & "adjoint"', path)


def test_an_iteration(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / "new" / "003.html"
    report = iteration_report("Alps & <Apennines>", FACTS, [picture])
    assert write_report(path, report) == path
    page = Page(path.read_text(encoding="utf-8"))
    prove_self_contained(page)
    assert page.text("h1") == ["Alps & <Apennines>: iteration 3"]
    assert page.text("title") == page.text("h1")
    assert page.text("h2") == ["Result", "Pictures", "Line search", "Cost", "Software"]
    summary = page.text("p")[0]
    assert (
        summary == "Iteration 3, band long <periods>: the misfit went from 4 to 1 (-75.0 %); done."
    )
    (image,) = page.all("img")
    assert image["alt"] == picture.alternative
    kind, _, data = str(image["src"]).partition(";base64,")
    assert kind == "data:image/png"
    assert base64.b64decode(data) == picture.file.read_bytes()
    assert {"003_1", "5", "0.25", "forward", "numpy"} <= {*page.text("td"), *page.text("th")}


def test_a_whole_inversion(picture: Picture) -> None:
    history = [{"time": "2026-01-01", "what": "pause", "why": "<why>", "user": "ada"}]
    report = inversion_report(
        "Alps", [FACTS, {"iteration": 4}], [picture], FACTS["stages"], ["6 left."], history
    )
    page = Page(report_html(report))
    prove_self_contained(page)
    assert page.text("h2") == ["State", "Pictures", "Iterations", "Cost", "History"]
    assert "<why>" in page.text("td")
    empty = Page(report_html(inversion_report("Alps", [])))
    assert empty.text("h2") == []
    assert empty.text("p") == ["No iteration was finished yet."]


def test_a_page_can_be_read_by_everybody(picture: Picture) -> None:
    page = Page(report_html(iteration_report("Alps", FACTS, [picture])))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("nav")[0]["aria-label"] == "Contents"
    assert len(page.all("caption")) == len(page.all("table"))
    assert {one["scope"] for one in page.all("th")} == {"col", "row"}
    assert all(one["alt"] for one in page.all("img"))
    assert len(page.all("figcaption")) == len(page.all("figure"))
    links = [str(one["href"]) for one in page.all("a")]
    assert links[0] == "#content"
    assert len(links) == len(set(links)) == 1 + len(page.all("h2"))


@given(text=st.text(min_size=1, max_size=40).map(lambda t: t.replace("\r", "")))
def test_no_text_becomes_markup(text: str) -> None:
    evil = f'"><script src="https://example.org/x.js">{text}</script>'
    table = Table(evil, (evil, "n"), ((evil, 1.5), (evil, None)))
    page = Page(report_html(Report(evil, evil, (Chapter(evil, (evil,), (table,)),))))
    prove_self_contained(page)
    assert "".join(page.text("h1")) == evil
    assert "".join(page.text("caption")) == evil


def test_what_is_in_an_svg_stays_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    page = Page(report_html(Report("a", "b", (Chapter("c", pictures=(Picture("t", "x", path),)),))))
    prove_self_contained(page)
    assert str(page.all("img")[0]["src"]).startswith("data:image/svg+xml;base64,")


def test_what_cannot_be_reported_is_told(tmp_path: Path) -> None:
    def of(path: Path) -> Report:
        return Report("a", "b", (Chapter("c", pictures=(Picture("t", "x", path),)),))

    with pytest.raises(html_report.ReportError, match=r"nowhere\.png: cannot be read"):
        report_html(of(tmp_path / "nowhere.png"))
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ReportError, match="neither PNG nor SVG"):
        write_report(tmp_path / "r.html", of(tmp_path / "a.png"))
    assert not (tmp_path / "r.html").exists()
    with pytest.raises(html_report.ReportError, match="a row of 1 under 2 columns"):
        Table("t", ("a", "b"), (("x",),))
    with pytest.raises(ReportError, match="cannot write the report"):
        write_report(Path("/proc/r.html"), Report("a", "b", ()))
