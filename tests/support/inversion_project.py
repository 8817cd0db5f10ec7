"""A project with an inversion by straight rays in it, its facility and flows ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from headrace.deploy import apply, plan
from headrace.facility import start_facility
from headrace.hosted import services_at
from headrace.project import facility_settings, init_project, load_project
from headrace.seismic.inversion import Paths
from headrace.seismic.inversion.records import read_records
from headrace.seismic.models import FieldReader
from tests.support.seismic import ray_inversion

HEADRACE = [sys.executable, "-m", "headrace.cli"]


class InversionProject:
    """The project.

    Args:
        root: where it is made.
        events: number of events.
        endpoint: what `headrace.toml` says of the endpoint, instead of the default.
    """

    def __init__(self, root: Path, events: int = 4, endpoint: str = "") -> None:
        init_project(root, ["inversion"])
        file = root / "headrace.toml"
        text = file.read_text().replace("workers = 1", "workers = 2")
        if endpoint:
            text = text.partition("[endpoints.")[0] + endpoint
        file.write_text(text)
        self.root = root
        self.home: Paths = ray_inversion.make(root / "data" / "inversion", events=events)
        self.staging = Paths(root / "scratch" / "inversion")
        self.project = load_project(root)
        self.settings = facility_settings(self.project)
        self.up()
        apply(plan(self.project, "local", self.services), self.project, self.services)

    def up(self) -> None:
        address = start_facility(self.root, self.settings)
        self.pid = address.pid
        self.services = services_at(address.url, address.token)

    def kill_facility(self) -> None:
        process = psutil.Process(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        psutil.wait_procs([process], timeout=120)

    def publish(self, number: int = 0) -> None:
        """Puts the marker that lets an iteration begin."""
        (self.home.iteration(number) / "READY").write_text("begin\n")

    def watching(self) -> subprocess.Popen[bytes]:
        """Starts `headrace watch` on the iterations."""
        log = (self.root / "watch.log").open("ab")
        return subprocess.Popen(
            [*HEADRACE, "watch", "inversion"], cwd=self.root, stdout=log, stderr=log
        )

    def watch(self, idle: float = 5.0) -> int:
        """Watches until nothing is left to do; returns the exit code."""
        command = [*HEADRACE, "watch", "inversion", "--until-idle", str(idle)]
        done = subprocess.run(command, cwd=self.root, capture_output=True, check=False)
        return done.returncode

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the first one first."""
        found = list(self.services.flows.paginated.list_runs().items())
        return [self.services.flows.get_run(run["run_id"]).data for run in reversed(found)]

    def content(self, number: int) -> str:
        """Hash of a model's content, as it came home."""
        with FieldReader(self.home.model(number)) as reader:
            return reader.content

    def computed(self, stage: str) -> list[tuple[str, str]]:
        """Every computation of a stage: evaluation and event."""
        return [
            (record["evaluation"], event)
            for place in sorted(self.staging.iterations.glob("[0-9]*"))
            for record in read_records(place / "records")
            if record["stage"] == stage
            for event in record["computed"]
        ]
