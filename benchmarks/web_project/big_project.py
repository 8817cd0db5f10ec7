"""A project with much of everything that pages show."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

from web_project.many_iterations import ManyIterations
from web_project.many_runs import PIPELINES, ManyRuns
from web_project.many_traces import NAME, ManyTraces

TRIGGERS: Final = Path(__file__).parents[2] / "triggers"


class BigProject(ManyRuns):
    """A project with many runs and members, an inversion and a data run.

    Args:
        root: its directory, which is made.
        options: how many of each: ``runs``, ``members``, ``iterations``, ``events``, ``traces``.
    """

    def __init__(self, root: Path, options: argparse.Namespace) -> None:
        super().__init__(root, options.runs, options.members)
        ManyIterations(root, options.iterations, options.events)
        ManyTraces(root, options.traces)
        (root / "triggers").mkdir()
        for name in PIPELINES:
            shutil.copyfile(TRIGGERS / f"{name}.toml", root / "triggers" / f"{name}.toml")
        inversion = {"inversion": self.place("/inversion/", "workstation")}
        iterations = range(options.iterations + 1)
        self.start_pipeline(
            "inversion", *({**inversion, "iteration": f"{number:03d}"} for number in iterations)
        )
        staging = self.place(f"/data_run/{NAME}/")
        self.start_pipeline("data_run", {"run": NAME, "staging": staging})
