"""Campaign files: what they may say, and what is said about their mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import (
    CampaignError,
    CampaignProblems,
    MemberRefused,
    campaign_names,
    campaign_of_definition,
    load_campaign,
    read_campaign,
)
from headrace.campaigns.campaign_loading import campaign_file_problems
from headrace.campaigns.rendering import (
    Attempt,
    attempt_placeholders,
    condition_holds,
    member_placeholders,
    render,
    render_number,
    value_at,
)
from headrace.project import load_project

FULL = """
title = "NapA, 400 replicas to 50 ns"
priority = 10

[members]
table = "napa.csv"
key = "{name}"
priority = "{prio}"
group = "{protein}"
needs = "{parent}"
hash = ["workstation:{path}"]

[[steps]]
name = "prepare"
flow = "setup"
when = "charge != '0'"
input = { structure = { collection = "workstation", path = "{path}" } }

[[steps]]
name = "simulate"
flow = "md"
label = "{name}, leg {leg}"
cost = "{hours}"
licences = { matlab = 1 }
legs = { done = "output.Assess.done", at_most = 20 }
[steps.input]
endpoint = { endpoint = "{endpoint}" }
temperature = "{temperature:float}"
partition = "{lane.partition}"
memory = "{grow.memory}"
directory = "{attempt_directory}"
previous = "{previous_directory}"

[results]
facts = "output.Run.facts"

[lanes.frontera]
endpoint = "simulation"
collection = "hpc"
open = 60
takes = ["gpu", "any"]
weight = 2
values = { partition = "gpu" }

[lanes.own]
endpoint = "analysis"
takes = ["small"]

[limits]
open = 200
starts = "15 in 10 s"
licences = { matlab = 4 }
stop_when = ["10 failures in a row", "20 % of the last 50"]

[retries]
attempts = 2
free = ["node lost", "lost lane"]
grow = { memory = 2.0 }

[after.leg]
flow = "quicklook"
when = "leg % 5 == 0"
[after.group]
flow = "compare"
input = { members = "{members_file}" }

[keep]
scratch = "7 days"
results = { collection = "workstation", path = "/campaigns/napa/" }
"""
SMALL = """
[start]
flow = "md"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "headrace.toml").write_text(
        '[collections.workstation]\nroot = "data"\n[collections.hpc]\nroot = "scratch"\n'
        "[endpoints.simulation]\n[endpoints.analysis]\n"
        "[profiles.frontera.endpoints.big]\n"
    )
    for flow in ("setup", "md", "quicklook", "compare"):
        (tmp_path / "flows" / flow).mkdir(parents=True)
        (tmp_path / "flows" / flow / "definition.json").write_text(
            json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
        )
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "napa.csv").write_text("name,prio,protein,parent,path,charge\n")
    return tmp_path


def written(project: Path, text: str, name: str = "napa") -> Path:
    file = project / "campaigns" / f"{name}.toml"
    file.write_text(text)
    return file


def problem(project: Path, text: str) -> str:
    with pytest.raises(CampaignError) as caught:
        read_campaign(written(project, text))
    return str(caught.value).removeprefix(f"{project}/campaigns/napa.toml")


def test_every_table_is_read(project: Path) -> None:
    written(project, FULL)
    campaign = load_campaign(load_project(project), "napa")
    assert (campaign.name, campaign.title, campaign.priority) == (
        "napa",
        "NapA, 400 replicas to 50 ns",
        10.0,
    )
    assert campaign.table_file == project / "campaigns" / "napa.csv"
    assert [step.name for step in campaign.steps] == ["prepare", "simulate"]
    assert campaign.step_named("simulate") == 1
    legs = campaign.steps[1].legs
    assert legs is not None
    assert (legs.done, legs.at_most) == ("output.Assess.done", 20)
    assert [lane.name for lane in campaign.lanes] == ["frontera", "own"]
    rate = campaign.limits.start_rate
    assert rate is not None
    assert (rate.count, rate.seconds) == (15, 10.0)
    row, share = campaign.limits.stop_rules
    assert (row.failures, share.share, share.last) == (10, 0.2, 50)
    assert campaign.retries.backoff_seconds == 60.0
    assert [(graft.after, graft.label) for graft in campaign.grafts] == [
        ("leg", "{campaign} {key} {step} {leg}"),
        ("group", "{campaign} {group}"),
    ]
    assert campaign.flows == ("setup", "md", "quicklook", "compare")
    assert campaign.keep.scratch_seconds == 7 * 86_400
    assert campaign_names(project) == ["napa"]


