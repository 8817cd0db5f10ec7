"""The compute function, called as an endpoint's worker calls it."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until

SOURCE = REPOSITORY / "compute_functions" / "adjoint_sources.py"
CONFIG = "job_scripts/adjoint_sources.toml"

Function = Callable[..., dict[str, Any]]


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Function:
    """The function from its own source text alone, in a directory that is nobody's."""
    spec = importlib.util.spec_from_file_location("adjoint_sources_module", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    namespace: dict[str, Any] = {}
    exec(inspect.getsource(module.adjoint_sources), namespace)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "src"))
    nowhere = tmp_path / "cwd"
    nowhere.mkdir()
    monkeypatch.chdir(nowhere)
    found: Function = namespace["adjoint_sources"]
    return found


@pytest.fixture
def staged(event: Path) -> Path:
    """The event's directory as the flow leaves it on the cluster."""
    directory = event.parent / "staged" / "quake"
    directory.mkdir(parents=True)
    event.rename(directory / "waveforms")
    return directory


def files(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_an_event(function: Function, staged: Path) -> None:
    (staged / "waveforms/obs/HR.S04.BXY.semd").unlink()
    found = function(str(REPOSITORY), str(staged), CONFIG, 1, "none")
    json.dumps(found)
    assert found["event"] == "quake"
    assert found["stations"] == 10
    assert found["windows"] >= 8
    assert found["misfit"] > 0
    assert found["problems"] == ["HR.S04 Y: there is no observed trace"]
    assert found["results"] == str(staged / "results")
    (rank,) = found["ranks"]
    assert rank.keys() == {"rank", "host", "pid", "slurm_job_id"}
    assert (staged / "job/exit_code").read_text() == "0\n"
    assert "adjoint_sources.sbatch" in (staged / "job/command").read_text()
    assert '"stage": "end"' in (staged / "job/stdout").read_text()
    before = files(staged / "results")
    (staged / "results/stale.adj").write_text("")
    again = function(
        project=str(REPOSITORY), directory=str(staged), config=CONFIG, ranks=1, figures="none"
    )
    assert files(staged / "results") == before
    assert again["misfit"] == found["misfit"]


@pytest.mark.mpi
def test_two_ranks_and_the_other_directory_names(function: Function, staged: Path) -> None:
    one = function(str(REPOSITORY), str(staged), CONFIG, 1, "none")
    (staged / "waveforms/obs").rename(staged / "waveforms/observed")
    (staged / "waveforms/syn").rename(staged / "waveforms/synthetic")
    two = function(str(REPOSITORY), str(staged), CONFIG, 2, "none")
    assert [rank["rank"] for rank in two["ranks"]] == [0, 1]
    assert two["misfit"] == one["misfit"]


def test_many_problems_stay_short(function: Function, staged: Path) -> None:
    for path in (staged / "waveforms/syn").iterdir():
        for number in range(3):
            name = path.name.replace("HR.", f"M{number}.")
            (staged / "waveforms/syn" / name).symlink_to(path)
    found = function(str(REPOSITORY), str(staged), CONFIG, 1, "none")
    assert len(found["problems"]) == 20
    assert found["problems"][-1] == "and 11 more, see misfit.csv"


def test_a_failure_is_one_line_with_the_last_words_and_the_log(
    function: Function, staged: Path
) -> None:
    config = staged / "wrong.toml"
    config.write_text("period_band = [10, 100]\ncomponents = ['Y']\n[windows]\nc9 = 1\n")
    with pytest.raises(RuntimeError) as caught:
        function(str(REPOSITORY), str(staged), str(config), 1, "none")
    message = str(caught.value)
    assert "\n" not in message
    assert "failed with code 2" in message
    assert "unknown key windows.c9" in message
    assert str(staged / "job") in message
    assert (staged / "job/exit_code").read_text() == "2\n"
    assert not (staged / "results").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project": "relative"}, "project must be an absolute path"),
        ({"directory": "/a/../b"}, "directory must be an absolute path without '..'"),
        ({"config": "../secret.toml"}, "config must be"),
        ({"ranks": 0}, "ranks must be a whole number of at least 1"),
        ({"ranks": True}, "ranks must be"),
        ({"figures": "some"}, "figures must be all, sample or none"),
        ({"project": "/nowhere"}, "no such job script"),
        ({"directory": "/nowhere"}, "no obs or observed in /nowhere/waveforms"),
    ],
)
def test_arguments_are_checked(
    function: Function, staged: Path, change: dict[str, Any], words: str
) -> None:
    arguments: dict[str, Any] = {
        "project": str(REPOSITORY),
        "directory": str(staged),
        "config": CONFIG,
        "ranks": 1,
        "figures": "none",
    }
    with pytest.raises((ValueError, RuntimeError)) as caught:
        function(**{**arguments, **change})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def processes_of(directory: Path) -> list[int]:
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if any(part.startswith(f"--output={directory}") for part in command):
            found.append(process.info["pid"])
    return found


@pytest.mark.mpi
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_worker_leaves_no_rank_behind(staged: Path, number: signal.Signals) -> None:
    for folder in ("obs", "syn"):
        for path in sorted((staged / "waveforms" / folder).iterdir()):
            for copy in range(40):
                name = path.name.replace("HR.", f"M{copy:02d}.")
                path.with_name(name).symlink_to(path)
    call = (
        f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r})\n"
        "from adjoint_sources import adjoint_sources\n"
        f"adjoint_sources({str(REPOSITORY)!r}, {str(staged)!r}, {CONFIG!r}, 2, 'none')"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", call], env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    )
    log = staged / "job" / "stdout"
    wait_until(lambda: log.exists() and "progress" in log.read_text(), "the job's progress")
    assert len(processes_of(staged)) >= 3
    worker.send_signal(number)
    assert worker.wait(timeout=120) == -number
    wait_until(lambda: not processes_of(staged), "the end of all ranks")
    assert not (staged / "results").exists()
