"""Event files for the tests of the datarun room: the reference file, and synthetic ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.datarun.synthetic import SyntheticRun, write_run


@pytest.fixture(scope="session")
def reference_run(reference_data: Path) -> Path:
    """A real event file of NSCLDAQ 11 whose events hold no digitiser's hits."""
    path = reference_data / "events" / "run-0000-00.evt"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="session")
def segments(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Two segments of a synthetic run; not to be changed."""
    run = SyntheticRun(run=7, segments=2, events=120, samples=100, pile_up=0.2, seed=3)
    return write_run(tmp_path_factory.mktemp("raw"), run)


@pytest.fixture(scope="session")
def segment(segments: tuple[Path, ...]) -> Path:
    """The first of them."""
    return segments[0]
