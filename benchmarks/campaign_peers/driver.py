"""The driver of a project's campaigns, in a process of its own, until it is stopped."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from headrace.campaigns.driver.project_driver import ProjectDriver
from headrace.project import load_project
from headrace.project.targets import connect


def main(root: Path) -> None:
    """Drive until SIGTERM."""
    project = load_project(root)
    report = sys.stderr.write
    with ProjectDriver(
        project, "local", lambda: connect(project, "local", start=True), lambda line: None
    ) as driver:
        signal.signal(signal.SIGTERM, lambda *_: driver.stop())
        report("driving\n")
        driver.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
