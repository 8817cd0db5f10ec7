"""A project with the flow `ert`, for tests of its runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.runs import start
from tests.support.adjoint_sources_project import Project
from tests.support.ert.programs import stand_ins


class ErtProject(Project):
    """A project whose facility is running and whose flow `ert` is deployed.

    Args:
        root: where it is made.
        endpoint: what `headrace.toml` says of the endpoint.
    """

    pipeline = "ert"

    def __init__(self, root: Path, endpoint: str = "") -> None:
        super().__init__(root, endpoint, stations=0)
        programs = stand_ins(root / "bin")
        lines = [f"{name} = '{path}'\n" for name, path in programs.items()]
        (root / "job_scripts/ert.toml").write_text("".join(["[crtomo]\n", *lines]))
        self.data = root / "data" / "ert"
        self.home = root / "data" / "results" / "ert"
        self.scratch = root / "scratch" / "ert"

    def start_run(self, members: list[dict[str, Any]], **more: Any) -> str:
        """Start a run of a pack; returns its id."""
        staging = {"collection": "hpc", "path": "/ert/"}
        named = {
            "members": members,
            "data": {"collection": "workstation", "path": "/"},
            "staging": staging,
            "results": {"collection": "workstation", "path": "/results/ert/"},
            "compute": {
                "endpoint": {"endpoint": "simulation"},
                "options": {"options_of": "simulation"},
                "invert": {"function": "ert_invert"},
                "project": {"project_on": "simulation"},
                "directory": {"directory": staging},
            },
            "config": "job_scripts/ert.toml",
            "settings": {"attempts": 1},
            "clean": True,
            **more,
        }
        return str(start(self.project, "local", self.services, "ert", named)["run_id"])

    def process(self, members: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Runs the flow on a pack and returns what became of its members."""
        run = self.wait(self.start_run(members, **more))
        assert run["status"] == "SUCCEEDED", run["details"]
        found: dict[str, Any] = run["details"]["output"]["Inverted"]
        return found


def member(key: str, **more: Any) -> dict[str, Any]:
    """Return a member whose data lie where the project's do."""
    return {"key": key, "directory": f"{key}/start-000.1", "path": f"/ert/{key}/", **more}
