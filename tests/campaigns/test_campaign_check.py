"""The check of a campaign: every row against its flow, needs, lanes, sizes and costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import Campaign, read_campaign
from headrace.campaigns.check import CampaignCheck, check_campaign
from headrace.campaigns.needs_graph import NeedsGraph
from headrace.config.lock_file import Deployed, DeployedFlow, DeployedFunction, Lock
from headrace.project import Project, load_project
from tests.support.ids import an_id

DEFINITION: dict[str, Any] = {
    "StartAt": "Which",
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.warm", "BooleanEquals": True, "Next": "Warm"}],
            "Default": "Run",
        },
        "Warm": {
            "Type": "Pass",
            "Parameters": {"t.$": "$.temperature"},
            "ResultPath": "$.at",
            "Next": "Run",
        },
        "Run": {"Type": "Pass", "Parameters": {"k.$": "$.key"}, "End": True},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["key", "warm", "endpoint"],
    "properties": {
        "key": {"type": "string"},
        "warm": {"type": "boolean"},
        "temperature": {"type": "number", "maximum": 400},
        "endpoint": {"type": "string", "format": "uuid"},
        "notes": {"type": "string"},
    },
}
PACK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["members"],
    "properties": {
        "members": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["n"],
                "properties": {"n": {"type": "integer"}},
            },
        }
    },
}
START = """
[members]
table = "t.csv"
key = "{name}"
[start]
flow = "warm"
[start.input]
key = "{key}"
warm = true
temperature = "{t:float}"
endpoint = { endpoint = "machine" }
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text(
        f'[endpoints.machine]\nid = "{an_id("machine")}"\n[endpoints.other]\n'
        f'id = "{an_id("other")}"\n[collections.here]\nroot = "data"\nid = "{an_id("here")}"\n'
    )
    flows = {"warm": (DEFINITION, SCHEMA)}
    flows["pack"] = ({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}, PACK_SCHEMA)
    for name, (definition, schema) in flows.items():
        folder = tmp_path / "flows" / name
        folder.mkdir(parents=True)
        (folder / "definition.json").write_text(json.dumps(definition))
        (folder / "input_schema.json").write_text(json.dumps(schema))
    (tmp_path / "campaigns").mkdir()
    found = load_project(tmp_path)
    deployed = Deployed(
        {name: DeployedFlow(an_id(name), "", "") for name in flows},
        {"double": DeployedFunction(an_id("double"), "")},
    )
    found.write_lock(Lock({"local": deployed, "globus": deployed}))
    return found


def campaign(project: Project, text: str, table: str) -> Campaign:
    folder = project.root / "campaigns"
    (folder / "t.csv").write_text(table)
    (folder / "napa.toml").write_text(text)
    return read_campaign(folder / "napa.toml")


def with_keys(keys: str) -> str:
    """Returns the campaign file with further keys of its step."""
    return START.replace("[start.input]", f"{keys}[start.input]")


def checked(project: Project, text: str, table: str, target: str = "local") -> CampaignCheck:
    return check_campaign(project, campaign(project, text, table), target)


def lines(project: Project, text: str, table: str, target: str = "local") -> list[str]:
    found = checked(project, text, table, target).lines()
    return [line.replace(f"{project.root}/campaigns/t.csv: ", "") for line in found]


def test_a_campaign_without_a_fault_is_summed_up(project: Project) -> None:
    text = with_keys('cost = "{hours}"\ndisk = 0.5\n') + "[limits]\ncore_hours = 3\n"
    table = "name,t,hours\na,300,1.5\nb,310,2.5\n"
    assert lines(project, text, table) == [
        "note: limits.core_hours is 3, and all members are expected to take 4: the last of them "
        "would not be started",
        "napa: 2 members, 4.0 core hours expected, 1.0 GB of disk expected: no problems.",
    ]
    found = checked(project, text, table)
    assert json.loads(json.dumps(found.document()))["core_hours"] == 4.0


def test_rows_are_checked_against_the_flow_and_grouped(project: Project) -> None:
    rows = "".join(f"r{number},{number}\n" for number in range(390, 420))
    assert lines(project, START, f"name,t\nx,\ny,warm\n{rows}") == [
        "line 2 (key x): start.input.temperature: {t} is empty in this row",
        "line 3 (key y): start.input.temperature: {t:float}: 'warm' is not a number",
        *(
            f"line {number - 386} (key r{number}): start.input.temperature: {number}.0 is greater "
            "than the maximum of 400; see flows/warm/input_schema.json"
            for number in range(401, 411)
        ),
        "... and 9 more rows like these",
        "napa: 32 members: 21 problems of 3 kinds.",
    ]


def test_what_a_row_does_not_have_and_its_way_through_the_flow_needs_is_found(
    project: Project,
) -> None:
    """The schema does not require the temperature; the state that a warm row reaches does."""
    text = START.replace('temperature = "{t:float}"\n', "")
    (first, second, end) = lines(project, text, "name\na\nb\n")
    assert first.startswith("line 2 (key a): flow warm: ")
    assert "$.temperature" in first
    assert second.startswith("line 3 (key b): flow warm: ")
    assert end == "napa: 2 members: 2 problems."
    cold = text.replace("warm = true", "warm = false")
    assert lines(project, cold, "name\na\nb\n") == ["napa: 2 members: no problems."]


def test_needs_are_checked_over_the_table(project: Project) -> None:
    table = "name,t,needs\na,1,c\nb,1,a\nc,1,b\nd,1,a e f\ng,1,other:x napa:a\n"
    assert lines(project, START, table) == [
        "key d: needs 'e', which no row has",
        "key d: needs 'f', which no row has",
        "key g: needs campaign 'other', which is not in campaigns/",
        "members need each other in a circle: a needs c needs b needs a",
        "napa: 5 members: 4 problems of 3 kinds.",
    ]


