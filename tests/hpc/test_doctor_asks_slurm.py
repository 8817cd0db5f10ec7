"""`headrace doctor` says whether Slurm answers where an endpoint submits its jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.diagnostics.scheduler_check import check_scheduler
from headrace.project.project import Project, load_project
from tests.support.repository import REPOSITORY
from tests.support.slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slurm
TEMPLATES = REPOSITORY / "endpoint_configs"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text(
        '[endpoints.login]\ntemplate = "slurm-login"\n[endpoints.here]\ntemplate = "local"\n'
    )
    (tmp_path / "endpoint_configs").symlink_to(TEMPLATES)
    return load_project(tmp_path / "headrace.toml")


def test_slurm_answers(
    project: Project, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm.env["SLURM_CONF"])
    (found,) = check_scheduler(project, "login")
    assert found.health == "good"
    assert "arrays of up to 1001 members" in found.message
    number = slurm.run(
        "sbatch", "--parsable", "--hold", "-n1", "-o", "/dev/null", "--wrap", "true"
    ).strip()
    _, held = check_scheduler(project, "login")
    slurm.run("scancel", number)
    assert (held.health, number in held.message) == ("warning", True)


def test_slurm_does_not_answer(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "none.conf"))
    (found,) = check_scheduler(project, "login")
    assert found.health == "bad"
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = check_scheduler(project, "login")
    assert "sbatch" in found.message


def test_an_endpoint_without_slurm_is_not_asked_for(project: Project) -> None:
    assert list(check_scheduler(project, "here")) == []
