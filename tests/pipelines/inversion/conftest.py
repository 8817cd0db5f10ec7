from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from tests.support.web import WebSite
from tests.support.web_inversion import WebInversion


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> WebInversion:
    """Two iterations of three, the first with its pictures; tests change copies."""
    made = WebInversion(tmp_path_factory.mktemp("made") / "rays")
    made.start()
    made.run(0, pictures=True)
    made.run(1)
    return made


@pytest.fixture
def inversion(made: WebInversion, tmp_path: Path) -> WebInversion:
    return made.copied(tmp_path / "rays")


@pytest.fixture
def web(inversion: WebInversion) -> Iterator[WebSite]:
    site = inversion.pages()
    yield site
    site.close()
