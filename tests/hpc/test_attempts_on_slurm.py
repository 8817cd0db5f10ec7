"""Attempts on a real Slurm: a node is lost, a time limit met, a rank crashes; segments alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts import run_repeated_job
from headrace.compute.batch import BatchJobError
from headrace.compute.stages import read_stage, run_stage
from tests.support.batch_job_call import BatchJobCall
from tests.support.slurm_cluster import SlurmCluster, missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slurm
SEGMENTS = 8


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """A cluster of its own, for a node of it is lost."""
    if absent := missing():
        pytest.skip(f"no Slurm here: {', '.join(absent)}")
    with SlurmCluster(nodes=3) as cluster:
        for name, value in cluster.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HEADRACE_JOBS", "submit")
        monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        yield cluster


def attempts_of(directory: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((directory / "attempts.json").read_text())["attempts"]
    return found


def node_of(directory: Path) -> str:
    path = directory / "host.json"
    return str(json.loads(path.read_text())["nodes"]) if path.exists() else ""


@pytest.mark.timeout(300)
def test_one_of_eight_segments_loses_its_node_and_the_others_are_not_done_again(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    project, directory = tmp_path / "project", tmp_path / "run"
    scripts = project / "job_scripts"
    scripts.mkdir(parents=True)
    # The last segment's job waits in its first attempt.
    (scripts / "copy.sbatch").write_text(
        "#!/bin/bash\n"
        f'echo "$SLURM_JOB_ID" >> {tmp_path}/ran-$(basename "$1")\n'
        f"if [[ $1 == *7 && $(wc -l < {tmp_path}/ran-7) == 1 ]]; then sleep 300; fi\n"
        'cp "$1" "$2"\n'
    )
    config = scripts / "stages.toml"
    config.write_text('[copy.job]\nlauncher = "srun"\nretry_pause = "0"\n')
    (directory / "raw").mkdir(parents=True)

    def process(number: int) -> dict[str, Any]:
        source = directory / "raw" / str(number)
        source.write_text(f"segment {number}")
        settings = read_stage(config, "copy")
        result = run_stage(
            run_repeated_job,
            settings,
            project=project,
            directory=directory,
            name=f"copy-{number}",
            scripts=["copy.sbatch"],
            arguments=["{input}", "{output}"],
            placeholders={"input": source},
            inputs=[source],
            output=f"copied/{number}",
        )
        return {"redone": result.redone, "failed_attempts": result.failed_attempts}

    calls = [BatchJobCall(process, number) for number in range(SEGMENTS)]
    last = directory / "jobs" / "copy-7"
    node = wait_until(lambda: node_of(last), "the last segment's job")
    others = calls[:-1]
    wait_until(lambda: all(call.ended for call in others), "the other segments")
    cluster.lose_node(node)
    results = [call.result() for call in calls]
    assert [each["redone"] for each in results] == [True] * SEGMENTS
    assert [each["failed_attempts"] for each in results[:-1]] == [[]] * (SEGMENTS - 1)
    [failed] = results[-1]["failed_attempts"]
    assert (failed["cause"], failed["nodes"]) == ("node lost", node)
    assert failed["job_id"] == attempts_of(last)[0]["job_id"]
    assert attempts_of(last)[0]["next"] == f"without {node}"
    assert node_of(directory / "jobs" / "copy-7-2") not in ("", node)
    ran = [len((tmp_path / f"ran-{n}").read_text().split()) for n in range(SEGMENTS)]
    assert ran == [*[1] * (SEGMENTS - 1), 2]
    # The same again, as a retry of the flow's run: nothing is run.
    assert [process(number)["redone"] for number in range(SEGMENTS)] == [False] * SEGMENTS


@pytest.mark.timeout(300)
def test_a_time_limit_a_crash_and_an_error_of_the_program(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    def run(name: str, text: str, **asked: Any) -> BatchJobCall:
        script = tmp_path / f"{name}.sbatch"
        script.write_text(f"#!/bin/bash\necho x >> ran-{name}\n{text}\n")
        asked = {"retry_pause": "0", "job": name, **asked}
        return BatchJobCall(run_repeated_job, str(script), str(tmp_path / "w"), **asked)

    once = "$(wc -l < ran-{}) == 1"
    calls = {
        "late": run("late", f"[[ {once.format('late')} ]] && sleep 300; true", walltime="00:01:00"),
        "crash": run("crash", "srun bash -c 'kill -SEGV $$'"),
        "full": run(
            "full",
            f"[[ {once.format('full')} ]] || exit 0\n"
            "dd if=/dev/zero of=/dev/full bs=1 count=1 2>&1 | tee >(cat >&2); exit 1",
        ),
        "wrong": run("wrong", "python -c 'raise ValueError(1)'"),
    }
    ended = {name: call.result() for name, call in calls.items()}
    ran = {name: len((tmp_path / "w" / f"ran-{name}").read_text().split()) for name in calls}
    assert ran == {"late": 2, "crash": 2, "full": 2, "wrong": 1}
    [late] = ended["late"]["failed_attempts"]
    assert late["cause"] == "time limit"
    assert attempts_of(tmp_path / "w" / "late")[0]["walltime"] == "00:02:00"
    assert "--time=00:02:00" in (tmp_path / "w" / "late-2" / "submitted.sh").read_text()
    assert [each["cause"] for each in ended["full"]["failed_attempts"]] == ["file system"]
    assert isinstance(ended["crash"], BatchJobError)
    assert "not repeated: crashed twice alike" in str(ended["crash"])
    assert isinstance(ended["wrong"], BatchJobError)
    assert "not repeated: it would come again" in str(ended["wrong"])
