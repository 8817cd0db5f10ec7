"""A project of which every page has something to show, at a facility of its own or at `globus`.

Runs that succeeded, failed, wait, ask a person and copied files, more than one page of them; an
arrival of a trigger; a change of many runs; a campaign with members in each state; an inversion; a
data run. Names and causes are as long as people make them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headrace.campaigns.ledger.member import NewMember
from headrace.deploy import apply, plan
from headrace.facility import start_facility, stop_facility
from headrace.hosted import Services
from headrace.project import connect, facility_settings, init_project, load_project
from headrace.runs import BatchedRun, start, start_batch
from tests.support.campaign_project import CampaignHistory
from tests.support.chosen_runs import FLOWS, write_flow
from tests.support.waiting import wait_until

CAUSE = (
    "mesher: /scratch/project_of_many_people/inversion_of_a_very_long_name/iteration_0001/mesh.h5:"
    " there are 3 elements of negative Jacobian below station XX.ABCDE; raise `smooth` or lower"
    " the resolution"
)

ASK: Mapping[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title": "Accept the model of iteration 3?",
                    "Rows": [
                        {"Field": "misfit", "Value": "0.3"},
                        {"Field": "band", "Value": "20 s"},
                    ],
                },
                "Options": [
                    {"Value": "accept", "Label": "Accept", "Description": "It is kept."},
                    {"Value": "reject", "Label": "Reject", "Description": "Iteration 2 is."},
                ],
            },
            "ResultPath": "$.question",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.question.web_input_id"},
            "ResultPath": "$.answer",
            "End": True,
        },
    },
}

CAMPAIGN = """\
title = "NapA, replicas"
[members]
table = "napa.csv"
key = "{name}"
group = "{protein}"
[start]
flow = "good"
label = "{campaign} {key}"
[start.input]
word = "{name}"
[lanes.frontera]
endpoint = "simulation"
open = 60
[lanes.desk]
endpoint = "simulation"
[limits]
core_hours = 1000
"""

TRIGGER = """\
title = "New records"
[watch]
collection = "workstation"
path = "/incoming/"
what = "file"
settle = 0.1
interval = 0.2
observer = "poll"
[start]
flow = "good"
label = "record {name}"
[start.input]
word = "{name}"
"""

MANY_RUNS = 60


class VisitedProject:
    """The project; its facility is running.

    Args:
        root: an empty directory, or one to make.
        cause: of what fails.
        label: of runs that fail.
        second_record: name of the second file that has arrived.
        target: ``local``, or ``globus``, where the services are those of the environment.
        iterations: how many of the three iterations of its inversion have ended.
    """

    def __init__(
        self,
        root: Path,
        *,
        cause: str = CAUSE,
        label: str = "mesh " * 12,
        second_record: str = "trace_of_a_station_with_a_very_long_name.mseed",
        target: str = "local",
        iterations: int = 1,
    ) -> None:
        self.cause = cause
        self.label = label
        self.target = target
        init_project(root, ["adjoint_sources", "transfer", "data_run", "inversion"])
        for name, definition in {**FLOWS, "ask": dict(ASK)}.items():
            write_flow(root, name, definition)
        (root / "triggers" / "records.toml").write_text(TRIGGER)
        for name in ("trace_1.mseed", second_record):
            (root / "data" / "incoming").mkdir(parents=True, exist_ok=True)
            (root / "data" / "incoming" / name).write_text("1 2 3")
        members = [f"replica_{number:03d}" for number in range(1, 9)]
        (root / "campaigns").mkdir(exist_ok=True)
        (root / "campaigns" / "napa.toml").write_text(CAMPAIGN)
        (root / "campaigns" / "napa.csv").write_text(
            "name,protein\n" + "".join(f"{member},wild\n" for member in members)
        )
        self.root = root
        self.inversions = _make_inversion(root, iterations)
        self.data_runs = _make_data_run(root)
        self.project = load_project(root, target=target)
        try:
            self.services = self._connect()
            apply(plan(self.project, target, self.services), self.project, self.services)
            self.runs = self._start_runs()
            self.call("watch", "records", "--once", "--existing", "run", "--at", target)
            if target == "local":
                self.call("run", "hold", "--tag", "night", "--yes")
            self._begin_campaign(members)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the facility."""
        stop_facility(self.root)

    def _connect(self) -> Services:
        if self.target == "local":
            start_facility(self.root, facility_settings(self.project))
        return connect(self.project, self.target)

    def _start_runs(self) -> dict[str, str]:
        """Start runs; return one of each kind by what became of it."""
        many = [
            BatchedRun({"n": n}, label=f"event {n:04d}", tags=["many"]) for n in range(MANY_RUNS)
        ]
        failing = [
            BatchedRun({"cause": self.cause}, label=self.label, tags=["mesh", "iteration 1"])
        ]
        good, failed = self.start("good", many), self.start("mended", failing * 3)
        [waits] = self.start("later", [BatchedRun({}, label="waits", tags=["night"])])
        [asks] = self.start("ask", [BatchedRun({}, label="model of iteration 3")])
        copied = self._copy()
        # A watch that is running when a run fails says so by its exit code.
        for run_id in (*good, *failed, copied):
            status = "FAILED" if run_id in failed else "SUCCEEDED"
            wait_until(lambda: self._status_of(run_id) == status, f"a run {status}")  # noqa: B023
        wait_until(lambda: self._state_of(asks) == "Wait", "the question")
        named = {"good": good[0], "failed": failed[0], "waits": waits}
        return {**named, "asks": asks, "copied": copied}

    def start(self, flow: str, runs: list[BatchedRun]) -> list[str]:
        """Start runs of a flow."""
        flow_id = self.project.lock().at(self.target).flows[flow].id
        return [answer.run_id for answer in start_batch(self.services, flow_id, runs)]

    def _copy(self) -> str:
        directory = {"collection": "workstation"}
        return str(
            start(
                self.project,
                self.target,
                self.services,
                "transfer",
                {
                    "source": {**directory, "path": "/incoming/"},
                    "destination": {"collection": "hpc", "path": "/copied/"},
                    "label": "records to the cluster",
                    "delete_extra": False,
                    "filters": [],
                },
            )["run_id"]
        )

    def _status_of(self, run_id: str) -> str:
        return str(self.services.read(f"/runs/{run_id}")["status"])

    def _state_of(self, run_id: str) -> str:
        entries = self.services.read(f"/runs/{run_id}/log", {"limit": 100})["entries"]
        return str(entries[-1]["details"].get("state_name", ""))

    def call(self, *arguments: str) -> None:
        """Run a command of headrace."""
        done = subprocess.run(
            [sys.executable, "-m", "headrace.cli", *arguments],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _begin_campaign(self, members: list[str]) -> None:
        history = CampaignHistory(self.project, target=self.target)
        history.add([NewMember(key, {"name": key}, group="wild") for key in members])
        history.done(members[:3])
        history.failed(members[3:4], self.cause)
        history.start(members[4:6], lane="desk")


def _make_inversion(root: Path, iterations: int) -> list[str]:
    """Make an inversion with iterations that have ended, where its libraries are installed."""
    if any(find_spec(name) is None for name in ("h5py", "pyadjoint", "matplotlib")):
        return []
    from tests.support.web_inversion import WebInversion

    made = WebInversion(root)
    made.start()
    for number in range(iterations):
        made.run(number, pictures=True)
    return [made.name]


def _make_data_run(root: Path) -> list[str]:
    """Take a data run, and index its segments, where its libraries are installed."""
    if find_spec("numba") is None:
        return []
    from headrace.datarun.synthetic import SyntheticRun, write_run
    from headrace.pipelines.data_runs.indexes import SegmentIndexes
    from headrace.pipelines.data_runs.known_runs import INDEX_DIRECTORY

    run = SyntheticRun(run=7, segments=2, events=60, channels=3, samples=100)
    indexes = SegmentIndexes(root / ".headrace" / INDEX_DIRECTORY)
    for segment in write_run(root / "data" / "runs", run):
        indexes.find(segment)
    indexes.wait()
    return ["run0007"]
