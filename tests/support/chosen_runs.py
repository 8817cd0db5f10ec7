"""Flows, and runs of them, that tests choose by conditions and change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headrace.project import Project, connect
from headrace.runs import BatchedRun, start_batch
from tests.support.command_process import Command, document
from tests.support.waiting import wait_until

STOP = {"Type": "Fail", "Error": "Broken", "CausePath": "$.cause"}
FLOWS: dict[str, dict[str, Any]] = {
    "fail": {"StartAt": "Stop", "States": {"Stop": STOP}},
    "later": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}},
    "good": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
    # It is mended when its flow is deployed anew.
    "mended": {"StartAt": "Stop", "States": {"Stop": STOP}},
}


def write_flow(root: Path, name: str, definition: dict[str, Any]) -> None:
    directory = root / "flows" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "definition.json").write_text(json.dumps(definition))
    (directory / "input_schema.json").write_text("{}")
    (directory / "flow.toml").write_text(f'title = "The flow {name}"\n')


def start(project: Project, flow: str, runs: list[BatchedRun], status: str) -> list[str]:
    services = connect(project, "local")
    flow_id = project.lock().at("local").flows[flow].id
    ids = [answer.run_id for answer in start_batch(services, flow_id, runs)]

    def reached() -> bool:
        return all(services.read(f"/runs/{run_id}")["status"] == status for run_id in ids)

    wait_until(reached, f"the runs to be {status}")
    return ids


def failing(*causes: str, tag: str) -> list[BatchedRun]:
    return [BatchedRun({"cause": cause}, label=cause[:20], tags=[tag]) for cause in causes]


def listed(headrace: Command, *arguments: str) -> set[str]:
    return {run["run_id"] for run in document(headrace, "run", "list", "-n", "1000", *arguments)}
