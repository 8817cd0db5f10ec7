"""Python programs add members from memory, run a campaign, and read what became of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.campaigns import CampaignError
from headrace.facility import stop_facility
from headrace.python_api.campaign import MembersFailed
from tests.support.small_project import write_project

SAY = {
    "StartAt": "IsBad",
    "States": {
        "IsBad": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.word", "StringEquals": "bad", "Next": "Stop"}],
            "Default": "Say",
        },
        "Stop": {"Type": "Fail", "Error": "Bad", "Cause": "the word is bad"},
        "Say": {
            "Type": "Pass",
            "Parameters": {"facts": {"word.$": "$.word"}},
            "ResultPath": "$.Run",
            "End": True,
        },
    },
}
CAMPAIGN = """\
[members]
key = "{name}"
[start]
flow = "say"
[start.input]
word = "{word}"
[results]
facts = "output.Run.facts"
directory = "here:/out/{key}/"
[keep.results]
collection = "here"
"""
TD = """\
[members.directories]
collection = "here"
path = "/sims/"
find = ["input"]
[start]
flow = "say"
[start.input]
word = "{name}"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[headrace.Project]:
    root = write_project(tmp_path_factory.mktemp("project"))
    (root / "headrace.toml").write_text('name = "small"\n[collections.here]\nroot = "data"\n')
    (root / "flows" / "say" / "definition.json").write_text(json.dumps(SAY))
    (root / "campaigns").mkdir()
    for name, text in (("words", CAMPAIGN), ("more", CAMPAIGN), ("places", TD)):
        (root / "campaigns" / f"{name}.toml").write_text(text)
    project = headrace.Project(root)
    try:
        project.deploy("say")
        yield project
    finally:
        stop_facility(root)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows, whether pandas is there or not."""
    if isinstance(table, list):
        return table
    return list(table.reset_index().to_dict("records"))


def test_members_from_memory_run_to_their_end(project: headrace.Project) -> None:
    campaign = project.campaign("words")
    assert campaign.add({"name": "first", "word": "hello"}, priority=3) == ["first"]
    more = [{"name": f"m{n}", "word": "hi" if n else "bad"} for n in range(3)]
    assert campaign.add(more, group="many") == ["m0", "m1", "m2"]
    assert campaign.add(more[1], group="many") == ["m1"], "it is there already"
    (project.root / "data" / "out" / "first").mkdir(parents=True)
    assert campaign.start().total == 4
    with pytest.raises(MembersFailed, match="1 failed; `headrace campaign why words`"):
        campaign.wait(120)
    status = campaign.wait(check=False)
    assert (status.state, status.counts["done"], status.counts["failed"]) == ("ended", 3, 1)
    rows = rows_of(campaign.table())
    assert [(row["key"], row["state"]) for row in rows][:2] == [("first", "done"), ("m0", "failed")]
    assert rows[0]["facts.word"] == "hello"
    assert campaign.results() == {"first": project.root / "data" / "out" / "first"}
    assert campaign.results("first").name == "first"
    with pytest.raises(CampaignError, match="m1 of campaign words has no results"):
        campaign.results("m1")
    assert campaign.retry() == ["m0"]
    assert campaign.graft("say", after="member", body={"word": "{key}"}, label="after {key}") == 3
    with pytest.raises(CampaignError, match="graft say: its input has no 'word', which flows/say"):
        campaign.graft("say", after="leg")
    with pytest.raises(CampaignError, match="no flow 'sya'"):
        campaign.graft("sya", after="leg")
    with (project.root / "data/campaigns/words/table.csv").open(newline="") as stream:
        assert len([*csv.DictReader(stream)]) == 4


def test_a_campaign_is_paused_and_resumed(project: headrace.Project) -> None:
    campaign = project.campaign("more")
    campaign.add({"name": "a", "word": "x"})
    campaign.start(driver=False)
    campaign.pause("dinner")
    assert (campaign.status().state, campaign.status().pause_reason) == ("paused", "dinner")
    campaign.resume()
    with pytest.raises(TimeoutError, match="has not ended within"):
        campaign.wait(0.1)


def test_arrays_become_files_and_their_columns_paths(project: headrace.Project) -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is not installed")
    campaign = project.campaign("more")
    data = numpy.linspace(0.0, 1.0, 7)
    campaign.add({"name": "array", "word": "x", "data": data, "count": numpy.int64(7)})
    [row] = [row for row in rows_of(campaign.table()) if row["key"] == "array"]
    assert (row["data"], row["count"]) == ("/campaigns/more/inputs/array/data.npy", 7)
    written = numpy.load(project.root / "data" / row["data"].lstrip("/"))
    assert numpy.array_equal(written, data)
    with pytest.raises(CampaignError, match="cannot be written"):
        campaign.add({"name": "b", "word": "x", "data": numpy.array([object()])})


def test_a_directory_is_added(project: headrace.Project, tmp_path: Path) -> None:
    (tmp_path / "td1").mkdir()
    (tmp_path / "td1" / "input").write_text("1")
    campaign = project.campaign("places")
    assert campaign.add(tmp_path) == ["td1"]
    assert campaign.add(str(tmp_path / "td1")) == ["td1"]
    (tmp_path / "td2").mkdir()
    (tmp_path / "td2" / "input").symlink_to(tmp_path / "td1" / "input")
    with pytest.raises(CampaignError, match="leads out of"):
        campaign.add(tmp_path)


def test_members_that_cannot_be_added_are_named_and_none_is(project: headrace.Project) -> None:
    campaign = project.campaign("more")
    before = len(rows_of(campaign.table()))
    with pytest.raises(CampaignError, match="member 1 of 2: key 'b b' has ' '"):
        campaign.add([{"name": "good", "word": "x"}, {"name": "b b", "word": "x"}])
    with pytest.raises(CampaignError, match="'c' stands twice"):
        campaign.add([{"name": "c", "word": "x"}, {"name": "c", "word": "y"}])
    assert len(rows_of(campaign.table())) == before
    assert {"more", "words"} <= set(project.campaigns())
    with pytest.raises(CampaignError, match="no campaign 'wrods'"):
        project.campaign("wrods")
