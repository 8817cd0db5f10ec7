"""A project of data runs with segments, products and runs of the flow, without any service."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from headrace.config.lock_file import LOCK_FILE, Deployed, DeployedFlow, Lock, write_lock
from headrace.datarun.synthetic import SyntheticRun, write_run
from headrace.pipelines.data_runs import PAGES
from headrace.pipelines.data_runs.known_runs import KnownRuns, known_runs
from headrace.project import init_project, load_project
from tests.support.datarun.fitted_segments import fitted_segment
from tests.support.ids import an_id
from tests.support.web import WebSite

START = "2026-11-01T10:00:00+00:00"


class ScriptedServices:
    """Services that answer about runs as they are told to, and keep what is asked of them.

    Attributes:
        runs: documents of runs, the newest last.
        inputs: ids of runs to their inputs.
        retries: id of a run, and the body of the request, of each retry.
    """

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.inputs: dict[str, Mapping[str, Any]] = {}
        self.retries: list[tuple[str, dict[str, Any]]] = []
        self.flows = SimpleNamespace(post=self._post)

    def read(self, path: str, query: Any = None) -> dict[str, Any]:
        return self.runs[path.rpartition("/")[2]]

    def read_items(self, path: str, key: str, query: Any = None) -> Iterator[dict[str, Any]]:
        if path == "/runs":
            return iter([*self.runs.values()][::-1])
        details = {"input": self.inputs[path.split("/")[2]]}
        return iter([{"time": START, "code": "FlowStarted", "details": details}])

    def _post(self, path: str, data: dict[str, Any]) -> Any:
        run_id = path.split("/")[2]
        self.retries.append((run_id, data))
        new = an_id(f"retry {len(self.retries)}")
        self.runs[new] = {**self.runs[run_id], "run_id": new, "status": "ACTIVE", "details": {}}
        self.inputs[new] = self.inputs[run_id]
        return SimpleNamespace(data=self.runs[new])


class ProcessedRuns:
    """A project of data runs.

    Args:
        root: where it is made.
    """

    def __init__(self, root: Path) -> None:
        init_project(root, ["data_run"])
        self.root = root
        self.services = ScriptedServices()
        self.incoming = root / "data" / "runs"
        self.incoming.mkdir(parents=True, exist_ok=True)
        deployed = Deployed().with_flow("data_run", DeployedFlow(an_id("flow"), "", ""))
        write_lock(root / LOCK_FILE, Lock().with_target("local", deployed))
        self.project = load_project(root)

    def take(self, run: SyntheticRun) -> str:
        """Write the segments of a run as the acquisition does; return the run's name."""
        write_run(self.incoming, run)
        return f"run{run.run:04d}"

    def staging(self, name: str) -> Path:
        return self.root / "scratch" / "data_run" / name

    def process(self, name: str, status: str = "SUCCEEDED", fitted: int | None = None) -> str:
        """Make the products of a run, and its run of the flow; return the id of that.

        Args:
            name: of the data run.
            status: of the run of the flow.
            fitted: segments that are fitted; all by default.
        """
        staging = self.staging(name)
        for number, source in enumerate(sorted((self.incoming / name).glob("run-*.evt"))):
            raw = staging / "raw" / source.name
            raw.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, raw)
            if fitted is None or number < fitted:
                self.fit(raw)
        run_id = an_id(f"{name} {len(self.services.runs)}")
        collection = self.project.collection_id("hpc", "local")
        self.services.inputs[run_id] = {
            "run": name,
            "staging": {"id": collection, "path": f"/data_run/{name}/"},
        }
        self.services.runs[run_id] = {
            "run_id": run_id,
            "status": status,
            "start_time": START,
            "completion_time": START,
            "details": {"code": status, "time": START},
        }
        return run_id

    def fit(self, raw: Path) -> Path:
        """Fit a segment, and record it; return its file."""
        target = raw.parent.parent / "fitted" / f"{raw.stem}-fitted.evt"
        target.parent.mkdir(exist_ok=True)
        fitted_segment(raw, target, without=2)
        facts = {"seconds": 2.0, "fit_seconds": 1.5, "hits": 90, "fitted": 60}
        record = target.with_name(f"{target.name}.done.json")
        record.write_text(json.dumps({"facts": facts, "inputs": {}, "output": "x"}))
        return target

    def site(self, **options: Any) -> WebSite:
        """Return the pages of data runs of this project."""
        return WebSite(self.root, pages=PAGES, services=lambda: self.services, **options)


def known_to(web: WebSite) -> KnownRuns:
    """Return the data runs as the pages of a site know them."""
    view: Any = SimpleNamespace(site=web.site)
    return known_runs(view)


def make_indexes(web: WebSite, *pages: str) -> None:
    """Show pages, so that the indexes that they need are made, and wait for these."""
    for page in pages:
        assert web.get(page).status_code == 200
    known_to(web).indexes.wait()
