"""Help: every page of the documentation, offline, with anchors that are there, and a search."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from headrace.web.views.help_pages import (
    HelpPage,
    anchor_of,
    help_directory,
    help_pages,
    render_help,
    search_help,
)
from tests.support.repository import REPOSITORY
from tests.support.web import WebSite, words_of

NAMES = sorted(path.stem for path in (REPOSITORY / "docs").glob("*.md"))


def rendered(source: str) -> str:
    page = HelpPage("page", "Page", "", source, ())
    return str(render_help(page, lambda name, anchor: f"{name}#{anchor}" if anchor else name))


def test_the_sources_have_the_documentation_beside_them() -> None:
    assert help_directory() == REPOSITORY / "docs"
    assert list(help_pages()) == NAMES


def test_every_page_has_the_anchors_that_pages_lead_to(web: WebSite) -> None:
    html = {name: web.get(f"help/{name}").text for name in NAMES}
    ids = {name: set(re.findall(r' id="([^"]+)"', text)) for name, text in html.items()}
    wrong = []
    for name, text in html.items():
        assert text.count("<h1") == 1
        assert len(text.encode()) < 300_000, name
        content = text[text.index('<article class="help">') :]
        for href in re.findall(r'href="([^"]+)"', content):
            if href.startswith(("http://", "https://")):
                continue
            page, _, anchor = href.partition("#")
            target = page.removeprefix("../help/") or name
            if target not in html or (anchor and unquote(anchor) not in ids[target]):
                wrong.append(f"{name}: {href}")
    assert not wrong


def test_pictures_alone_in_a_paragraph_are_left_out() -> None:
    html = rendered(
        "# T\n\nA\n\n![b c](pictures/d.png)\n![e](f.png)\n\nG ![h](i.png)\n\n* ![j](k.png)\n"
    )
    assert re.findall(r"<p>(.*?)</p>", html) == [
        "A",
        'G <span class="quiet">(picture: h)</span>',
    ]
    assert "(picture: b" not in html
    assert "(picture: j" not in html
    shown = re.findall(r"!\[([^\]]+)\]", help_pages()["web"].source)
    assert shown
    assert not [
        text for text in shown if text in "".join(s.text for s in help_pages()["web"].sections)
    ]


def test_html_in_the_text_and_dangerous_links_are_text() -> None:
    html = rendered(
        "# T\n\n<script>alert(1)</script> <b onclick=x>\n\n[a](javascript:alert(1)) "
        "[b](data:text/html,x) ![p](https://example.org/x.png) [c](../flows/x.json) "
        "[d](cli.md#top) [e](https://example.org/) [f](#here)\n\n```\n</code><script>\n```\n"
    )
    assert "<script" not in html
    assert "<b " not in html
    assert "javascript:" not in html.replace("[a](javascript:alert(1))", "")
    assert "<img" not in html
    assert re.findall(r'href="([^"]+)"', html) == ["cli#top", "https://example.org/", "#here"]


def test_headings_of_one_name_have_anchors_of_their_own() -> None:
    html = rendered("# T\n\n## A `b` c, d\n\n## A b c d\n")
    assert re.findall(r'<h2 id="([^"]+)"', html) == ["a-b-c-d", "a-b-c-d-1"]
    assert anchor_of("Who may what?") == "who-may-what"


@pytest.mark.parametrize("words", ["headrace campaign list", "SLURM queue"])
def test_sections_with_all_words_are_found(web: WebSite, words: str) -> None:
    assert search_help(words)
    for section, _ in search_help(words):
        page = help_pages()[section.page]
        said = f"{page.title} {section.title} {section.text}".lower()
        assert all(word in said for word in words.lower().split())
    shown = web.get(f"help?q={words.replace(' ', '+')}").text
    assert "Found" in words_of(shown)
    (first, _) = search_help(words)[0]
    assert f'href="help/{first.page}' in shown


def test_a_search_without_result_says_so_and_its_words_are_text(web: WebSite) -> None:
    shown = web.get("help?q=%3Cscript%3Ealert").text
    assert "No section has all of these words" in words_of(shown)
    assert "<script>alert" not in shown
    assert search_help("") == []


def test_the_index_says_what_a_page_is_about_and_where_to_begin(web: WebSite) -> None:
    words = words_of(web.get("help").text)
    assert "Begin with Pages in a browser , " in words
    assert not any(page.summary.startswith("console") for page in help_pages().values())


def test_a_page_that_is_not_there_is_told(web: WebSite) -> None:
    for address in ("help/nothing", "help/..%2f..%2fetc"):
        assert web.get(address).status_code == 404
