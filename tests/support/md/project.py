"""A whole project with simulations in it, for tests of the flow `md`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.md.water_boxes import write_water_box
from headrace.runs import start
from tests.support.adjoint_sources_project import Project

ENDPOINT = """
[endpoints.simulation]
template = "local"

[endpoints.simulation.options]
workers = 1
retries = 2

[endpoints.analysis]
template = "local"

[endpoints.analysis.options]
workers = 1
"""
SETTINGS = """\
[leg.job]
walltime = "00:05:00"
retry_pause = "00:00:01"

[gromacs]
checkpoint_minutes = 0.01

[openmm]
platform = "CPU"
properties = { Threads = 1 }
checkpoint_minutes = 0.01
"""


class Simulations(Project):
    """A project whose facility is running and whose flow `md` is deployed."""

    pipelines = ("md", "md_quicklook")

    def __init__(self, root: Path, engine: str) -> None:
        super().__init__(root, ENDPOINT, stations=0)
        self.engine = engine
        (root / "job_scripts" / "md.toml").write_text(SETTINGS)

    def write_box(self, name: str, steps: int) -> None:
        """Writes a box of water as the input of a simulation."""
        place = self.root / "data" / "simulations" / name
        write_water_box(self.engine, place, steps=steps, frame_steps=100, energy_steps=50)

    def start_leg(self, name: str, leg: str, previous: str = "", **changes: Any) -> str:
        """Starts a run of one leg, as a campaign does."""
        staging = {"collection": "hpc", "path": "/md/"}
        named = {
            "simulation": {"collection": "workstation", "path": f"/simulations/{name}/"},
            "directory": leg,
            "previous": previous,
            "staging": staging,
            "results": {"collection": "workstation", "path": "/results/md/"},
            "compute": {
                "endpoint": {"endpoint": "simulation"},
                "options": {"options_of": "simulation"},
                "run": {"function": "md_run_leg"},
                "project": {"project_on": "simulation"},
                "directory": {"directory": staging},
            },
            "engine": self.engine,
            "config": "job_scripts/md.toml",
            "steps": 0,
            "target_step": 0,
            "legs_per_run": 1,
            "clean": True,
            **changes,
        }
        return self.start_named("md", named)

    def start_named(self, flow: str, named: Any) -> str:
        """Starts a run of a flow with an input that has names."""
        return str(start(self.project, "local", self.services, flow, named)["run_id"])

    def run_named(self, flow: str, named: Any) -> dict[str, Any]:
        """Runs a flow with an input that has names, and returns its output."""
        run = self.wait(self.start_named(flow, named))
        assert run["status"] == "SUCCEEDED", run["details"]
        output: dict[str, Any] = run["details"]["output"]
        return output

    def run_leg(self, name: str, leg: str, previous: str = "", **changes: Any) -> dict[str, Any]:
        """Runs the flow on a leg, and returns what `Assess` says."""
        run = self.wait(self.start_leg(name, leg, previous, **changes))
        assert run["status"] == "SUCCEEDED", run["details"]
        assessed: dict[str, Any] = run["details"]["output"]["Assess"]
        return assessed

    def look_at(self, leg: str) -> dict[str, Any]:
        """Runs the flow `md_quicklook` on a leg, and returns its summary."""
        named = {
            "leg": leg,
            "compute": {
                "endpoint": {"endpoint": "simulation"},
                "options": {"options_of": "simulation"},
                "run": {"function": "md_quicklook"},
                "project": {"project_on": "simulation"},
                "directory": {"directory": {"collection": "workstation", "path": "/results/md/"}},
            },
        }
        summary: dict[str, Any] = self.run_named("md_quicklook", named)["summary"]
        return summary

    def returned(self, leg: str) -> Path:
        """Where a leg comes back to."""
        return self.root / "data" / "results" / "md" / leg

    def scratch(self, leg: str) -> Path:
        """Where a leg works."""
        return self.root / "scratch" / "md" / leg
