from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from headrace.config import Deployed, DeployedFunction, Lock, ProjectError, local_id
from headrace.project import Project, load_project
from headrace.runs import check_input, resolve_input
from tests.support.ids import an_id

LOCK = Lock({"local": Deployed().with_function("double", DeployedFunction("the-id", "h"))})


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        (
            {"collection": "here", "path": "/a/"},
            {"id": local_id("collection", "here"), "path": "/a/"},
        ),
        ({"endpoint": "machine"}, local_id("endpoint", "machine")),
        ({"function": "double"}, "the-id"),
        ({"directory": {"collection": "there", "path": "/a/b/"}}, "/scratch/there/a/b"),
        ({"project_on": "machine"}, "/home/me/small"),
        ([{"x": [{"function": "double"}]}], [{"x": ["the-id"]}]),
        ({"endpoint": {"endpoint": "machine"}}, {"endpoint": local_id("endpoint", "machine")}),
        ({"collection": "here", "path": "/a/", "more": 1},) * 2,
        ({"function": 3},) * 2,
        ("{name}",) * 2,
    ],
)
def test_names_are_resolved_at_any_depth(project: Project, value: Any, resolved: Any) -> None:
    assert resolve_input(project, LOCK, "local", value) == resolved


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"collection": "her", "path": "/"}, r"no collection 'her' in .*known: here, there"),
        ({"endpoint": "x"}, r"no endpoint 'x' in .*known: machine"),
        ({"project_on": "x"}, r"no endpoint 'x'"),
        ({"function": "treble"}, r"no function 'treble' in .*known: double"),
        (
            {"directory": {"collection": "there", "path": "/a/../b"}},
            "must not leave its collection",
        ),
    ],
)
def test_unknown_names_list_the_known_ones(project: Project, value: Any, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        resolve_input(project, LOCK, "local", value)


def test_an_endpoints_options_travel_with_the_task_at_the_hosted_services_alone(project: Project):
    value = {"options_of": "machine"}
    assert resolve_input(project, LOCK, "local", value) == {}
    options = resolve_input(project, LOCK, "globus", value)
    assert options == project.endpoint("machine").options
    assert options


def test_a_function_that_is_not_deployed_tells_how_to(project: Project) -> None:
    with pytest.raises(ProjectError, match="run `headrace deploy --at globus`"):
        resolve_input(project, LOCK, "globus", {"function": "double"})


def test_the_trigger_of_this_repository_gives_an_input_that_fits(repository: Path) -> None:
    project = load_project(repository)
    function = DeployedFunction(an_id("function"), "h")
    lock = Lock({"local": Deployed().with_function("adjoint_sources", function)})
    text = (repository / "triggers" / "adjoint_sources.toml").read_text()
    template = tomllib.loads(text.replace("{path}", "/incoming/x/"))["start"]["input"]
    body = resolve_input(project, lock, "local", template)
    check_input("adjoint_sources", body, project.flow("adjoint_sources").input_schema)
    assert body["compute"]["project"] == str(project.root)


def test_an_input_that_does_not_fit_names_the_member(project: Project) -> None:
    schema = project.flow("say").input_schema
    with pytest.raises(ProjectError, match=r"flow 'say': \$\.count: 'x' is not of type 'integer'"):
        check_input("say", {"word": "a", "count": "x"}, schema)
    with pytest.raises(ProjectError, match=r"\$\.function: 'x' is not a 'uuid'"):
        check_input("say", {"word": "a", "function": "x"}, schema)
