"""Each example of an extension stands in the documentation as it is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY

EXAMPLES = sorted((REPOSITORY / "tests/support/extensions").glob("[!_]*.py"))
PAGES = sorted((REPOSITORY / "docs").glob("*.md"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.stem))
def test_an_example_is_quoted_whole(example: Path) -> None:
    blocks = [
        block
        for page in PAGES
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
    ]
    assert example.read_text() in blocks


def test_the_index_names_every_group_of_entry_points() -> None:
    sources = [path.read_text() for path in (REPOSITORY / "src").rglob("*.py")]
    groups = {
        group
        for text in sources
        for group in re.findall(r'"(headrace\.[a-z_]+s)"', text)
        if re.search("entry.point", text)
    } - {"headrace.config_files"}  # headrace's own packages announce their files by it
    page = (REPOSITORY / "docs/extending.md").read_text()
    assert len(groups) >= 8
    for group in groups:
        assert f"`{group}`" in page, group
