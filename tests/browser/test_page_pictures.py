"""Pictures of all pages stand in the documentation, without names of the maker's machine."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from headrace.project import init_project
from headrace.web.page import Page
from headrace.web.page_registry import all_pages
from tests.support.browser.pages import LIGHT, Pages
from tests.support.browser.pictures import (
    ID,
    MOST_HEIGHT,
    WIDTH,
    own_names,
    picture_name,
    picture_of,
    pictures_directory,
)
from tests.support.browser.visited_project import VisitedProject
from tests.support.browser.visited_site import served_site
from tests.support.ids import an_id
from tests.support.page_addresses import addresses
from tests.support.repository import REPOSITORY

MOST_BYTES_TOGETHER = 1_500_000
PICTURES = REPOSITORY / "docs" / "pictures"
SHOWN = re.compile(r"^!\[([^\]]*)\]\(pictures/([^)]+)\)$", re.M)

CHOSEN = {"run": 4, "run_output": 1, "flow": 1, "flow_start": 1, "member": 1}
"""Address that is pictured, of those of a page; else the first."""


def test_every_page_has_its_picture_in_the_documentation() -> None:
    shown = SHOWN.findall((REPOSITORY / "docs" / "web.md").read_text())
    names = sorted(map(picture_name, all_pages()))
    assert sorted(name for _, name in shown) == names
    assert sorted(path.name for path in PICTURES.iterdir()) == names
    texts = [text for text, _ in shown]
    assert len(set(texts)) == len(texts)
    assert min(map(len, texts)) > 20, "a text says what the picture shows"


def test_pictures_are_small() -> None:
    files = sorted(PICTURES.iterdir())
    for path in files:
        with Image.open(path) as picture:
            assert (picture.format, picture.mode, picture.width) == ("PNG", "P", WIDTH), path.name
            assert picture.height <= MOST_HEIGHT
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES_TOGETHER


def test_a_picture_has_no_name_of_this_machine(pages: Pages, tmp_path: Path) -> None:
    root = tmp_path / "inversion"
    init_project(root, ["transfer"])
    with served_site(root) as site:
        context = pages.new_context(LIGHT)
        site.log_in(context)
        page = context.new_page()
        page.goto(f"{site.url}/record")
        page.evaluate(
            "texts => document.querySelector('h1').append(...texts.map(text => ` ${text}`))",
            [an_id("one"), str(root / "data"), "127.0.0.1:40001", an_id("two"), an_id("one")],
        )
        with Image.open(io.BytesIO(picture_of(page, own_names(root)))) as picture:
            assert (picture.format, picture.mode, picture.width) == ("PNG", "P", WIDTH)
            assert len(picture.convert("RGB").getcolors() or ()) > 2
        heading = page.inner_text("h1").split()
        context.close()
    assert heading[-5:] == [
        f"{ID}{1:012d}",
        "/home/ana/inversion/data",
        "127.0.0.1:8090",
        f"{ID}{2:012d}",
        f"{ID}{1:012d}",
    ]


def test_pictures_are_made_where_they_are_asked_for(
    pages: Pages, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = pictures_directory()
    if folder is None:
        pytest.skip("`make pictures` asks for them")
    project = VisitedProject(
        tmp_path_factory.mktemp("pictures") / "inversion",
        cause="mesher: 3 elements of negative Jacobian below station XX.ABC; raise `smooth`",
        label="mesh of iteration 1",
        second_record="trace_2.mseed",
        iterations=3,
    )
    folder.mkdir(parents=True, exist_ok=True)
    try:
        names = own_names(project.root)
        with served_site(project.root) as site:
            context = pages.new_context(LIGHT)
            site.log_in(context)
            page = context.new_page()
            for each in all_pages():
                page.goto(f"{site.url}{_chosen_address(each, project)}")
                (folder / picture_name(each)).write_bytes(picture_of(page, names))
            context.close()
    finally:
        project.close()


def _chosen_address(page: Page, project: VisitedProject) -> str:
    found = addresses(page, project)
    assert found, f"page {page.name}: its libraries are not installed"
    return found[CHOSEN.get(page.name, 0)]
