"""The flow of sweeps on the embedded endpoint: real commands, some of which fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.facility import stop_facility
from tests.support.sweep_project import SweepProject, member
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SweepProject]:
    project = SweepProject(tmp_path_factory.mktemp("sweep") / "project")
    (project.inputs / "numbers.txt").write_text("1\n2\n3\n")
    (project.inputs / "deck").mkdir()
    (project.inputs / "deck" / "a.dat").write_text("a")
    yield project
    stop_facility(project.root)


SUM = 'awk \'{s += $1} END {printf "{\\"sum\\": %d}\\n", s}\' numbers.txt | tee sum.json'
PACK = [
    member("sum", SUM, inputs=["numbers.txt"], outputs=["sum.json"]),
    member("deck", "cp deck/a.dat b.dat", inputs=["deck/"], outputs=["*.dat"]),
    member("fails", "echo the mesh is bad >&2; date > log.txt; exit 3", optional_outputs=["*.txt"]),
    member("leaves nothing", "true", outputs=["sum.json"]),
    member("no input", "cat absent.txt", inputs=["absent.txt", "numbers.txt"]),
    member("slow", "echo on; sleep 300", walltime="00:00:01", optional_outputs=["x"]),
]


@pytest.fixture(scope="module")
def outcomes(project: SweepProject) -> dict[str, Any]:
    return project.process(PACK)["members"]


def test_each_member_has_an_outcome_of_its_own(outcomes: dict[str, Any]) -> None:
    states = {key: (one["state"], one.get("category", "")) for key, one in outcomes.items()}
    assert states == {
        "sum": ("done", ""),
        "deck": ("done", ""),
        "fails": ("failed", "error of the program"),
        "leaves nothing": ("failed", "outputs missing"),
        "no input": ("failed", "never started"),
        "slow": ("failed", "time limit"),
    }
    assert outcomes["sum"]["facts"] == {"sum": 6}
    assert outcomes["sum"]["core_hours"] > 0
    assert outcomes["fails"]["cause"] == "failed with code 3: the mesh is bad"
    assert outcomes["leaves nothing"]["cause"] == "outputs missing: sum.json"
    assert outcomes["no input"]["cause"] == "input missing: absent.txt"


def test_outputs_and_records_come_home_of_those_that_failed_too(
    project: SweepProject, outcomes: dict[str, Any]
) -> None:
    home = {key: project.results / key / "start-000.1" for key in outcomes}
    assert json.loads((home["sum"] / "sum.json").read_text()) == {"sum": 6}
    assert (home["deck"] / "b.dat").read_text() == "a"
    assert not (home["deck"] / "deck").exists()
    assert (home["fails"] / "log.txt").stat().st_size > 0
    assert (home["fails"] / "member.err").read_text() == "the mesh is bad\n"
    assert (home["slow"] / "member.out").read_text() == "on\n"
    for key, place in home.items():
        record = json.loads((place / "member.json").read_text())
        assert (record["key"], record["state"]) == (key, outcomes[key]["state"])


def test_scratch_is_clean_afterwards(project: SweepProject, outcomes: dict[str, Any]) -> None:
    assert [*project.scratch.glob("*/*")] == []


def test_a_pack_that_is_repeated_runs_what_failed_only(
    project: SweepProject, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    members = [
        member("again", f"echo again >> {count}; date > out", outputs=["out"]),
        member("mended", f"echo mended >> {count}; test -e {tmp_path}/mended"),
    ]
    first = project.process(members, clean=False)
    (tmp_path / "mended").touch()
    second = project.process(members, clean=True)
    assert (first["done"], first["failed"], second["done"]) == (1, 1, 2)
    assert count.read_text().split().count("again") == 1
    assert count.read_text().split().count("mended") == 2
    assert second["members"]["again"]["redone"] is False


def test_nothing_is_transferred_where_all_is_at_one_place(project: SweepProject) -> None:
    here = project.root / "scratch" / "inputs"
    here.mkdir(exist_ok=True)
    (here / "numbers.txt").write_text("4\n5\n")
    pack = [member("place", SUM, inputs=["numbers.txt"], outputs=["sum.json"])]
    run_id = project.start_run(pack, source="hpc", results="hpc")
    run = project.wait(run_id)
    assert run["status"] == "SUCCEEDED", run["details"]
    log = project.services.flows.get_run_logs(run_id, limit=100).data["entries"]
    states = {entry["details"].get("state_name") for entry in log}
    assert "RunMembers" in states
    assert not states & {"PushInputs", "PullResults"}
    place = project.root / "scratch" / "results" / "sweep" / "place" / "start-000.1"
    assert json.loads((place / "sum.json").read_text()) == {"sum": 9}


def test_a_pack_that_cannot_be_run_fails_as_a_whole(project: SweepProject) -> None:
    pack = [member("a", "true"), {**member("b", "true"), "directory": "a/start-000.1/inner"}]
    run = project.wait(project.start_run(pack))
    assert run["status"] == "FAILED"
    assert "belongs to another member" in json.dumps(run["details"])


def test_a_worker_that_is_lost_takes_only_what_was_not_done(
    project: SweepProject, tmp_path: Path
) -> None:
    count, shell = tmp_path / "count", tmp_path / "shell"
    stays = f"echo stays >> {count}; [ $(grep -c stays {count}) -gt 1 ] && exit; echo $$ > {shell}"
    members = [
        member("quick", f"echo quick >> {count}; date > out", outputs=["out"]),
        member("stays", f"{stays}.new; mv {shell}.new {shell}; sleep 300"),
    ]
    run_id = project.start_run(members, settings={"at_once": 1})
    wait_until(shell.exists, "the second member")
    # The shell of the command, the member's script, the worker.
    script = psutil.Process(int(shell.read_text())).parent()
    assert script is not None
    worker = script.parent()
    assert worker is not None
    worker.kill()
    run = project.wait(run_id)
    assert run["status"] == "SUCCEEDED", run["details"]
    outcomes = run["details"]["output"]["Run"]["members"]
    assert {key: one["state"] for key, one in outcomes.items()} == {
        "quick": "done",
        "stays": "done",
    }
    assert outcomes["quick"]["redone"] is False
    assert sorted(count.read_text().split()) == ["quick", "stays", "stays"]
