"""The example campaign of resistivity inversions, as its page has it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.facility import stop_facility
from tests.support.ert.project import ErtProject
from tests.support.ert.tomodir import make_inversion, make_modelling


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErtProject]:
    project = ErtProject(tmp_path_factory.mktemp("ert") / "project")
    yield project
    stop_facility(project.root)


def headrace(
    project: ErtProject, *arguments: str, code: int = 0
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "headrace.cli", "-C", str(project.root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.timeout(600)
def test_directories_are_found_inverted_and_brought_back_to_where_each_came_from(
    project: ErtProject, tmp_path: Path
) -> None:
    make_inversion(project.data / "site" / "inversion")
    make_modelling(project.data / "site" / "modelling")
    done_before = make_inversion(project.data / "site" / "done")
    (done_before / "inv/inv.ctr").write_text("***finished***\n")
    (project.data / "site" / "notes").mkdir()
    away = make_inversion(tmp_path / "elsewhere" / "away")
    bad = make_inversion(tmp_path / "elsewhere" / "bad")
    text = (bad / "mod/volt.dat").read_text()
    (bad / "mod/volt.dat").write_text(text.replace("10002 40003", "990002 40003", 1))

    headrace(project, "campaign", "init", "lines", "--example", "ert")
    headrace(project, "campaign", "check", "lines")
    headrace(project, "campaign", "add", "lines", str(tmp_path / "elsewhere"))
    headrace(project, "campaign", "run", "lines", code=1)
    listed = json.loads(headrace(project, "campaign", "list", "lines", "-F", "json").stdout)
    rows = listed if isinstance(listed, list) else listed["members"]
    states = {row["key"]: row["state"] for row in rows}
    assert states == {
        "inversion": "done",
        "modelling": "done",
        "away": "done",
        "bad": "failed",
    }
    headrace(project, "campaign", "get", "lines")
    assert (away / "inv/inv.ctr").read_text().endswith("***finished***\n")
    assert (away / "inv/rho02.mag").is_file()
    assert "Inadmissible electrode denotation" in (bad / "exe/error.dat").read_text()
    why = headrace(project, "campaign", "why", "lines").stdout
    assert "Inadmissible electrode denotation" in why
    (home,) = (project.home.with_name("lines") / "modelling").iterdir()
    assert (home / "mod/volt.dat").is_file()
