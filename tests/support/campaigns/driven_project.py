"""A project with campaigns at a real facility, and its driver in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from headrace.campaigns import load_campaign
from headrace.campaigns.campaign_access import ledger_path
from headrace.campaigns.campaign_start import start_campaign
from headrace.campaigns.driver.project_driver import ProjectDriver
from headrace.campaigns.ledger import CampaignLedger
from headrace.facility import facility_status, find_address, stop_facility
from headrace.hosted import Services
from headrace.project import Project, load_project
from headrace.project.targets import connect
from tests.support.repository import REPOSITORY
from tests.support.watch_project import run

# Says what it was given, for a pack or for one member.
SAY = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.word", "StringEquals": "bad", "Next": "Refuse"}],
            "Default": "Say",
        },
        "Refuse": {"Type": "Fail", "Error": "ValueError", "Cause": "ValueError: a bad word"},
        "Say": {
            "Type": "Pass",
            "Parameters": {"facts": {"said.$": "$.word"}, "members.$": "$.members"},
            "ResultPath": "$.Say",
            "End": True,
        },
    },
}
WAIT = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}


class DrivenProject:
    """The project.

    Args:
        root: its directory, empty.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        (root / "data").mkdir()
        (root / "headrace.toml").write_text(
            'name = "driven"\n[collections.workstation]\nroot = "data"\n'
        )
        for name, definition in {"say": SAY, "rest": WAIT}.items():
            (root / "flows" / name).mkdir(parents=True)
            (root / "flows" / name / "definition.json").write_text(json.dumps(definition))
        (root / "campaigns").mkdir()
        deployed = run("deploy", "-C", str(root))
        assert deployed.returncode == 0, deployed.stderr

    @property
    def project(self) -> Project:
        return load_project(self.root)

    @property
    def ledger_file(self) -> Path:
        return ledger_path(self.project, "local")

    def connect(self) -> Services:
        return connect(self.project, "local", start=True)

    def begin(self, text: str, rows: Sequence[Mapping[str, Any]], name: str = "words") -> None:
        """Write a campaign and its table, and start it."""
        columns = list(rows[0])
        lines = [",".join(columns), *(",".join(str(row[c]) for c in columns) for row in rows)]
        (self.root / "campaigns" / f"{name}.csv").write_text("\n".join(lines) + "\n")
        (self.root / "campaigns" / f"{name}.toml").write_text(
            text.replace("words.csv", f"{name}.csv")
        )
        campaign = load_campaign(self.project, name)
        with CampaignLedger(self.ledger_file) as ledger:
            start_campaign(self.project, campaign, ledger, "tester")

    def driver(self, report: Callable[[str], None] = lambda line: None) -> ProjectDriver:
        return ProjectDriver(self.project, "local", self.connect, report, lambda: self.project)

    def begin_driver(self, log: Path, *names: str) -> subprocess.Popen[bytes]:
        """Start the driver as a process of its own, which ends with the campaigns."""
        with log.open("ab") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", __name__, str(self.root), *names],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def kill_facility(self) -> None:
        pid = int(facility_status(self.root)["pid"])
        process = psutil.Process(pid)
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([process], timeout=120)

    def stop(self) -> None:
        stop_facility(self.root)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look at the ledger as another process does."""
        database = sqlite3.connect(self.ledger_file, timeout=60)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def states(self) -> Counter[str]:
        return Counter(dict(self.query("SELECT state, count(*) FROM members GROUP BY state")))

    def runs(self) -> list[dict[str, Any]]:
        """Return the bodies of all runs that the facility has."""
        database = sqlite3.connect(self.root / ".headrace" / "facility.db", timeout=60)
        try:
            rows = database.execute("SELECT id, metadata FROM runs").fetchall()
        finally:
            database.close()
        return [{"run_id": row[0], **json.loads(row[1])} for row in rows]

    def tags(self) -> Counter[str]:
        """Return how many runs have each tag of a start."""
        return Counter(
            tag for run in self.runs() for tag in run["tags"] if tag.startswith("headrace:c:")
        )

    @property
    def is_up(self) -> bool:
        return find_address(self.root) is not None


def main(arguments: Sequence[str]) -> None:
    root, *names = arguments
    project = load_project(Path(root))

    def services() -> Services:
        return connect(project, "local", start=True)

    with ProjectDriver(project, "local", services, lambda line: print(line, flush=True)) as driver:
        signal.signal(signal.SIGTERM, lambda *_: driver.stop())
        driver.run(names)


if __name__ == "__main__":
    main(sys.argv[1:])
