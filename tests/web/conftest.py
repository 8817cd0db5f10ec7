from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.web import WebSite


@pytest.fixture
def web_root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "headrace.toml").write_text(
        'name = "waves"\n[collections.workstation]\nroot = "data"\n'
    )
    return root


@pytest.fixture
def web(web_root: Path) -> Iterator[WebSite]:
    site = WebSite(web_root)
    yield site
    site.close()
