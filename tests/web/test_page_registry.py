"""Packages bring pages by the entry points `headrace.web_pages`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.web.page_registry import all_pages
from tests.support.repository import REPOSITORY
from tests.support.web import WebSite, words_of

Announce = Callable[[str], None]


@pytest.fixture
def announce(tmp_path: Path, extensions: Path, monkeypatch: pytest.MonkeyPatch) -> Announce:
    """Announces entry points as an installed package does."""

    def write(lines: str) -> None:
        metadata = tmp_path / "site" / "tides-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tides\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[headrace.web_pages]\n{lines}\n")
        monkeypatch.syspath_prepend(metadata.parent)

    return write


def test_a_page_of_another_package_is_shown_and_steers(announce: Announce, web_root: Path) -> None:
    announce("tides = tide_page:PAGE")
    web = WebSite(web_root)
    page = web.get("tides")
    assert page.status_code == 200
    assert '<a href="tides" aria-current="page">Tides</a>' in page.text
    assert "7.1 m at Brest." in words_of(page.text)
    done = web.follow("tides", web.send_form("tides", "set_place"))
    assert "Done: tides are those of Cuxhaven from now on" in words_of(done.text)
    assert "3.4 m at Cuxhaven." in words_of(web.get("tides?part=height").text)
    web.close()


def test_its_actions_are_for_those_who_may_steer(announce: Announce, web_root: Path) -> None:
    announce("tides = tide_page:PAGE")
    web = WebSite(web_root, role="look")
    assert "<form" not in web.get("tides?part=height").text
    assert web.request("POST", "tides/do/set_place", form={"place": "Brest"}).status_code == 403
    web.close()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("package_that_is_not_there:PAGE", "No module named 'package_that_is_not_there'"),
        ("tide_page:HEIGHTS", "it is not a Page, nor a sequence of them"),
        ("headrace.web.pages.record:PAGE", "there is a page record already, at /record"),
    ],
)
def test_one_that_cannot_be_used_says_why_and_disturbs_no_other(
    announce: Announce, web_root: Path, value: str, reason: str
) -> None:
    announce(f"other = {value}\ntides = tide_page:PAGE")
    web = WebSite(web_root)
    (page,) = [page for page in all_pages() if page.path.startswith("/unusable/")]
    assert "other (not usable)" in words_of(web.get("record").text)
    answer = web.get(page.path)
    assert answer.status_code == 503
    assert f"{value} of the package tides cannot be used: " in words_of(answer.text)
    assert reason in words_of(answer.text)
    assert web.get("tides").status_code == 200
    web.close()


def test_the_documentation_has_the_templates_of_the_example() -> None:
    page = (REPOSITORY / "docs/extending.md").read_text()
    for template in (REPOSITORY / "tests/support/extensions/templates").glob("*.html"):
        assert f"```jinja\n{template.read_text()}```" in page