def test_the_smallest_file_has_one_step_and_one_lane(project: Path) -> None:
    campaign = read_campaign(written(project, SMALL))
    assert [(step.name, step.flow, step.pack) for step in campaign.steps] == [("run", "md", 1)]
    assert [(lane.name, lane.endpoint, lane.open) for lane in campaign.lanes] == [
        ("default", "", None)
    ]
    assert campaign.table_file is None
    assert campaign.title == "napa"


def test_a_campaign_is_made_again_of_its_definition(project: Path) -> None:
    campaign = read_campaign(written(project, FULL))
    kept = json.loads(campaign.definition_json)
    again = campaign_of_definition(kept, campaign.file)
    assert again == campaign
    assert again.definition_sha == campaign.definition_sha
    other = read_campaign(written(project, FULL.replace("open = 60", "open = 61")))
    assert other.definition_sha != campaign.definition_sha


@pytest.mark.parametrize(
    ("category", "lanes"), [("gpu", ["frontera"]), ("", ["frontera"]), ("small", ["own"])]
)
def test_lanes_take_categories(project: Path, category: str, lanes: list[str]) -> None:
    campaign = read_campaign(written(project, FULL))
    assert [lane.name for lane in campaign.lanes_for(category)] == lanes
    assert campaign.lanes_for("other") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[members]\n",
            ": needs [start], or several [[steps]]: the flow that each member goes through",
        ),
        (
            '[strat]\nflow = "md"\n',
            ": line 1: strat: unknown key; did you mean 'start'? known: after, keep",
        ),
        (
            SMALL + "[limits]\nopne = 3\n",
            ": line 5: limits.opne: unknown key; did you mean 'open'?",
        ),
        (
            SMALL + '[limits]\nstarts = "often"\n',
            ": line 5: limits.starts: 'often' is no rate: write \"15 in 10 s\"",
        ),
        (
            SMALL + '[limits]\nstop_when = "when it fails"\n',
            "limits.stop_when: 'when it fails' is no rule",
        ),
        (
            SMALL + '[members]\ntable = "a.csv"\ntrigger = "t"\n',
            "members.trigger: is instead of members.table; leave one of them out",
        ),
        (
            SMALL + '[members]\ntable = "a.xlsx"\n',
            ': line 5: members.table: "a.xlsx" must end with .csv or .tsv or',
        ),
        (
            SMALL + '[members.directories]\ncollection = "c"\n',
            "members.directories: needs find or check: every directory would be a member",
        ),
        (
            SMALL + '[retries]\nfree = ["node is lost"]\n',
            "retries.free: \"node is lost\" is no cause of a failure; did you mean 'node lost'?",
        ),
        (
            SMALL + '[results]\nfacts = "Run.facts"\n',
            'results.facts: "Run.facts" is no path into a run\'s output',
        ),
        (
            SMALL + "pack = 10\n",
            ": line 4: start.pack: needs member, the template of one item of {members}",
        ),
        (
            SMALL + '[[steps]]\nname = "a"\nflow = "md"\n',
            ": line 4: steps[0]: is instead of start; leave one of them out",
        ),
        (
            '[[steps]]\nname = "a"\nflow = "md"\n[[steps]]\nname = "a"\nflow = "md"\n',
            ': line 5: steps[1].name: "a" is the name of step 1 already',
        ),
        (
            SMALL + 'when = "leg %"\n',
            ": line 4: start.when: is no expression: ",
        ),
        (
            SMALL + 'label = "{key"\n',
            ': line 4: start.label: lone "{" in "{key"; write it twice',
        ),
        (
            SMALL + 'input = { n = "{key:integer}" }\n',
            "start.input.n: unknown placeholder {key:integer}: no type 'integer'",
        ),
        (
            SMALL + "[keep]\nscratch = 'a while'\n",
            ': line 5: keep.scratch: must be "until pulled", "always" or a time',
        ),
        (
            SMALL + "[after.group]\nflow = 'f'\nlabel = '{key}'\n",
            ": line 6: after.group.label: unknown placeholder {key}; known: campaign, group",
        ),
        (
            SMALL + "[lanes.'a b']\n",
            "use letters, digits, - and _, 64 at most",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(project: Path, text: str, message: str) -> None:
    found = problem(project, text)
    assert message in found
    assert "\n" not in found


def test_a_name_that_the_project_does_not_have_is_a_problem(project: Path) -> None:
    written(
        project,
        FULL.replace('flow = "md"', 'flow = "mdd"')
        .replace('endpoint = "analysis"', 'endpoint = "big"')
        .replace("{ matlab = 4 }", "{ mathlab = 4 }")
        .replace('table = "napa.csv"', 'table = "none.csv"')
        .replace('"gpu", "any"', '"gpu"'),
    )
    with pytest.raises(CampaignProblems) as caught:
        load_campaign(load_project(project), "napa")
    flow, table, endpoint, licence = caught.value.problems
    assert "no flow 'mdd'" in flow
    assert "did you mean 'md'?" in flow
    assert table.endswith("none.csv: no such file")
    assert "lanes.own.endpoint: no endpoint 'big' in headrace.toml" in endpoint
    assert "did you mean 'mathlab'?" in licence


def test_a_lane_names_endpoints_of_its_profile(project: Path) -> None:
    written(
        project,
        FULL.replace('endpoint = "analysis"', 'endpoint = "big"\nprofile = "frontera"'),
    )
    campaign = load_campaign(load_project(project), "napa")
    assert campaign.lane("own").profile == "frontera"
    file = written(project, FULL.replace('takes = ["small"]', 'profile = "fontera"'))
    (found,) = campaign_file_problems(file)
    assert "lanes.own.profile: no profile 'fontera'" in found
    assert "did you mean 'frontera'?" in found


def test_a_campaign_that_is_not_there_is_named(project: Path) -> None:
    with pytest.raises(CampaignError, match="`headrace campaign init NAME` makes one"):
        load_campaign(load_project(project), "napa")
    written(project, SMALL)
    with pytest.raises(CampaignError, match="did you mean 'napa'"):
        load_campaign(load_project(project), "nap")


def test_placeholders_of_an_attempt_are_filled_in(project: Path) -> None:
    campaign = read_campaign(written(project, FULL))
    row: dict[str, Any] = {"name": "r1", "temperature": "310", "path": "/in/r1/", "n": 3, "x": [1]}
    attempt = Attempt("simulate", campaign.lane("frontera"), leg=2, attempt=3, grow={"memory": 4.0})
    texts = member_placeholders("napa", "r1", row) | attempt_placeholders(campaign, attempt, "r1")
    assert render(campaign.steps[1].input, texts) == {
        "endpoint": {"endpoint": "simulation"},
        "temperature": 310.0,
        "partition": "gpu",
        "memory": 4.0,
        "directory": "r1/simulate-002.3",
        "previous": "",
    }
    assert render({"n": "{n}", "t": "n={n}", "as_text": "{n:text}", "x": "{x}"}, texts) == {
        "n": 3,
        "t": "n=3",
        "as_text": "3",
        "x": [1],
    }


def test_an_empty_column_is_not_zero(project: Path) -> None:
    texts = member_placeholders("napa", "r1", {"t": None, "word": "warm"})
    with pytest.raises(MemberRefused, match=r"input.t: \{t\} is empty in this row"):
        render({"t": "{t:float}"}, texts, "input")
    with pytest.raises(MemberRefused, match=r"input.t: \{t\} is empty in this row"):
        render({"t": "at {t} K"}, texts, "input")
    with pytest.raises(MemberRefused, match="'warm' is not a number"):
        render_number("{word}", texts, "members.priority")
    assert render_number("2.5e1", texts, "members.priority") == 25.0


def test_conditions_are_of_the_row_and_of_earlier_steps() -> None:
    assert condition_holds("", {})
    assert condition_holds("leg % 5 == 0", {}, leg=10)
    assert not condition_holds("charge > 0", {"charge": -1})
    assert condition_holds("steps.prepare.Run.ok", {}, outputs={"prepare": {"Run": {"ok": True}}})
    with pytest.raises(MemberRefused, match="when: "):
        condition_holds("missing > 0", {})


def test_a_value_of_an_output_is_found_by_its_path() -> None:
    output = {"Run": {"facts": {"rms": 1.5}, "list": [{"a": 1}]}}
    assert value_at(output, "output.Run.facts") == {"rms": 1.5}
    assert value_at(output, "output.Run.list.0.a") == 1
    assert value_at(output, "output.Other.facts") is None
    assert value_at(None, "output.Run.facts") is None
