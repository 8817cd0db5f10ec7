"""Job scripts: their directives count, and their text is run as it was meant."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.batch.errors import BatchJobError
from headrace.compute.batch.run import run_batch_job
from headrace.compute.batch.script import job_text
from headrace.compute.batch.settings import JobSettings, read_settings
from headrace.compute.scheduler import read_directive_lines
from headrace.compute.scheduler.slurm import Slurm


def write(tmp_path: Path, text: str, first: str = "#!/bin/bash") -> Path:
    script = tmp_path / "relax.sbatch"
    script.write_text(f"{first}\n{text}\n")
    return script


def _settings(script: str, settings: dict[str, Any]) -> JobSettings:
    return read_settings(Slurm(), script, settings)


SCRIPT = """
# Molecular dynamics, one leg
#SBATCH -J relax -N 2
#SBATCH --ntasks-per-node 8   # cores of a socket
#SBATCH --time=2-12
#SBATCH -p "standard" --exclusive --mail-user=ana@example.org
#SBATCH -o out/%x-%j.log
#SBATCH --gres=gpu:a100:2
#SBATCH --requeue --export=ALL

module load gromacs
#SBATCH --qos=late
"""


def test_what_a_script_asks_for(tmp_path: Path) -> None:
    read = Slurm().parse_directives(read_directive_lines(write(tmp_path, SCRIPT), "#SBATCH"))
    assert dict(read.settings) == {
        **{"name": "relax", "nodes": 2, "ntasks": 16, "walltime": "2-12"},
        **{"partition": "standard", "gres": "gpu:a100:2", "requeue": True},
    }
    assert read.options == ("--ntasks-per-node=8", "--exclusive", "--mail-user=ana@example.org")
    assert read.replaced == ("--output=out/%x-%j.log",)


def test_the_call_comes_before_the_script(tmp_path: Path) -> None:
    script = write(tmp_path, SCRIPT)
    settings = _settings(str(script), {"walltime": "00:10:00", "options": ["--gres=gpu:1"]})
    assert (settings.walltime, settings.nodes, settings.ntasks) == ("00:10:00", 2, 16)
    assert list(settings.options)[-1] == "--gres=gpu:1"
    assert Slurm().script_parts(settings).launch_command == "srun --nodes=2 --ntasks=16"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--array=0-3", "run_batch_array makes arrays"),
        ("-a 0-3", "run_batch_array makes arrays"),
        ("--comment=mine", "leave it out; the comment"),
        ("--wait", "leave it out; the call waits"),
        ("-D /scratch", "the call says where it runs"),
        ("--export=NONE", "environment={...}"),
        ("hetjob", "a job of several parts"),
        ("--time='1:00", "No closing quotation"),
        ("walltime=3", "'walltime=3' is no option of sbatch"),
        ("--time=soon", "write it as HH:MM:SS"),
    ],
)
def test_what_contradicts_the_call_is_refused_in_one_line(
    tmp_path: Path, line: str, words: str
) -> None:
    script = write(tmp_path, f"#SBATCH {line}")
    with pytest.raises(BatchJobError, match=words) as caught:
        run_batch_job(str(script), str(tmp_path / "w"), how="here")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "text", "shown"),
    [
        ("#!/usr/bin/env python3", "print('python', 6 * 7)", "python 42"),
        ("#!/bin/sh", "echo shell $((6 * 7))", "shell 42"),
        ("#!/bin/bash -e", "false; echo reached", ""),
        ("#!/usr/bin/env -S bash -u", 'echo "${unset:-none}"', "none"),
        ("echo first", "echo second", "first\nsecond"),
    ],
)
def test_the_first_line_says_what_runs_a_script(
    tmp_path: Path, first: str, text: str, shown: str
) -> None:
    script = write(tmp_path, text, first)
    ended = "finished" if shown else "failed with code 1"
    try:
        done = run_batch_job(str(script), str(tmp_path / "w"), how="here")["description"]
    except BatchJobError as error:
        done = str(error)
    assert ended in done
    assert (tmp_path / "w/job/stdout").read_text().strip() == shown


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="not on this system")
def test_the_end_of_a_script_is_told_by_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_again(process: object, timeout: float) -> None:
        raise AssertionError(f"asked again and again for {timeout} s, with pauses")

    monkeypatch.setattr(subprocess.Popen, "wait", ask_again)
    script = write(tmp_path, "sleep 0.3; echo ended")
    assert run_batch_job(str(script), str(tmp_path / "w"), how="here")["exit_code"] == 0
    assert (tmp_path / "w/job/stdout").read_text() == "ended\n"


def test_dos_line_ends_are_named(tmp_path: Path) -> None:
    script = tmp_path / "dos.sbatch"
    script.write_bytes(b"#!/bin/bash\r\necho x\r\n")
    with pytest.raises(BatchJobError, match="has DOS line ends"):
        run_batch_job(str(script), str(tmp_path / "w"), how="here")


def test_a_signal_that_the_script_asked_for_reaches_it(tmp_path: Path) -> None:
    """The batch shell gets it, which is the script around the user's."""
    script = write(
        tmp_path,
        "#SBATCH --signal=B:USR1@60\ntrap 'echo saved; exit 7' USR1\n"
        "kill -USR1 $PPID\nfor n in $(seq 100); do sleep 0.1; done",
    )
    settings = _settings(str(script), {})
    directory = tmp_path / "w" / "job"
    directory.mkdir(parents=True)
    tag = "headrace:task:0123456789ab"
    (directory / "submission.json").write_text(f'{{"tag": "{tag}"}}')
    text = job_text(Slurm(), settings, directory, tmp_path / "w", script, tag)
    environment = {"SLURM_JOB_ID": "7", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", text], env=environment, check=False)
    assert done.returncode == 7
    assert (directory / "stdout").read_text() == "saved\n"
    assert (directory / "exit_codes" / "7.0").read_text() == "7\n"


def test_of_two_jobs_of_one_submission_one_runs(tmp_path: Path) -> None:
    script = write(tmp_path, "echo run >> runs")
    directory = tmp_path / "w" / "job"
    directory.mkdir(parents=True)
    tag = "headrace:task:0123456789ab"
    (directory / "submission.json").write_text(f'{{"tag": "{tag}"}}')
    text = job_text(Slurm(), _settings(str(script), {}), directory, tmp_path / "w", script, tag)
    codes = [
        subprocess.run(
            ["bash", "-c", text], env={"SLURM_JOB_ID": job, "PATH": "/usr/bin:/bin"}, check=False
        ).returncode
        for job in ("7", "8", "7")
    ]
    # The first one again, as Slurm runs a job again after its node was lost.
    assert codes == [0, 126, 0]
    assert (tmp_path / "w" / "runs").read_text() == "run\nrun\n"
    assert (directory / "owner").read_text() == "7\n"
    assert [path.name for path in (directory / "exit_codes").iterdir()] == ["7.0"]
