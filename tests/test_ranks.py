"""Programs on several ranks end together, whoever of them fails, under a real MPI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import SOURCE

PROGRAM = """
import argparse, os, sys, time
from headrace.errors import HeadraceError
from headrace.ranks import run_on_ranks

class Failed(HeadraceError):
    exit_code = 3

def work(options, ranks):
    case = options.case
    if case == "all":
        raise Failed("the settings cannot be used")
    if case == "one" and ranks.rank == 1:
        raise Failed("rank one has a full disk")
    if case == "fault" and ranks.rank == 2:
        raise ValueError("no such thing")
    if case == "barrier":
        if ranks.rank == 2:
            raise ValueError("no such thing")
        ranks.wait_for_all()
    if case in ("one", "fault", "barrier"):
        ranks.broadcast(ranks.gather(0))  # the others wait for it
    if case == "late" and ranks.rank == 1:
        raise Failed("an event failed")
    if case == "wait":
        if ranks.rank == 0:
            time.sleep(0.3)
            open("done", "w").close()
        ranks.wait_for_all()
        return 0 if os.path.exists("done") else 1
    if case == "code":
        return 1 if ranks.rank == 2 else 0

parser = argparse.ArgumentParser()
parser.add_argument("case")
parser.add_argument("--ranks", type=int)
sys.exit(run_on_ranks("program", lambda: parser.parse_args(), work))
"""


def run(tmp_path: Path, case: str, ranks: int = 3) -> subprocess.CompletedProcess[str]:
    mpiexec = Path(sys.executable).parent / "mpiexec"
    if not mpiexec.exists():
        pytest.skip("no mpiexec beside this Python")
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    command = [str(mpiexec), "-n", str(ranks), sys.executable, str(script), case]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=240,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if line.startswith("program: ")]


@pytest.mark.mpi
def test_an_error_of_all_ranks_is_told_once(tmp_path: Path) -> None:
    done = run(tmp_path, "all")
    assert lines(done) == ["program: the settings cannot be used"]
    assert done.returncode == 3


@pytest.mark.mpi
def test_a_rank_that_fails_alone_ends_the_others_and_says_why(tmp_path: Path) -> None:
    done = run(tmp_path, "one")
    assert "program: rank 1: rank one has a full disk" in done.stderr
    assert done.returncode != 0


@pytest.mark.mpi
def test_a_fault_of_one_rank_ends_all_with_its_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, "fault")
    assert "program: rank 2: ValueError: no such thing" in done.stderr
    assert "Traceback" in done.stderr
    assert done.returncode != 0


@pytest.mark.mpi
def test_a_rank_that_fails_while_others_are_at_a_barrier_ends_all(tmp_path: Path) -> None:
    done = run(tmp_path, "barrier")
    assert "program: rank 2: ValueError: no such thing" in done.stderr
    assert done.returncode != 0


@pytest.mark.mpi
def test_an_error_for_which_nobody_waits_is_told_by_its_text(tmp_path: Path) -> None:
    done = run(tmp_path, "late")
    assert lines(done) == ["program: an event failed"]
    assert done.returncode == 3


@pytest.mark.mpi
def test_the_largest_exit_code_is_that_of_the_program(tmp_path: Path) -> None:
    assert run(tmp_path, "code").returncode == 1
    assert run(tmp_path, "nothing").returncode == 0


@pytest.mark.mpi
def test_no_rank_goes_on_before_all_have_come(tmp_path: Path) -> None:
    done = run(tmp_path, "wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "done").exists()
