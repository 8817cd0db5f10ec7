"""The tutorial of campaigns, every line of it, as a new user types it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.adjoint_sources_project import leftovers
from tests.support.repository import REPOSITORY

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

TUTORIAL = REPOSITORY / "docs" / "tutorial_campaign.md"
BLOCK = re.compile(r"^```(console|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = "@@ "


def commands() -> Iterator[str]:
    """Yield the tutorial's commands; a file that it shows is written by one."""
    for kind, text in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        if kind == "toml":
            name = text.splitlines()[0].removeprefix("# ")
            yield f"cat > {name} <<'END OF FILE'\n{text}END OF FILE"
            continue
        command = ""
        for line in text.splitlines():
            if line.startswith("$ "):
                if command:
                    yield command
                command = line.removeprefix("$ ")
            elif line.startswith("> "):
                command += "\n" + line.removeprefix("> ")
        if command:
            yield command


def test_every_line_of_it_works(tmp_path: Path) -> None:
    lines = list(commands())
    assert len(lines) > 20
    script = ["set -e -o pipefail", "trap 'headrace facility down >/dev/null 2>&1' EXIT"]
    for number, line in enumerate(lines):
        script += [f"echo '{MARK}{number}'", line]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    parts = re.split(rf"^{MARK}\d+\n", done.stdout, flags=re.MULTILINE)[1:]
    printed = dict(zip(lines, parts, strict=True))
    assert "30 members" in printed["headrace campaign check thirty"]
    assert "input.txt: four words are needed" in printed["headrace campaign why thirty"]
    assert "trajectory.txt" in printed["ls collected/sim07"]
    project = tmp_path / "thirty"
    with (project / "thirty.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["state"] for row in rows} == {"done"}
    assert {row["lane"] for row in rows} == {"simulation", "analysis"}
    assert len(rows) == 30
    attempts = project / "data" / "results" / "thirty"
    assert len([*attempts.glob("sim*/*/trajectory.txt")]) == 31
    assert leftovers(project) == []
