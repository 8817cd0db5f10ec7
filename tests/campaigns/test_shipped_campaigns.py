"""The campaigns that a project is made with say where results of their members are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headrace.campaigns.campaign_loading import load_campaign
from headrace.campaigns.members.new_members import open_rows
from headrace.campaigns.results_place import member_results
from headrace.project import load_project
from tests.support.repository import REPOSITORY


@pytest.mark.parametrize("name", ["sweep", "md", "ert"])
def test_results_are_where_the_flow_brings_them(name: str, tmp_path: Path) -> None:
    for part in ("headrace.toml", "campaigns", "flows", "endpoint_configs", "compute_functions"):
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, tmp_path / part)
        else:
            shutil.copy(source, tmp_path / part)
    project = load_project(tmp_path)
    campaign = load_campaign(project, name)
    row = next(iter(open_rows(campaign, project)[0].rows)).values if name != "ert" else {}
    directory = "one/run-002.1"
    place = member_results(project, campaign, "one", row, directory=directory, lane="simulation")
    assert place is not None
    home = campaign.steps[0].input["results"]
    assert place.collection == home["collection"]
    assert place.path == home["path"].format(campaign=name) + directory + "/"
