"""Clean-up after a data run: through the command, a facility and the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.compute.stages.result_store import ResultStore
from headrace.endpoints.scratch_cleaner import clean_there
from headrace.facility import stop_facility
from tests.support.command_process import Command, command_in, document
from tests.support.data_run_project import DataRuns, small_run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataRuns]:
    project = DataRuns(tmp_path_factory.mktemp("runs") / "project")
    yield project
    stop_facility(project.root)


@pytest.fixture
def root(project: DataRuns) -> Path:
    return project.root


def test_scratch_goes_when_its_results_are_back(headrace: Command, project: DataRuns) -> None:
    project.write(small_run(7, segments=2))
    project.process("run0007")
    place = project.scratch("run0007")
    unsaid = headrace("gc")
    assert unsaid.returncode == 1
    assert 'keep = "30d"' in unsaid.stderr
    with (project.root / "headrace.toml").open("a") as file:
        file.write('\n[scratch]\nkeep = "30d"\n')
    [kept] = document(headrace, "gc", "--dry-run")
    assert "only a while ago" in kept["problem"]
    [shown] = document(headrace, "gc", "--dry-run", "--keep", "0s")
    assert (shown["path"], shown["problem"], shown["removed"]) == (str(place), "", False)
    assert shown["bytes"] > 0
    assert "1 would be removed: " in headrace("gc", "--dry-run", "--keep", "0s").stdout

    # The same at a target whose collection is on another machine: by a task of the endpoint.
    wanted: list[dict[str, Any]] = [{"path": str(place), "task_ids": [], "seconds": 0}]
    hpc = project.project.collection("hpc").root
    [there] = clean_there(
        *(project.project, "local", project.services, shown["endpoint_id"]),
        *(hpc, wanted, False, 120.0),
    )
    assert (there["problem"], there["files"]) == ("", shown["files"])

    unasked = headrace("gc", "--keep", "0s", stdin="n\n")
    assert "Remove 1 scratch directory with " in unasked.stderr
    assert place.exists()
    [removed] = document(headrace, "gc", "--keep", "0s", "--yes")
    assert removed["removed"]
    assert not place.exists()
    assert document(headrace, "gc", "--orphans", "--keep", "0s") == []
    results = project.root / "data" / "results" / "run0007"
    assert (results / "run-0007-summary.json").exists()
    # What is gone is made anew by the next run.
    assert project.process("run0007")["events"] == 120


def test_a_duration_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('[scratch]\nkeep = "soon"\n')
    refused = command_in(tmp_path)("gc")
    assert refused.returncode == 1
    assert "scratch.keep" in refused.stderr
    (tmp_path / "headrace.toml").write_text("")
    refused = command_in(tmp_path)("gc", "--keep", "soon")
    assert "'soon' is no duration" in refused.stderr


def test_results_that_were_not_used_for_long_are_removed(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    key = "ab" * 32
    store = ResultStore(root / "scratch" / "results")
    (tmp_path / "made").write_text("x")
    store.add(key, tmp_path / "made", {})
    (root / "headrace.toml").write_text('[results]\nkeep = "0s"\n')
    headrace = command_in(root)
    assert "[results] does not say where they are" in headrace("gc").stderr
    (root / "headrace.toml").write_text(
        '[collections.hpc]\nroot = "scratch"\n'
        '[results]\ncollection = "hpc"\npath = "/results"\nkeep = "0s"\n'
    )
    [shown] = document(headrace, "gc", "--dry-run")
    assert shown["reason"] == "1 of its results were not used for 0s"
    assert "1 would be removed: " in headrace("gc", "--dry-run").stdout
    unasked = headrace("gc", stdin="n\n")
    assert f"Remove results in {store.directory} with " in unasked.stderr
    assert store.copy_out(key, tmp_path / "copy")
    [removed] = document(headrace, "gc", "--yes")
    assert (removed["removed"], removed["path"]) == (True, str(store.directory))
    assert store.copy_out(key, tmp_path / "gone") is None
    assert document(headrace, "gc") == []
