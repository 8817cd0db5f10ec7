"""The program on several MPI ranks, by the batch script that users submit."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

pytestmark = [
    pytest.mark.mpi,
    pytest.mark.skipif(
        not (Path(sys.executable).parent / "mpiexec").exists() and not shutil.which("mpiexec"),
        reason="no mpiexec; pip install mpi4py mpich",
    ),
]


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def options(event: Path, config_file: Path, output: Path, figures: str = "sample") -> list[str]:
    return [
        f"--observed={event / 'obs'}",
        f"--synthetic={event / 'syn'}",
        f"--config={config_file}",
        f"--output={output}",
        f"--figures={figures}",
        "--event=quake",
    ]


def test_the_files_do_not_depend_on_the_number_of_ranks(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    (event / "obs/HR.S03.BXY.semd").write_text("corrupt")
    (event / "syn/HR.S08.BXY.semd").unlink()
    trees = {}
    for ranks in (1, 3, 12):
        output = tmp_path / f"results-{ranks}"
        done = run_script(ranks, *options(event, config_file, output, figures="all"))
        assert done.returncode == 0, done.stderr
        facts = [json.loads(line) for line in done.stdout.splitlines()]
        starts = [fact for fact in facts if fact["stage"] == "start"]
        assert [fact["rank"] for fact in starts] == list(range(ranks))
        assert {fact["size"] for fact in starts} == {ranks}
        assert len({fact["pid"] for fact in starts}) == ranks
        assert [fact for fact in facts if fact["stage"] == "progress"][-1]["done"] == 10
        trees[ranks] = files(output)
    assert len(trees[1]) == 10 + 8 + 3
    for ranks, tree in trees.items():
        assert tree == trees[1], f"{ranks} ranks"


def test_the_reference_event_is_the_same_on_any_number_of_ranks(
    reference_event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    trees = []
    for ranks in (1, 2, 3, 4, 9):
        output = tmp_path / f"results-{ranks}"
        arguments = options(reference_event, config_file, output, figures="none")
        assert run_script(ranks, *arguments).returncode == 0
        trees.append(files(output))
    assert len(trees[0]) == 13
    assert all(tree == trees[0] for tree in trees)


@pytest.mark.parametrize("ranks", [1, 3])
def test_bad_input_ends_all_ranks_with_one_line(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run, ranks: int
) -> None:
    config_file.write_text("period_band = 3", encoding="utf-8")
    done = run_script(ranks, *options(event, config_file, tmp_path / "results"))
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("adjoint_sources:")]
    assert len(lines) == 1
    assert f"{config_file}: line 1: key period_band must be" in lines[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_rank_that_cannot_write_ends_the_others(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    parent = tmp_path / "file"
    parent.write_text("")
    done = run_script(2, *options(event, config_file, parent / "results", figures="none"))
    assert done.returncode == 1
    assert "cannot write results there" in done.stderr


def test_no_mpiexec_is_said_in_one_line(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("bash", "dirname", "grep"):
        (bare / name).symlink_to(str(shutil.which(name)))
    (bare / "python").symlink_to(sys.executable)
    arguments = options(event, config_file, tmp_path / "results", figures="none")
    done = run_script(2, *arguments, PATH=str(bare))
    assert done.returncode == 1
    assert done.stderr.startswith("adjoint_sources: no MPI: 2 ranks need mpiexec")
    assert done.stderr.count("\n") == 1


def test_an_mpiexec_of_another_mpi_is_said_in_one_line(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    # It starts the ranks, but they do not see each other: each would do all the work.
    fake = tmp_path / "foreign"
    fake.write_text('#!/bin/bash\nexec "$@"\n')
    fake.chmod(0o755)
    arguments = options(event, config_file, tmp_path / "results", figures="none")
    done = run_script(2, *arguments, HEADRACE_LAUNCHER=str(fake))
    assert done.returncode == 1
    assert done.stderr.startswith("adjoint_sources: no MPI: 2 ranks were asked for, MPI sees 1")
    assert done.stderr.count("\n") == 1


def test_ranks_of_a_surrounding_launcher_do_not_count(
    event: Path, config_file: Path, tmp_path: Path, run_script: Run
) -> None:
    # As in a worker that srun or mpiexec started.
    inherited = {
        "PMI_RANK": "1",
        "PMI_SIZE": "2",
        "PMI_FD": "99",
        "PMIX_RANK": "1",
        "OMPI_COMM_WORLD_RANK": "1",
        "SLURM_PROCID": "1",
        "SLURM_STEP_NUM_TASKS": "2",
    }
    for ranks in (1, 2):
        output = tmp_path / f"results-{ranks}"
        arguments = options(event, config_file, output, figures="none")
        done = run_script(ranks, *arguments, **inherited)
        assert done.returncode == 0, done.stderr
        assert (output / "summary.json").exists()


def test_a_wrong_number_of_ranks_is_refused(run_script: Run) -> None:
    done = run_script(0)
    assert done.returncode == 1
    assert "it must be at least 1" in done.stderr
    assert os.linesep not in done.stderr.strip()
