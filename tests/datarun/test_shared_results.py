"""Where results are shared, a data run whose directory is gone is not fitted again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.facility import stop_facility
from tests.support.data_run_project import DataRuns, small_run, tree

REUSE = """
[fit]
reuse = "../results"

[convert]
reuse = "../results"
{more}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[DataRuns]:
    project = DataRuns(tmp_path / "project", config=REUSE.format(more=""))
    yield project
    stop_facility(project.root)


def test_equal_segments_are_fitted_and_converted_once(project: DataRuns) -> None:
    project.write(small_run(7, segments=1))
    summary = project.process("run0007")
    scratch = project.scratch("run0007")
    first = {name: tree(scratch / name) for name in ("fitted", "converted")}
    shutil.rmtree(scratch)
    again = project.process("run0007")
    for name, files in first.items():
        outputs = {
            path: data for path, data in tree(scratch / name).items() if ".done." not in path
        }
        assert outputs == {path: data for path, data in files.items() if ".done." not in path}
        [manifest] = (scratch / name).glob("*.done.json")
        assert json.loads(manifest.read_text())["reused_from"]
    assert [path.name for path in (scratch / "jobs").iterdir()] == ["analyze"]
    assert {name: again[name] for name in ("events", "hits", "fitted")} == {
        name: summary[name] for name in ("events", "hits", "fitted")
    }
    # Another setting of the conversion leaves the fit as it is.
    shutil.rmtree(scratch)
    project.configure(REUSE.format(more='arguments = ["--traces"]'))
    project.process("run0007")
    assert sorted(path.name for path in (scratch / "jobs").iterdir()) == ["analyze", "convert-00"]
