"""A whole project with data runs in it, for tests of their way."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from headrace.datarun.analysis import analyze_run
from headrace.datarun.convert import convert
from headrace.datarun.synthetic import SyntheticRun, segment_name, write_run
from headrace.runs import start
from tests.support.adjoint_sources_project import Project

ENDPOINT = """
[endpoints.analysis]
template = "local"

[endpoints.analysis.options]
workers = 2
retries = 2
"""
COPY_FOR_FIT = """
[fit]
command = "cp {input} {output}"

[analyze]
analysis = "channels"
"""


def small_run(number: int, segments: int = 4, events: int = 60) -> SyntheticRun:
    return SyntheticRun(
        run=number, segments=segments, events=events, channels=3, samples=100, seed=number
    )


class DataRuns(Project):
    """A project whose facility is running and whose flows are deployed.

    Args:
        root: where it is made.
        endpoint: what `headrace.toml` says of the endpoint.
        config: `job_scripts/data_run.toml`; by default segments are copied instead of fitted.
    """

    pipeline = "data_run"

    def __init__(
        self, root: Path, endpoint: str = ENDPOINT, config: str | None = COPY_FOR_FIT
    ) -> None:
        super().__init__(root, endpoint, stations=0)
        self.incoming = root / "data" / "runs"
        if config is not None:
            self.configure(config)

    def configure(self, text: str) -> None:
        (self.root / "job_scripts" / "data_run.toml").write_text(text)

    def settle_soon(self) -> None:
        """Lets runs start as soon as they seem complete."""
        trigger = self.root / "triggers" / "data_run.toml"
        trigger.write_text(trigger.read_text().replace("settle = 5.0", "settle = 0.3"))

    def write(self, *runs: SyntheticRun, where: Path | None = None) -> None:
        for run in runs:
            write_run(where or self.incoming, run)

    def start_run(self, name: str) -> str:
        place = {"collection": "hpc", "path": f"/data_run/{name}/"}
        named = {
            "run": name,
            "data": {"collection": "workstation", "path": f"/runs/{name}/"},
            "staging": place,
            "results": {"collection": "workstation", "path": f"/results/{name}/"},
            "compute": {
                "endpoint": {"endpoint": "analysis"},
                "fit": {"function": "data_run_fit_segment"},
                "convert": {"function": "data_run_convert_segment"},
                "analyze": {"function": "data_run_analyze"},
                "project": {"project_on": "analysis"},
                "options": {"options_of": "analysis"},
                "directory": {"directory": place},
            },
            "config": "job_scripts/data_run.toml",
        }
        run = start(self.project, "local", self.services, "data_run", named)
        return str(run["run_id"])

    def process(self, name: str) -> dict[str, Any]:
        """Runs the flow on a data run and returns its summary."""
        run = self.wait(self.start_run(name))
        assert run["status"] == "SUCCEEDED", run["details"]
        summary: dict[str, Any] = run["details"]["output"]["summary"]
        return summary

    def scratch(self, name: str) -> Path:
        return self.root / "scratch" / "data_run" / name

    def forget(self, name: str) -> None:
        """Removes all that was made of a data run."""
        for place in (self.scratch(name), self.root / "data" / "results" / name):
            shutil.rmtree(place)


class Watch:
    """`headrace watch` as a process that can be killed."""

    def __init__(self, project: DataRuns, log: Path) -> None:
        command = [sys.executable, "-m", "headrace.cli", "watch", "data_run"]
        self._file = log.open("ab")
        self.log = log
        self.process = subprocess.Popen(
            [*command, "--project", str(project.root)],
            stdout=self._file,
            stderr=self._file,
            start_new_session=True,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(120)
        self._file.close()

    def says(self, words: str) -> bool:
        return words in self.log.read_text()


def rsync(*sources: Path, to: Path) -> None:
    to.mkdir(exist_ok=True)
    subprocess.run(["rsync", "-a", *map(str, sources), f"{to}/"], check=True)


def expected_results(born: Path, place: Path, number: int, segments: int) -> Path:
    """What undisturbed programs make of a run whose segments are copied instead of fitted.

    Args:
        born: where the runs' directories are.
        place: where to make it; ROOT files of the segments in ``converted``.
        number: of the run.
        segments: how many.

    Returns:
        The directory of the results.
    """
    (place / "converted").mkdir(parents=True)
    converted = [place / "converted" / f"run-{number:04d}-{s:02d}.root" for s in range(segments)]
    for segment, target in enumerate(converted):
        # The fit is a copy here; its file has another name.
        fitted = place / f"run-{number:04d}-{segment:02d}-fitted.evt"
        shutil.copyfile(born / f"run{number:04d}" / segment_name(number, segment), fitted)
        convert(fitted, target)
    return analyze_run(converted, place / f"run{number:04d}").summary.parent


def tree(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
