from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import Project, check_flows, init_project, load_project
from headrace.project.flow_creation import create_flow
from headrace.triggers import load_triggers


@pytest.fixture
def project(tmp_path: Path) -> Project:
    init_project(tmp_path, ["data_run"])
    return load_project(tmp_path)


def files_of(project: Project) -> set[Path]:
    return {path for path in project.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("parts", [(), ("function",), ("trigger",), ("function", "trigger")])
def test_a_new_flow_checks_clean(project: Project, parts: tuple[str, ...]) -> None:
    before = files_of(project)
    made = create_flow(project, "greet", parts=parts)
    assert {project.root / file for file in made.files} == files_of(project) - before
    assert check_flows(project, ["greet"], "local") == []
    assert project.flow("greet").title == "Greet"
    assert (made.endpoint == "simulation") == ("function" in parts)
    if "function" in parts:
        assert list(project.functions(["greet"])) == ["greet"]
    if "trigger" in parts:
        roots = {name: one.root for name, one in project.collections.items()}
        (trigger,) = (t for t in load_triggers(project.triggers_dir, roots) if t.name == "greet")
        assert trigger.flow == "greet"
        assert trigger.directory == made.watched
        assert trigger.directory.is_dir()


def test_a_copy_differs_in_its_title_alone(project: Project) -> None:
    made = create_flow(project, "data_run_fast", "data_run")
    first, second = project.flows_dir / "data_run", project.flows_dir / "data_run_fast"
    assert len(made.files) == 3
    for name in ("definition.json", "input_schema.json"):
        assert json.loads((first / name).read_text()) == json.loads((second / name).read_text())
    titles = [tomllib.loads((one / "flow.toml").read_text()) for one in (first, second)]
    assert titles[1].pop("title") == "Data run fast"
    assert titles[0].pop("title") == "Data run"
    assert titles[0] == titles[1]
    assert set(project.flows()) == {"data_run", "data_run_fast"}


def test_two_flows_never_have_one_title(project: Project) -> None:
    create_flow(project, "Data_run")
    assert project.flow("Data_run").title == "Data run (Data_run)"


@pytest.mark.parametrize(
    ("name", "source", "parts", "message"),
    [
        ("my-flow", "minimal", (), r"flow 'my-flow': .*, such as 'my_flow'"),
        ("../up", "minimal", (), r"flow '\.\./up': .*, such as 'up'"),
        ("", "minimal", (), r"flow '': a name is letters"),
        ("import", "minimal", (), r"is no word of Python's$"),
        ("data_run", "minimal", (), r"flows/data_run: is there already; choose another name"),
        ("data_run_analyze", "minimal", ("function",), r"data_run_analyze\.py: is there already"),
        ("new", "dta_run", (), r"no flow 'dta_run' in .*did you mean 'data_run'\?"),
        ("new", "inversion", (), r"no flow 'inversion' in .*; `headrace init DIR --for inversion`"),
        ("new", "data_run", ("trigger",), r"a copy of flow 'data_run' has no new trigger"),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    project: Project, name: str, source: str, parts: tuple[str, ...], message: str
) -> None:
    before = files_of(project)
    with pytest.raises(ProjectError, match=message):
        create_flow(project, name, source, parts)
    assert files_of(project) == before


def test_a_function_needs_an_endpoint(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("")
    project = load_project(tmp_path)
    for part, kind in (("function", "endpoint"), ("trigger", "collection")):
        with pytest.raises(ProjectError, match=rf"no {kind}: add \[{kind}s\.NAME\]"):
            create_flow(project, "greet", parts=[part])
    assert create_flow(project, "greet").watched is None