def test_a_chain_as_long_as_the_table_is_no_circle() -> None:
    graph = NeedsGraph("c")
    for number in range(50_000):
        graph.add(f"k{number}", [f"k{number + 1}"])
    graph.add("k50000", [])
    assert graph.circle() == []
    assert list(graph.unknown()) == []
    graph.add("k50000", ["c:k49990"])
    assert len(graph.circle()) == 11


def test_members_that_no_lane_takes_are_counted(project: Project) -> None:
    text = START + (
        '[lanes.one]\nendpoint = "machine"\ntakes = ["gpu"]\n[lanes.two]\nopen = 0\n'
        'takes = ["small"]\n'
    )
    table = "name,t,category\na,1,gpu\nb,1,big\nc,1,big\nd,1,\n"
    assert lines(project, text, table) == [
        "no lane takes category 'big': 2 members would wait for ever; add it to lanes.NAME.takes",
        "no lane takes members without a category: 1 member would wait for ever; add it to "
        "lanes.NAME.takes",
        "note: lane two takes nothing: open is 0",
        "napa: 4 members, lanes may take: one 1, two 0: 2 problems of 2 kinds.",
    ]


def test_each_lane_is_tried(project: Project) -> None:
    text = START.replace('"machine"', '"{endpoint}"') + (
        '[lanes.good]\nendpoint = "machine"\n[lanes.none]\n[lanes.also]\nendpoint = "other"\n'
    )
    (problem, *_) = lines(project, text, "name,t\na,1\nb,1\n")
    assert problem == (
        "line 2 (key a): start.input.endpoint.endpoint: {endpoint} has no endpoint in this lane "
        "(lane none)"
    )


def test_a_name_that_is_not_there_is_a_problem(project: Project) -> None:
    text = START.replace('"machine"', '"{where}"')
    (problem, _) = lines(project, text, "name,t,where\na,1,machin\nb,1,machine\n")
    assert problem.startswith("line 2 (key a): no endpoint 'machin' in ")
    assert "did you mean 'machine'?" in problem


def test_a_name_that_is_the_same_in_all_rows_is_told_of_once(project: Project) -> None:
    text = START.replace('"machine"', '"machin"')
    first, more, _ = lines(project, text, "name,t\na,1\nb,1\nc,1\n")
    assert first.startswith("line 2 (key a): no endpoint 'machin' in ")
    assert more == "... and 2 more rows like these"


def test_a_column_that_is_not_there_is_found_before_the_rows(project: Project) -> None:
    (problem, *_) = lines(project, START, "name,temp\na,1\n")
    assert problem == (
        "start.input.temperature: unknown placeholder {t:float}; known: attempt, "
        "attempt_directory, campaign, category, endpoint, group, key, lane, lane_collection, leg, "
        "name, previous_directory and 2 more"
    )
    (problem, *_) = lines(project, START, "name,t,leg\na,1,1\n")
    assert problem == (
        "column 'leg' has the name of a placeholder, which stands for something else: give it "
        "another name"
    )


def test_a_flow_that_is_not_deployed_is_a_problem(project: Project) -> None:
    project.write_lock(Lock())
    (problem, *_) = lines(project, START, "name,t\na,1\n")
    assert problem.startswith("start.flow: ")
    assert "headrace deploy" in problem


def test_inputs_that_the_hosted_service_would_refuse_are_found_there(project: Project) -> None:
    text = START + 'notes = "{notes}"\n'
    table = f"name,t,notes\na,1,x\nb,1,{'n' * 210_000}\n"
    assert lines(project, text, table) == ["napa: 2 members: no problems."]
    (problem, *_) = lines(project, text, table, "globus")
    assert problem.startswith("start.input: that of key b has 210,")
    assert problem.endswith("bytes as JSON, and 200,000 are taken: pass paths instead of content")


def test_a_pack_that_is_too_large_is_found(project: Project) -> None:
    text = (
        '[members]\ntable = "t.csv"\n[start]\nflow = "pack"\npack = 500\n'
        'member = { n = "{n:int}", text = "{text}" }\ninput = { members = "{members}" }\n'
    )
    table = f"name,n,text\na,1,{'n' * 1_000}\nb,x,y\n"
    first, second, _ = lines(project, text, table, "globus")
    assert first == "line 3 (key b): start.member.n: {n:int}: 'x' is not a whole number"
    assert second == (
        "start.pack: 500 members may have 509,013 bytes as JSON, and 200,000 are taken: write "
        "pack = 196"
    )


def test_a_step_that_the_row_alone_skips_is_not_checked(project: Project) -> None:
    text = with_keys("when = \"t != '0'\"\n")
    assert lines(project, text, "name,t\na,300\nb,0\n") == ["napa: 2 members: no problems."]
    text = with_keys("when = \"steps.before.warm and t != '0'\"\n")
    assert lines(project, text, "name,t\na,300\nb,0\n") == ["napa: 2 members: no problems."]


def test_members_that_come_later_are_checked_then(project: Project) -> None:
    text = START.replace('table = "t.csv"\n', "")
    assert lines(project, text, "") == [
        "note: members come by `headrace campaign add`: their rows are checked then",
        "napa: 0 members: no problems.",
    ]
    other = project.root / "more.json"
    other.write_text('[{"name": "a", "t": "x"}]')
    found = check_campaign(project, campaign(project, text, ""), "local", table=other)
    assert [group.examples for group in found.problems] == [
        [f"{other}: member 1 (key a): start.input.temperature: {{t:float}}: 'x' is not a number"]
    ]
