"""A segment whose files failed it is fitted again, alone, and the run's summary names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.cli import headrace
from headrace.facility import stop_facility
from tests.support.data_run_project import DataRuns, small_run

# Each fit is counted; the first of segment 1 has no space.
SCRIPT = (
    "echo x >> {directory}/fits-{segment}; "
    "[ {segment} = 0 ] || [ $(wc -l < {directory}/fits-{segment}) -ge 2 ] || "
    "{{ echo No space left on device >&2; exit 1; }}; cp {input} {output}"
)
FIT = f"""
[fit]
command = "sh -c '{SCRIPT}'"

[fit.job]
retry_pause = "0"
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[DataRuns]:
    project = DataRuns(tmp_path / "project", config=FIT)
    yield project
    stop_facility(project.root)


def test_one_segment_is_fitted_again_and_named(project: DataRuns) -> None:
    project.write(small_run(7, segments=2))
    summary = project.process("run0007")
    [repeated] = summary["repeated"]
    assert (repeated["stage"], repeated["segment"]) == ("fit", "run-0007-01.evt")
    assert [each["cause"] for each in repeated["failed_attempts"]] == ["file system"]
    scratch = project.scratch("run0007")
    assert [len((scratch / f"fits-{n}").read_text().split()) for n in (0, 1)] == [1, 2]
    record = json.loads((scratch / "jobs" / "fit-01" / "attempts.json").read_text())
    assert [each["next"] for each in record["attempts"] if each.get("next")] == ["the same again"]
    shown = CliRunner().invoke(
        headrace, ["run", "show", "last", "-F", "json", "--project", str(project.root)]
    )
    assert shown.exit_code == 0, shown.output
    states = {each["state"]: each for each in json.loads(shown.output)["states"]}
    assert [job["cause"] for job in states["FitSegments"]["jobs"]] == ["file system"]
    assert states["NoteFits"]["jobs"] == []
    same = project.process("run0007")
    assert same["repeated"] == []
