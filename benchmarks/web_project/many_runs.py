"""A project with many runs and a campaign of many members, whose pages are measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace.project import load_project
from headrace.project.targets import connect
from headrace.runs import BatchedRun, start_batch

PASS: Final = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.number", "NumericEquals": 13, "Next": "Refuse"}],
            "Default": "Say",
        },
        "Refuse": {"Type": "Fail", "Error": "ValueError", "Cause": "ValueError: a bad number"},
        "Say": {"Type": "Pass", "Parameters": {"said.$": "$.number"}, "End": True},
    },
}
SCHEMA: Final = {
    "type": "object",
    "properties": {"number": {"type": "integer", "title": "Number"}},
    "required": ["number"],
}
CAMPAIGN: Final = """
[members]
table = "many.csv"
key = "{name}"
group = "{group}"
[start]
flow = "say"
input = { number = "{number:int}" }
"""
PROJECT: Final = """
name = "many"
[collections.workstation]
root = "data"
[collections.hpc]
root = "scratch"
[selections.bad]
status = ["FAILED"]
cause = ["a bad number"]
"""
# Flows of pipelines that do nothing: their products are made without them.
IDLE: Final = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
PIPELINES: Final = ("data_run", "inversion")
FAILING: Final = 50
"""One of so many runs or members fails."""

BATCH: Final = 5_000


class ManyRuns:
    """A project with many runs and members.

    Args:
        root: its directory, which is made.
    """

    def __init__(self, root: Path, runs: int, members: int) -> None:
        self.root = root
        (root / "flows" / "say").mkdir(parents=True)
        (root / "campaigns").mkdir()
        (root / "data").mkdir()
        (root / "scratch").mkdir()
        (root / "headrace.toml").write_text(PROJECT)
        (root / "flows" / "say" / "definition.json").write_text(json.dumps(PASS))
        (root / "flows" / "say" / "input_schema.json").write_text(json.dumps(SCHEMA))
        for name in PIPELINES:
            (root / "flows" / name).mkdir()
            (root / "flows" / name / "definition.json").write_text(json.dumps(IDLE))
        rows = [f"m{n:06d},{n % FAILING},g{n // 500}" for n in range(members)]
        (root / "campaigns" / "many.csv").write_text("\n".join(["name,number,group", *rows]))
        (root / "campaigns" / "many.toml").write_text(CAMPAIGN)
        self.headrace("deploy")
        self.services = connect(load_project(root), "local", start=True)
        self.flow = load_project(root).lock().at("local").flows["say"].id
        self.run_ids = self.start(runs)
        if members:
            self.headrace("campaign", "start", "many")
            self._wait_for_campaign()

    def headrace(self, *words: str) -> None:
        """Run a command of headrace."""
        command = [sys.executable, "-m", "headrace.cli", *words, "-C", str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"headrace {' '.join(words)}: {done.stderr or done.stdout}")

    def start(self, count: int) -> list[str]:
        """Start runs, wait until all have ended, and return some of their ids."""
        found: list[str] = []
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            runs = [BatchedRun({"number": n % FAILING}, f"number {n}", ("many",)) for n in numbers]
            found += [each.run_id for each in start_batch(self.services, self.flow, runs)][:20]
        self._wait_for_runs()
        return found

    def start_pipeline(self, flow: str, *inputs: Mapping[str, Any]) -> None:
        """Start runs of the flow of a pipeline, and wait until all have ended.

        Args:
            flow: the flow.
            inputs: of each run.
        """
        deployed = load_project(self.root).lock().at("local").flows[flow].id
        start_batch(self.services, deployed, [BatchedRun(each, flow, (flow,)) for each in inputs])
        self._wait_for_runs()

    def place(self, path: str, collection: str = "hpc") -> dict[str, str]:
        """Return a directory of a collection as inputs of runs have it."""
        return {"id": load_project(self.root).collection_id(collection, "local"), "path": path}

    def _wait_for_campaign(self) -> None:
        """Wait until nothing is left to do: the facility and the driver rest."""
        where = ["-C", str(self.root)]
        command = [sys.executable, "-m", "headrace.cli", "campaign", "wait", "many", *where]
        # Some members fail, which the exit code says.
        subprocess.run(command, capture_output=True, check=False)
        self._wait_for_runs()

    def _wait_for_runs(self) -> None:
        """Wait until all runs have ended."""
        while self._open():
            time.sleep(0.05)

    def _open(self) -> bool:
        query = {"filter_status": "ACTIVE,INACTIVE", "per_page": 1}
        return next(iter(self.services.read_items("/runs", "runs", query)), None) is not None
