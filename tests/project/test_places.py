from __future__ import annotations

import shutil

import pytest
from some_ids import an_id

from headrace.facility import write_settings
from headrace.project import (
    Project,
    ProjectError,
    connect,
    facility_settings,
    load_project,
    local_id,
)


def test_the_facility_serves_collections_and_endpoints_by_their_ids(project: Project) -> None:
    settings = facility_settings(project)
    assert {c.name: c.id for c in settings.collections} == {
        "here": local_id("collection", "here"),
        "there": an_id("there"),
    }
    (endpoint,) = settings.endpoints
    assert endpoint.template == str(project.templates_dir / "local")
    assert endpoint.options == {"workers": 2}


def test_a_missing_template_names_those_that_are_there(project: Project) -> None:
    shutil.rmtree(project.templates_dir / "local")
    (project.templates_dir / "slurm").mkdir()
    with pytest.raises(ProjectError, match=r"endpoints\.machine\.template: .*there are: slurm"):
        facility_settings(project)


def test_without_a_facility_the_way_out_is_told(project: Project) -> None:
    with pytest.raises(ProjectError, match="no facility is running: run `headrace facility up`"):
        connect(project, "local")


def test_a_collection_that_shows_another_directory_is_told(project: Project) -> None:
    write_settings(project.root, facility_settings(project))
    config = project.config_file.read_text().replace('root = "data"', 'root = "disk2"')
    project.config_file.write_text(config)
    told: list[str] = []
    for _ in range(2):
        with pytest.raises(ProjectError, match="no facility"):
            connect(load_project(project.root), "local", say=told.append)
    assert told
    assert "collection here" in told[0]
    assert str(project.root / "disk2") in told[0]
    assert str(project.root / "data") in told[0]
