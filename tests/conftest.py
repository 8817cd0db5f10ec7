"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import scheduling
from tests.support.facility.scripted_engine import Bench
from tests.support.repository import REPOSITORY

pytest_plugins = ["pytester", "tests.support.layers", "tests.support.examples"]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The directory of real input with reference results; tests that need it skip without it."""
    default = REPOSITORY.parent / "shared" / "data"
    data = Path(os.environ.get("HEADRACE_TEST_DATA", default))
    if not data.is_dir():
        pytest.skip(f"no reference data at {data} (set HEADRACE_TEST_DATA)")
    return data


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the examples of docs/extending.md, which can be imported as other packages."""
    folder = Path(__file__).parent / "support" / "extensions"
    monkeypatch.syspath_prepend(folder)
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An engine with a scripted provider."""
    bench = Bench(tmp_path / "state" / "facility.db")
    yield bench
    bench.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files where several workers share the tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: scheduling.position(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file on one worker, in the order of collection."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scheduling.scope(nodeid)

    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return Scheduling(config, log)
