"""Pages of data runs: indexes are made in the test's own process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.datarun.hit_index.build import build_index
from headrace.datarun.synthetic import SyntheticRun
from headrace.pipelines.data_runs import indexes
from tests.support.datarun.processed_runs import ProcessedRuns
from tests.support.web import WebSite


def build_here(source: Path, target: Path, report: Callable[[float], None]) -> None:
    build_index(source, target, lambda done, size: report(done / size))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "run_index_program", build_here)


@pytest.fixture
def data_runs(tmp_path: Path) -> ProcessedRuns:
    return ProcessedRuns(tmp_path / "project")


@pytest.fixture
def processed(data_runs: ProcessedRuns) -> ProcessedRuns:
    """A run of two segments that was processed."""
    name = data_runs.take(
        SyntheticRun(run=7, segments=2, events=120, channels=3, samples=100, seed=7)
    )
    data_runs.process(name)
    return data_runs


@pytest.fixture
def web(processed: ProcessedRuns) -> Iterator[WebSite]:
    site = processed.site()
    yield site
    site.close()
