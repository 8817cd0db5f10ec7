"""A whole project with events in it, for tests of the way of an arrival."""

from __future__ import annotations

import hashlib
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
from headrace.runs import start
from tests.support.waiting import wait_until


class Project:
    """A project with its facility running, its flows deployed and one event's waveforms.

    Args:
        root: where it is made.
        endpoint: what `headrace.toml` says of the endpoint, instead of the default.
        stations: how many stations the event has; with none there is no event.
    """

    pipeline = "adjoint_sources"
    pipelines: tuple[str, ...] = ()

    def __init__(self, root: Path, endpoint: str = "", stations: int = 3) -> None:
        init_project(root, list(self.pipelines or [self.pipeline]))
        if endpoint:
            file = root / "headrace.toml"
            file.write_text(file.read_text().partition("[endpoints.")[0] + endpoint)
        self.project = load_project(root)
        self.root = root
        self.settings = facility_settings(self.project)
        self.up()
        apply(plan(self.project, "local", self.services), self.project, self.services)
        if not stations:
            return
        script = root / "job_scripts" / "adjoint_sources_make_example.py"
        arguments = [
            sys.executable,
            script,
            root / "data" / "incoming" / "001",
            "--stations",
            stations,
        ]
        subprocess.run(list(map(str, arguments)), check=True)

    def up(self) -> None:
        address = start_facility(self.root, self.settings)
        self.pid = address.pid
        self.services = services_at(address.url, address.token)

    def kill(self) -> None:
        process = psutil.Process(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        psutil.wait_procs([process], timeout=120)

    def start(self, name: str, ranks: int = 1) -> str:
        place = {"collection": "hpc", "path": f"/adjoint_sources/{name}/"}
        named = {
            "event": "001",
            "waveforms": {"collection": "workstation", "path": "/incoming/001/"},
            "staging": place,
            "results": {"collection": "workstation", "path": f"/results/{name}/"},
            "compute": {
                "endpoint": {"endpoint": "simulation"},
                "function": {"function": "adjoint_sources"},
                "project": {"project_on": "simulation"},
                "options": {"options_of": "simulation"},
                "directory": {"directory": place},
            },
            "processing": {
                "config": "job_scripts/adjoint_sources.toml",
                "ranks": ranks,
                "figures": "none",
            },
        }
        run = start(self.project, "local", self.services, "adjoint_sources", named)
        return str(run["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        data: dict[str, Any] = self.services.flows.get_run(run_id).data
        return data

    def codes(self, run_id: str) -> list[tuple[str, str]]:
        pages = self.services.flows.paginated.get_run_logs(run_id, limit=100)
        return [
            (entry["code"], entry["details"].get("state_name", ""))
            for page in pages
            for entry in page["entries"]
        ]

    def wait(self, run_id: str, timeout: float = 120) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            run = self.run(run_id)
            return run if run["status"] in {"SUCCEEDED", "FAILED"} else None

        return wait_until(ended, f"the end of run {run_id}", timeout)

    def results(self, name: str) -> dict[str, str]:
        root = self.root / "data" / "results" / name
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


def leftovers(root: Path) -> list[str]:
    """Returns the processes that still belong to the project at ``root``."""
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.pid != os.getpid() and any(str(root) in text for text in told):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found
