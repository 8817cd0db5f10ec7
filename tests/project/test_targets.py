from __future__ import annotations

import pytest

from headrace.config import ProjectError, local_id
from headrace.endpoints.configuration_check import endpoint_problems
from headrace.facility import write_settings
from headrace.facility.settings import SettingsFile
from headrace.project import Project, connect, facility_settings, load_project
from tests.support.ids import an_id


def test_the_facility_serves_collections_and_endpoints_by_their_ids(project: Project) -> None:
    settings = facility_settings(project)
    assert {c.name: c.id for c in settings.collections} == {
        "here": local_id("collection", "here"),
        "there": an_id("there"),
    }
    (endpoint,) = settings.endpoints
    assert endpoint.template == str(project.templates_dir / "local")
    assert endpoint.options == {"workers": 2}


def test_a_missing_template_is_named_and_hides_nothing(project: Project) -> None:
    (project.templates_dir / "local").rename(project.templates_dir / "slurm")
    (endpoint,) = facility_settings(project).endpoints
    assert endpoint.template == str(project.templates_dir / "local")
    (told,) = endpoint_problems(project)
    assert told.startswith(f"endpoint machine: no template folder {endpoint.template}")


def test_a_running_facility_takes_up_what_changes_in_headrace_toml(project: Project) -> None:
    write_settings(project.root, facility_settings(project))
    served = SettingsFile(project.root)
    (before,) = (c for c in served.current().collections if c.name == "here")
    text = project.config_file.read_text()

    project.config_file.write_text(text.replace('root = "data"', 'root = "disk2"'))
    (after,) = (c for c in served.current().collections if c.name == "here")
    assert (before.id, after.root) == (after.id, str(project.root / "disk2"))

    # What cannot be read changes nothing, is told, and is looked at again once it is put right.
    project.config_file.write_text("[collections.here\n")
    assert served.current().collection(after.id) == after
    assert "headrace.toml" in served.problem
    project.config_file.write_text(text)
    assert served.current().collection(before.id) == before
    assert served.problem == ""


def test_the_environment_that_settings_were_made_in_counts_for_their_changes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_COLLECTION_HERE_ROOT", "/scratch/elsewhere")
    write_settings(project.root, facility_settings(load_project(project.root)))
    monkeypatch.delenv("HEADRACE_COLLECTION_HERE_ROOT")
    text = project.config_file.read_text()
    project.config_file.write_text(text + '\n[collections.third]\nroot = "third"\n')
    roots = {c.name: c.root for c in SettingsFile(project.root).current().collections}
    assert roots["here"] == "/scratch/elsewhere"
    assert roots["third"] == str(project.root / "third")


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
            connect(load_project(project.root), "local", report=told.append)
    assert told
    assert "collection here" in told[0]
    assert str(project.root / "disk2") in told[0]
    assert str(project.root / "data") in told[0]
