"""Arrays whose members alone are repeated, on a real Slurm."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts import run_repeated_array
from headrace.compute.packs import run_pack
from tests.support.batch_job_call import BatchJobCall
from tests.support.slurm_cluster import SlurmCluster, missing
from tests.support.sweep_project import member
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(300)]


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


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "member.sbatch"
        path.write_text(f"#!/bin/bash\n{text}\n")
        return str(path)

    return write


def node_of(path: Path) -> str:
    return str(json.loads(path.read_text())["nodes"]) if path.exists() else ""


def test_a_member_that_loses_its_node_is_repeated_alone(
    cluster: SlurmCluster, script: Callable[[str], str], tmp_path: Path
) -> None:
    text = (
        f"echo run >> {tmp_path}/ran-$1\n"
        f"[[ $1 == 2 ]] && {{ echo 'the mesh is bad' >&2; exit 3; }}\n"
        f"[[ $1 == 5 && $(wc -l < {tmp_path}/ran-5) == 1 ]] && sleep 300\n"
        "true"
    )
    call = BatchJobCall(
        run_repeated_array,
        script(text),
        str(tmp_path / "w"),
        [[str(number)] for number in range(6)],
        retry_pause="0",
        task_id="t",
    )
    record = tmp_path / "w" / "job" / "members" / "5.json"
    node = wait_until(lambda: node_of(record), "the last member")
    codes = tmp_path / "w" / "job" / "exit_codes"
    wait_until(lambda: len([*codes.glob("[0-4]")]) == 5, "the other members")
    cluster.lose_node(node)
    done = call.result()
    assert done["failed"] == [2]
    last, bad = done["members"][5], done["members"][2]
    assert [each["cause"] for each in last["failed_attempts"]] == ["node lost"]
    assert last["failed_attempts"][0]["nodes"] == node != last["nodes"]
    assert (bad["status"], bad["exit_code"], bad["cause"]) == ("failed", 3, "error of the program")
    assert Path(bad["stderr"]).read_text() == "the mesh is bad\n"
    assert last["core_hours"] is not None
    ran = [len((tmp_path / f"ran-{number}").read_text().split()) for number in range(6)]
    assert ran == [1, 1, 1, 1, 1, 2]
    # The same again, as a task that is repeated after a crash: nothing is run.
    words = (script(text), str(tmp_path / "w"), [[str(number)] for number in range(6)])
    again = run_repeated_array(*words, retry_pause="0", task_id="t")
    assert again["failed"] == [2]
    assert [one["status"] for one in again["members"]] == [one["status"] for one in done["members"]]
    assert len((tmp_path / "ran-5").read_text().split()) == 2


@pytest.mark.slow
def test_more_time_for_the_member_whose_time_was_over(
    cluster: SlurmCluster, script: Callable[[str], str], tmp_path: Path
) -> None:
    text = (
        f"echo run >> {tmp_path}/ran-$1\n"
        f"[[ $1 == 1 && $(wc -l < {tmp_path}/ran-1) == 1 ]] && sleep 300\n"
        "true"
    )
    words: dict[str, Any] = {"retry_pause": "0", "walltime": "00:01:00", "attempts": 2}
    done = run_repeated_array(script(text), str(tmp_path / "w"), [["0"], ["1"]], **words)
    assert done["failed"] == []
    assert [each["cause"] for each in done["members"][1]["failed_attempts"]] == ["time limit"]
    [second] = (tmp_path / "w" / "job-2" / "arrays").glob("*/submitted.sh")
    assert "--time=00:02:00" in second.read_text()


def test_a_pack_is_one_array_and_each_member_has_its_record(
    cluster: SlurmCluster, tmp_path: Path
) -> None:
    pack = [member(f"m{number}", f"echo {number} > out", outputs=["out"]) for number in range(4)]
    pack.append(member("bad", "echo no >&2; exit 2"))
    pack.append(member("nothing", "true", outputs=["out"]))
    pack.append(member("large", "echo 1 > out", outputs=["out"], cores=2))
    found = run_pack(str(tmp_path / "pack"), pack, task_id="t")
    states = {key: (one["state"], one.get("category", "")) for key, one in found["members"].items()}
    assert states == {
        **{f"m{number}": ("done", "") for number in range(4)},
        "bad": ("failed", "error of the program"),
        "nothing": ("failed", "outputs missing"),
        "large": ("done", ""),
    }
    assert found["members"]["bad"]["cause"] == "failed with code 2: no"
    ids = {key: one["job_id"].partition("_")[0] for key, one in found["members"].items()}
    assert len(set(ids.values())) == 2, ids
    assert ids["large"] != ids["m0"] == ids["bad"]
    assert all(one["core_hours"] is not None for one in found["members"].values())
    submitted = len(cluster.jobs())
    again = run_pack(str(tmp_path / "pack"), pack[:4], task_id="u")
    assert again["done"] == 4
    assert [one["redone"] for one in again["members"].values()] == [False] * 4
    assert len(cluster.jobs()) == submitted
