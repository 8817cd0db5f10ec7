"""The program of the fits, alone and on MPI ranks by the batch script that users submit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.datarun.events import EventFile

mpi = [
    pytest.mark.mpi,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "mpiexec").exists() and not shutil.which("mpiexec"),
        reason="no mpiexec; pip install mpi4py mpich",
    ),
]


def run(*command: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [str(word) for word in command],
        env=environment | changes,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("settings") / "channels.txt"
    path.write_text("\n".join(f"0 2 {c} 100 0 99 16383 none none" for c in range(6)))
    return path


@pytest.fixture(scope="module")
def alone(
    repository: Path, segment: Path, channels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the program makes of the segment when it runs alone, where there is no mpi4py."""
    place = tmp_path_factory.mktemp("alone")
    (place / "mpi4py.py").write_text("raise ImportError('no mpi4py here')\n")
    target = place / "out.evt"
    script = repository / "job_scripts" / "data_run_fit_traces.py"
    done = run(
        sys.executable, script, segment, target, "--channels", channels, PYTHONPATH=str(place)
    )
    assert done.returncode == 0, done.stderr
    start, end = (json.loads(line) for line in done.stdout.splitlines())
    assert (start["stage"], start["rank"], start["size"]) == ("start", 0, 1)
    assert (end["stage"], end["target"]) == ("done", str(target))
    assert end["hits"] == len(EventFile(segment).read().hits) > end["fitted"] > 0
    return target


@pytest.mark.parametrize("ranks", [pytest.param(2, marks=mpi), pytest.param(5, marks=mpi)])
def test_mpi_ranks_write_the_same_bytes(
    repository: Path, segment: Path, channels: Path, alone: Path, tmp_path: Path, ranks: int
) -> None:
    target, progress = tmp_path / "out.evt", tmp_path / "progress.json"
    script = repository / "job_scripts" / "data_run_fit_traces.sbatch"
    options = ["--channels", channels, "--progress", progress, "--staging", tmp_path / "scratch"]
    done = run("bash", script, segment, target, *options, HEADRACE_RANKS=str(ranks))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == alone.read_bytes()
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [fact["rank"] for fact in facts[:-1]] == list(range(ranks))
    assert (facts[-1]["ranks"], facts[-1]["nodes"]) == (ranks, 1)
    told = json.loads(progress.read_text())
    assert told["done"] == told["hits"] == facts[-1]["hits"]


@pytest.mark.parametrize("ranks", [pytest.param(3, marks=mpi)])
def test_an_error_is_told_once_and_ends_all_ranks(
    repository: Path, segment: Path, channels: Path, tmp_path: Path, ranks: int
) -> None:
    source, target = tmp_path / "cut.evt", tmp_path / "out.evt"
    source.write_bytes(segment.read_bytes()[:-5])
    script = repository / "job_scripts" / "data_run_fit_traces.sbatch"
    done = run("bash", script, source, target, "--channels", channels, HEADRACE_RANKS=str(ranks))
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("data_run_fit_traces:")]
    assert len(lines) == 1
    assert "the file ends inside this ring item" in lines[0]
    assert "Traceback" not in done.stderr
    assert not target.exists()


def test_wrong_usage_is_one_line(repository: Path) -> None:
    script = repository / "job_scripts" / "data_run_fit_traces.py"
    for arguments in (["in.evt"], ["in.evt", "out.evt", "--channels", "c", "--engine", "magic"]):
        done = run(sys.executable, script, *arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("data_run_fit_traces: ")
        assert done.stderr.count("\n") == 1


def test_a_script_away_from_its_folder_says_where_it_must_be(
    repository: Path, tmp_path: Path
) -> None:
    copy = shutil.copy(
        repository / "job_scripts" / "data_run_fit_traces.sbatch", tmp_path / "slurm_script"
    )
    done = run("bash", copy, SLURM_SUBMIT_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == (
        "data_run_fit_traces: launch_ranks.sh not found; submit from the project directory\n"
    )
