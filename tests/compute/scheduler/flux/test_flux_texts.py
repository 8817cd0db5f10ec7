"""What headrace writes for Flux, and what it reads of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.compute.scheduler import (
    BatchJobError,
    DirectiveLine,
    JobRequest,
    JobState,
    read_directive_lines,
    walltime_seconds,
)
from headrace.compute.scheduler.errors import SchedulerError
from headrace.compute.scheduler.flux.client import Flux
from headrace.compute.scheduler.flux.parsing import parse_jobs, plain_id
from headrace.compute.scheduler.flux.script import parse_directives, script_parts


def test_resources_become_directives() -> None:
    request = JobRequest(
        name="relax", nodes=2, ntasks=4, cpus_per_task=3, gpus=4, walltime="00:10:00",
        account="m1", partition="debug", constraint="amd", options=["--setattr=a=b c"],
    )  # fmt: skip
    parts = script_parts(request)
    assert parts.header == [
        "#flux: --job-name=relax",
        "#flux: --nodes=2",
        "#flux: --nslots=4",
        "#flux: --cores-per-slot=3",
        "#flux: --gpus-per-slot=1",
        "#flux: --time-limit=600s",
        "#flux: --bank=m1",
        "#flux: --queue=debug",
        "#flux: --requires=amd",
        '#flux: "--setattr=a=b c"',
    ]
    assert parts.launch_command == (
        "flux run --nodes=2 --ntasks=4 --cores-per-task=3 --gpus-per-task=1"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"memory": "64G"}, "memory = '64G': Flux has none"),
        ({"qos": "debug"}, "qos = 'debug': Flux has none"),
        ({"gres": "gpu:1"}, "gres = 'gpu:1': Flux has none"),
        ({"gpus": 3, "ntasks": 2}, "the same number"),
        ({"launcher": "srun"}, "must be flux or mpiexec"),
        ({"options": ["--output=x"]}, "headrace sets that itself"),
        ({"options": ["-N2"]}, "write it as --option=value"),
    ],
)
def test_what_it_cannot_do_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BatchJobError, match=words):
        script_parts(JobRequest(**settings))


def test_directives_are_read(tmp_path: Any) -> None:
    script = tmp_path / "work.sh"
    script.write_text(
        "#!/bin/bash\n#flux: -N2 -n 4 --cores-per-slot=3 -g1\n"
        "# flux: -t 90m --output=log -x\ntrue\n"
    )
    found = parse_directives(read_directive_lines(script, Flux.directive_prefix))
    assert found.settings == {
        "nodes": 2, "ntasks": 4, "cpus_per_task": 3, "gpus": 4, "walltime": "1:30:00",
    }  # fmt: skip
    assert (found.options, found.replaced) == (("--exclusive",), ("--output=log",))
    for text in (" --wrap", " -n many", " -t soon", " -Z"):
        with pytest.raises(BatchJobError, match=r"^a\.sh:2: "):
            parse_directives([DirectiveLine("a.sh:2", text)])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1.5h", 5400), ("2", 120), ("1d", 86_400), ("00:05:00", 300)],
)
def test_durations_are_those_of_flux(text: str, seconds: float) -> None:
    found = parse_directives([DirectiveLine("a.sh:2", f" -t{text}")])
    assert walltime_seconds(found.settings["walltime"]) == seconds


# As flux-core 0.88 prints it.
ROW = {
    "t_depend": 1795901876.96, "duration": 60.0, "name": "relax headrace:t:abcdef012345",
    "cwd": "/", "ntasks": 1, "nnodes": 1, "ranks": "0", "nodelist": "n[1-2]", "success": False,
    "result": "FAILED", "waitstatus": 768, "id": 29762781184, "state": "INACTIVE", "urgency": 16,
    "status": "FAILED", "returncode": 3, "jobid": "\u0192nM32vj", "exception": {"occurred": False},
}  # fmt: skip


def test_a_job_is_read() -> None:
    (job,) = parse_jobs(json.dumps(ROW))
    assert (job.job_id, job.state, job.exit_code) == ("fnM32vj", JobState.FAILED, 3)
    assert (job.name, job.tag, job.nodes) == ("relax", "headrace:t:abcdef012345", "n[1-2]")
    assert plain_id(0) == "f1"


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"state": "SCHED"}, JobState.PENDING),
        ({"state": "RUN"}, JobState.RUNNING),
        ({"state": "CLEANUP"}, JobState.COMPLETING),
        ({"state": "NEW"}, JobState.UNKNOWN),
        ({"result": "COMPLETED", "returncode": 0}, JobState.COMPLETED),
        ({"result": "CANCELED"}, JobState.CANCELLED),
        ({"result": "TIMEOUT"}, JobState.TIMEOUT),
        ({"result": "OTHER"}, JobState.UNKNOWN),
        (
            {"exception": {"occurred": True, "severity": 0, "type": "exec",
                           "note": "node failure on vm (rank 1)"}},
            JobState.NODE_FAIL,
        ),
        (
            {"exception": {"occurred": True, "severity": 0, "type": "alloc",
                           "note": "unsatisfiable request"}},
            JobState.FAILED,
        ),
    ],
)  # fmt: skip
def test_states_are_read(changed: dict[str, Any], state: JobState) -> None:
    (job,) = parse_jobs(json.dumps({"jobs": [{**ROW, **changed}]}))
    assert job.state is state
    assert (job.exit_code is None) == (not state.final)
    note = changed.get("exception", {}).get("note", "")
    assert job.reason == (f"{changed['exception']['type']}: {note}" if note else "")


def test_a_held_job_needs_somebody() -> None:
    (job,) = parse_jobs(json.dumps({**ROW, "state": "SCHED", "urgency": 0}))
    assert job.needs_attention
    assert job.number in Flux().release_advice(job)


@pytest.mark.parametrize("text", ["", "[]", '{"jobs": 3}', '{"jobs": [3]}', '{"id": "x"}'])
def test_what_has_another_form_is_no_answer(text: str) -> None:
    with pytest.raises(SchedulerError):
        parse_jobs(text)
