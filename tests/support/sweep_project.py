"""A project with the flow `sweep`, for tests of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.runs import start
from tests.support.adjoint_sources_project import Project


class SweepProject(Project):
    """A project whose facility is running and whose flow `sweep` is deployed.

    Args:
        root: where it is made.
        endpoint: what `headrace.toml` says of the endpoint.
    """

    pipeline = "sweep"

    def __init__(self, root: Path, endpoint: str = "") -> None:
        super().__init__(root, endpoint, stations=0)
        self.inputs = root / "data" / "inputs"
        self.inputs.mkdir(parents=True, exist_ok=True)
        self.results = root / "data" / "results" / "sweep"
        self.scratch = root / "scratch" / "sweep"

    def start_run(self, members: list[dict[str, Any]], **more: Any) -> str:
        """Start a run of a pack; returns its id.

        Args:
            members: the members.
            more: members of the flow's input in place of the usual ones; `source`, `results`:
                names of their collections.
        """
        source = {"collection": more.pop("source", "workstation"), "path": "/inputs/"}
        results = {"collection": more.pop("results", "workstation"), "path": "/results/sweep/"}
        staging = {"collection": "hpc", "path": "/sweep/"}
        named = {
            "members": members,
            "source": source,
            "staging": staging,
            "results": results,
            "compute": {
                "endpoint": {"endpoint": "simulation"},
                "options": {"options_of": "simulation"},
                "run": {"function": "sweep_run_members"},
                "directory": {"directory": staging},
                "source": {"directory": source},
                "results": {"directory": results},
            },
            "settings": {},
            "clean": True,
            **more,
        }
        return str(start(self.project, "local", self.services, "sweep", named)["run_id"])

    def process(self, members: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Runs the flow on a pack and returns what became of its members."""
        run = self.wait(self.start_run(members, **more))
        assert run["status"] == "SUCCEEDED", run["details"]
        found: dict[str, Any] = run["details"]["output"]["Run"]
        return found


def member(key: str, command: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "directory": f"{key}/start-000.1", "command": command, **more}
