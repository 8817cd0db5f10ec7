"""New campaigns, from an example and for a flow: their files are sound as they are made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError, load_campaign, read_campaign
from headrace.campaigns.campaign_creation import create_campaign, example_names
from headrace.project import Project, load_project
from tests.support.repository import REPOSITORY
from tests.support.small_project import write_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_project(tmp_path)
    return load_project(tmp_path)


def test_an_example_is_copied_with_its_table(project: Project) -> None:
    assert {"sweep"} <= set(example_names())
    made = create_campaign(project, "springs", example="sweep")
    assert made.files == (Path("campaigns/springs.toml"), Path("campaigns/springs.csv"))
    assert made.flow == "sweep"
    campaign = read_campaign(project.root / "campaigns" / "springs.toml")
    assert campaign.table_file == project.root / "campaigns" / "springs.csv"
    table = (REPOSITORY / "campaigns" / "sweep.csv").read_text()
    assert (project.root / "campaigns" / "springs.csv").read_text() == table
    assert any("sweep" in line for line in made.missing), "the project has no such flow"


def test_a_flow_says_its_input(project: Project) -> None:
    schema = {
        "type": "object",
        "required": ["data", "steps", "damping", "name", "compute", "keep"],
        "properties": {
            "data": {"type": "object", "properties": {"id": {}, "path": {}}},
            "steps": {"type": "integer"},
            "damping": {"type": "number"},
            "name": {"type": "string"},
            "keep": {"type": "boolean"},
            "compute": {
                "type": "object",
                "required": ["endpoint", "function"],
                "properties": {
                    "endpoint": {"type": "string", "format": "uuid"},
                    "function": {"type": "string", "format": "uuid"},
                },
            },
            "optional": {"type": "string"},
        },
    }
    (project.root / "flows" / "say" / "input_schema.json").write_text(json.dumps(schema))
    made = create_campaign(project, "napa", flow="say")
    assert made.missing == ()
    campaign = load_campaign(project, "napa")
    assert campaign.steps[0].input == {
        "data": {"collection": "here", "path": "/{key}/"},
        "steps": "{steps:int}",
        "damping": "{damping:float}",
        "name": "{name}",
        "compute": {
            "endpoint": {"endpoint": "{endpoint}"},
            "function": {"function": "double"},
        },
        "keep": False,
    }
    header = (project.root / "campaigns" / "napa.csv").read_text()
    assert header == "steps,damping,name\n"
    assert [lane.name for lane in campaign.lanes] == ["machine"]


def test_columns_are_those_of_objects_in_the_input_as_well(project: Project) -> None:
    job = {
        "type": "object",
        "required": ["directory", "cores"],
        "properties": {"directory": {"type": "string"}, "cores": {"type": "integer"}, "how": {}},
    }
    settings = {"type": "object", "properties": {"memory": {"type": "string"}}}
    schema = {
        "type": "object",
        "required": ["job", "settings"],
        "properties": {"job": job, "settings": settings},
    }
    (project.root / "flows" / "say" / "input_schema.json").write_text(json.dumps(schema))
    create_campaign(project, "napa", flow="say")
    campaign = load_campaign(project, "napa")
    wanted = {"job": {"directory": "{directory}", "cores": "{cores:int}"}, "settings": {}}
    assert campaign.steps[0].input == wanted
    assert (project.root / "campaigns" / "napa.csv").read_text() == "key,directory,cores\n"


def test_the_columns_of_a_table_that_is_there_are_taken(project: Project, tmp_path: Path) -> None:
    table = project.root / "runs.csv"
    table.write_text("run,word\n1,a\n")
    create_campaign(project, "napa", table=table)
    campaign = load_campaign(project, "napa")
    assert campaign.table_file is not None
    assert campaign.table_file.resolve() == table
    assert campaign.members.key == "{run}"


def test_nothing_is_overwritten_and_unknown_names_are_told(project: Project) -> None:
    create_campaign(project, "napa")
    for name, options, words in (
        ("napa", {}, "is there already"),
        ("a/b", {}, "use letters"),
        ("other", {"flow": "sya"}, "did you mean 'say'"),
        ("other", {"example": "sweeep"}, "did you mean 'sweep'"),
    ):
        with pytest.raises(CampaignError, match=words):
            create_campaign(project, name, **options)  # type: ignore[arg-type]
    (project.root / "flows" / "more").mkdir()
    (project.root / "flows" / "more" / "definition.json").write_text(
        (project.root / "flows" / "say" / "definition.json").read_text()
    )
    with pytest.raises(CampaignError, match="say which flow"):
        create_campaign(project, "other")
