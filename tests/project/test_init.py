from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import check_flows, init_project, load_project
from headrace.project.scaffold import FOLDERS
from headrace.triggers import load_triggers


def test_a_new_project_is_complete(tmp_path: Path) -> None:
    files = init_project(tmp_path / "new")
    project = load_project(tmp_path / "new")
    assert {"adjoint_sources", "data_run"} <= set(project.flows())
    roots = {name: collection.root for name, collection in project.collections.items()}
    triggers = {trigger.name: trigger for trigger in load_triggers(project.triggers_dir, roots)}
    assert triggers["adjoint_sources"].directory == project.root / "data" / "incoming"
    assert triggers["data_run"].directory == project.root / "data" / "runs"
    assert (project.root / "scratch").is_dir()
    for file in files:
        assert (project.root / file).is_file()
        assert file.parts[0] in {*FOLDERS, "headrace.toml", ".gitignore"}
        assert "__pycache__" not in file.parts


def test_a_pipeline_brings_its_campaign_with_its_table(tmp_path: Path) -> None:
    init_project(tmp_path, ["sweep"])
    there = {path.name for path in (tmp_path / "campaigns").iterdir()}
    assert there == {"sweep.toml", "sweep.csv"}
    assert not (tmp_path / "triggers").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    init_project(tmp_path)
    mine = tmp_path / "headrace.toml"
    mine.write_text("# mine")
    with pytest.raises(ProjectError, match=r"is there already \(and \d+ more\)"):
        init_project(tmp_path)
    assert mine.read_text() == "# mine"


def test_other_files_may_be_there(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "README.md").write_text("mine\n")
    init_project(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["adjoint_sources", "inversion", "data_run"])
def test_one_pipeline_brings_its_own_files_alone(tmp_path: Path, name: str) -> None:
    files = init_project(tmp_path, [name])
    shared = {"launch_ranks.sh", "site_command.sbatch"}
    for file in files:
        if file.parts[0] == "flows":
            assert file.parts[1] == name
        elif file.parts[0] in {"compute_functions", "job_scripts", "triggers"}:
            assert file.name.startswith(name) or file.name in shared
    project = load_project(tmp_path)
    assert list(project.flows()) == [name]
    assert check_flows(project) == []
    roots = {name: collection.root for name, collection in project.collections.items()}
    (trigger,) = load_triggers(project.triggers_dir, roots)
    assert trigger.directory.is_dir()


def test_several_pipelines_and_dashes_in_their_names(tmp_path: Path) -> None:
    init_project(tmp_path, ["data-run", "minimal"])
    assert list(load_project(tmp_path).flows()) == ["data_run", "minimal"]


def test_the_smallest_project_has_one_flow_and_needs_nothing_else(tmp_path: Path) -> None:
    files = init_project(tmp_path, ["minimal"])
    assert {file.parts[0] for file in files} == {
        *("headrace.toml", ".gitignore", "flows", "endpoint_configs")
    }
    assert [path.name for path in (tmp_path / "endpoint_configs").iterdir()] == ["local"]
    project = load_project(tmp_path)
    assert check_flows(project) == []
    assert [endpoint.template for endpoint in project.endpoints.values()] == ["local"]


def test_an_unknown_pipeline_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no pipeline 'inverson' .*did you mean 'inversion'\?"):
        init_project(tmp_path / "new", ["inverson"])
    assert not (tmp_path / "new").exists()
