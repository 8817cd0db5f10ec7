from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import init_project, load_project
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
