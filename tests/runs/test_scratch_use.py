"""Scratch directories of runs, by their logs, and which of them may be removed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace.endpoints.scratch_cleaner import clean_here
from headrace.hosted import Services
from headrace.project import load_project
from headrace.runs import parallel_requests, scratch
from headrace.runs.scratch import ScratchCollector, ScratchDirectory
from tests.support.flows_service import Service
from tests.support.ids import an_id

FLOW, ENDPOINT, TASK = an_id("flow"), an_id("endpoint"), an_id("task")


class Cluster:
    """Runs at a stand-in for the hosted service, and their scratch directories here."""

    def __init__(self, root: Path, service: Service, services: Services) -> None:
        self.root, self.service, self.services = root, service, services
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        (root / "flows").mkdir()
        (root / "headrace.toml").write_text(
            f'[collections.hpc]\nid = "{an_id("hpc")}"\nroot = "scratch"\n'
            f'[collections.home]\nid = "{an_id("home")}"\nroot = "home"\n'
        )
        service.flows[FLOW] = {"id": FLOW, "title": "t"}
        flow = {"id": FLOW, "hash": "h", "updated_at": "", "title": "t"}
        self.project = load_project(root)
        lock = self.project.lock()
        deployed = replace(lock.at("globus"), flows={"fit": _deployed(flow)})
        self.project.write_lock(lock.with_target("globus", deployed))

    def run(self, name: str, status: str = "SUCCEEDED", **returned: Any) -> str:
        """Add a run that worked in a directory of this name; its return is changed or left out."""
        run_id = self.service.start(FLOW, {"body": {}})["run_id"]
        directory = self.scratch / name
        self.action(
            run_id,
            "Fit",
            {
                "endpoint_id": ENDPOINT,
                "tasks": [{"function_id": "f", "kwargs": {"directory": str(directory)}}],
            },
            {"details": {"task_ids": [TASK]}},
        )
        transfer = {
            "source_endpoint": an_id("hpc"),
            "destination_endpoint": an_id("home"),
            "verify_checksum": True,
            "DATA": [{"source_path": f"/{name}/out/", "destination_path": "/results/"}],
            **returned,
        }
        if returned.get("DATA") != []:
            self.action(run_id, "Return", transfer, {})
        if status not in ("ACTIVE", "INACTIVE"):
            self.service.end(run_id, status, {})
        return run_id

    def action(self, run_id: str, state: str, given: Any, output: Any) -> None:
        self.service.log(run_id, "ActionStarted", state_name=state, input=given)
        self.service.log(run_id, "ActionCompleted", state_name=state, output=output)

    def left(self, name: str) -> Path:
        directory = self.scratch / name / "jobs" / "fit"
        directory.mkdir(parents=True)
        (directory / "submission.json").write_text(json.dumps({"tag": f"{TASK}.0"}))
        (directory.parent.parent / "fit.done.json").write_text(
            json.dumps({"inputs": {}, "output": "", "facts": {}})
        )
        return self.scratch / name

    def collector(self, keep: timedelta = timedelta(0)) -> ScratchCollector:
        return ScratchCollector(self.project, "globus", self.services, keep)

    def found(self, **options: Any) -> dict[str, ScratchDirectory]:
        return {Path(each.path).name: each for each in self.collector().find(**options)}


def _deployed(values: dict[str, str]) -> Any:
    from dataclasses import fields

    from headrace.config.lock_file import DeployedFlow

    return DeployedFlow(**{each.name: values.get(each.name, "") for each in fields(DeployedFlow)})


@pytest.fixture
def cluster(
    tmp_path: Path, service: Service, services: Services, monkeypatch: pytest.MonkeyPatch
) -> Cluster:
    hosted = replace(services, url="https://flows.globus.org")
    monkeypatch.setattr(parallel_requests, "connect", lambda project, target: hosted)
    called: list[str] = []

    def there(
        project: Any, target: str, services: Any, endpoint_id: str, *rest: Any, **more: Any
    ) -> Any:
        called.append(endpoint_id)
        root, directories, remove, _ = rest
        return clean_here(root, directories, remove, **more)

    monkeypatch.setattr(scratch, "clean_there", there)
    return Cluster(tmp_path, service, hosted)


def test_what_was_returned_is_removed_by_its_endpoint_and_forgotten(cluster: Cluster) -> None:
    cluster.run("run7")
    directory = cluster.left("run7")
    found = cluster.found()
    assert (found["run7"].problem, found["run7"].endpoint_id) == ("", ENDPOINT)
    assert cluster.found() == found  # its log is not read again
    logs = [call for call in cluster.service.calls if call.endswith("/log")]
    assert len(logs) == 1
    [removed] = cluster.collector().remove(found.values())
    assert removed.removed
    assert not directory.exists()
    assert cluster.found() == {}


@pytest.mark.parametrize(
    ("status", "returned", "words"),
    [
        ("FAILED", {}, "is FAILED"),
        ("ACTIVE", {}, "goes on"),
        ("SUCCEEDED", {"DATA": []}, "no flow of the project has transferred"),
        ("SUCCEEDED", {"verify_checksum": False}, "no flow of the project has transferred"),
        ("SUCCEEDED", {"skip_source_errors": True}, "no flow of the project has transferred"),
        ("SUCCEEDED", {"source_endpoint": an_id("home")}, "no flow of the project"),
        (
            "SUCCEEDED",
            {
                "destination_endpoint": an_id("hpc"),
                "DATA": [{"source_path": "/run7/out/", "destination_path": "/run7/copy/"}],
            },
            "no flow of the project",
        ),
        (
            "SUCCEEDED",
            {"DATA": [{"source_path": "/run8/out/", "destination_path": "/results/"}]},
            "no flow of the project",
        ),
    ],
)
def test_what_was_not_returned_is_kept(
    cluster: Cluster, status: str, returned: dict[str, Any], words: str
) -> None:
    cluster.run("run7", status, **returned)
    directory = cluster.left("run7")
    found = cluster.found()
    assert words in found["run7"].problem
    assert cluster.collector().remove(found.values()) == []
    assert directory.exists()


def test_the_last_run_of_a_directory_decides(cluster: Cluster) -> None:
    cluster.run("mended", "FAILED")
    cluster.run("mended")
    cluster.run("broken")
    cluster.run("broken", "FAILED")
    for name in ("mended", "broken"):
        cluster.left(name)
    found = cluster.found()
    assert found["mended"].reason
    assert "is FAILED" in found["broken"].problem


def test_a_run_that_begins_while_a_question_is_open_keeps_its_directory(cluster: Cluster) -> None:
    cluster.run("run7")
    directory = cluster.left("run7")
    shown = cluster.found()
    assert shown["run7"].reason
    cluster.run("run7", "ACTIVE")
    [kept] = cluster.collector().remove(shown.values())
    assert (kept.removed, "goes on" in kept.problem) == (False, True)
    assert directory.exists()


@pytest.mark.parametrize(
    "place", ["/run7/", "~/run7/", "{scratch}/run7", "/run7/raw/", "{scratch}"]
)
def test_a_run_whose_tasks_are_to_come_keeps_what_its_input_names(
    cluster: Cluster, place: str
) -> None:
    cluster.run("run7")
    cluster.left("run7")
    path = place.format(scratch=cluster.scratch)
    run_id = cluster.service.start(FLOW, {"body": {}})["run_id"]
    cluster.service.log(run_id, "FlowStarted", input={"compute": [{"place": path}]})
    found = cluster.found()["run7"]
    assert bool(found.problem) == (place != "{scratch}")


def test_a_run_keeps_what_a_state_of_it_has_named(cluster: Cluster) -> None:
    cluster.run("run7")
    cluster.left("run7")
    run_id = cluster.service.start(FLOW, {"body": {}})["run_id"]
    cluster.service.log(run_id, "FlowStarted", input={})
    cluster.service.log(run_id, "PassCompleted", output={"place": "/run7/"})
    assert "goes on" in cluster.found()["run7"].problem


def test_a_run_keeps_its_directory_under_another_path(cluster: Cluster, tmp_path: Path) -> None:
    cluster.run("run7")
    directory = cluster.left("run7")
    shown = cluster.found()
    (cluster.scratch / "alias").symlink_to(directory)
    cluster.run("alias", "ACTIVE")
    assert "by another path" in cluster.found()["run7"].problem
    assert not any(each.removed for each in cluster.collector().remove(shown.values()))
    assert directory.exists()


def test_directories_in_each_other_are_kept(cluster: Cluster) -> None:
    cluster.run("all")
    cluster.left("all")
    cluster.run("all/one", "FAILED")
    assert "another run" in cluster.found()["all"].problem


def test_what_ended_a_while_ago_is_kept_as_long_as_is_said(cluster: Cluster) -> None:
    cluster.run("run7")
    cluster.left("run7")
    [found] = cluster.collector(timedelta(days=30)).find()
    assert "only a while ago" in found.problem


def test_what_deleted_runs_left_is_removed_if_it_was_returned_or_is_asked_for(
    cluster: Cluster,
) -> None:
    runs = [cluster.run("returned"), cluster.run("lost", "FAILED")]
    for name in ("returned", "lost"):
        cluster.left(name)
    cluster.found()
    for run_id in runs:
        del cluster.service.runs[run_id]
    found = cluster.found()
    assert found["returned"].reason
    assert "--orphans" in found["lost"].problem
    assert cluster.found(orphans=True)["lost"].reason
    assert datetime.now(UTC).isoformat() > found["lost"].ended_at


def test_another_flow_of_the_account_is_left_alone(cluster: Cluster) -> None:
    run_id = cluster.run("run7")
    cluster.service.runs[run_id]["flow_id"] = an_id("another")
    cluster.left("run7")
    assert "no flow of the project" in cluster.found()["run7"].problem
