"""Fixtures that every room's tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
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


def pytest_sessionstart() -> None:
    """Look for no garbage during the collection: all that it makes is kept."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not among what was collected."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let each worker begin elsewhere: what one has rewritten, the others find on the disk."""
    report = yield
    worker = getattr(collector.config, "workerinput", None)
    if worker is not None and isinstance(collector, pytest.Directory) and report.passed:
        number = int(worker["workerid"].removeprefix("gw"))
        report.result = scheduling.rotated(report.result, number, worker["workercount"])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files where several workers share the tests, all in one order."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: scheduling.order(item.nodeid))


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
