from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import load_project, read_flow


def test_a_flow_is_read_with_its_schema_and_metadata(root: Path) -> None:
    flow = load_project(root).flows()["say"]
    assert flow.title == "Say a word"
    assert flow.definition["StartAt"] == "Say"
    assert flow.input_schema["required"] == ["word"]
    assert flow.metadata()["keywords"] == ["words"]
    assert flow.metadata()["flow_viewers"] == []


def test_a_definition_alone_is_a_flow(tmp_path: Path) -> None:
    (tmp_path / "my_flow").mkdir()
    (tmp_path / "my_flow" / "definition.json").write_text("{}")
    flow = read_flow(tmp_path / "my_flow")
    assert (flow.title, flow.input_schema) == ("My flow", {})


def test_the_hash_follows_content_and_not_layout(root: Path) -> None:
    directory = root / "flows" / "say"
    before = read_flow(directory).sha256()
    path = directory / "definition.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=7))
    assert read_flow(directory).sha256() == before
    (directory / "flow.toml").write_text('title = "Say a word"\nkeywords = ["words", "more"]\n')
    assert read_flow(directory).sha256() != before


def test_json_errors_name_line_and_column(root: Path) -> None:
    path = root / "flows" / "say" / "definition.json"
    path.write_text('{\n "StartAt": "Say",,\n}')
    with pytest.raises(ProjectError, match=r"definition\.json:2:19: not JSON"):
        load_project(root).flows()


def test_unknown_metadata_is_refused(root: Path) -> None:
    (root / "flows" / "say" / "flow.toml").write_text('title = "x"\n[roles]\nviewer = []\n')
    with pytest.raises(ProjectError, match=r"flow\.toml:3: roles\.viewer: unknown key"):
        load_project(root).flows()


def test_two_flows_may_not_share_a_title(root: Path) -> None:
    other = root / "flows" / "tell"
    other.mkdir()
    (other / "definition.json").write_text("{}")
    (other / "flow.toml").write_text('title = "Say a word"')
    with pytest.raises(ProjectError, match="is also that of flow 'say'"):
        load_project(root).flows()


def test_the_projects_own_flows_are_read(repository: Path) -> None:
    assert load_project(repository).flow("adjoint_sources").title == "Adjoint sources"
    with pytest.raises(ProjectError, match=r"no flow 'adjoint'.*known: .*adjoint_sources"):
        load_project(repository).flow("adjoint")
