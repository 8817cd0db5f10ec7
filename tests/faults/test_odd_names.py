"""Names that a shell, a path or a template would trip over, all the way through the pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.facility import stop_facility
from tests.support.adjoint_sources_project import Project, leftovers

ODD = "ev $(touch pwned); `touch pwned` && {0} %s 'q\" é -n"


def test_an_odd_name_is_only_a_name(tmp_path: Path):
    project = Project(tmp_path / "project", stations=1)
    try:
        run = project.wait(project.start(ODD))
        assert run["status"] == "SUCCEEDED", run["details"]
        assert any(name.endswith(".adj") for name in project.results(ODD))
        assert not list(tmp_path.rglob("pwned"))
    finally:
        stop_facility(project.root)
    assert leftovers(project.root) == []
