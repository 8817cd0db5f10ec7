"""The example campaign `sweep`: its rows, as its templates fill them in, run."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from headrace.campaigns.campaign_loading import load_campaign
from headrace.campaigns.rendering import (
    Attempt,
    attempt_placeholders,
    member_placeholders,
    render,
)
from headrace.compute.packs import run_pack
from headrace.project import load_project
from tests.support.repository import REPOSITORY


@pytest.fixture
def members() -> list[dict[str, Any]]:
    campaign = load_campaign(load_project(REPOSITORY), "sweep")
    step = campaign.steps[0]
    attempt = Attempt("start", campaign.lanes[0])
    with (REPOSITORY / "campaigns" / "sweep.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        render(
            step.member,
            member_placeholders("sweep", row["name"], row)
            | attempt_placeholders(campaign, attempt, row["name"]),
        )
        for row in rows
    ]


def test_its_members_are_as_the_flow_takes_them(members: list[dict[str, Any]]) -> None:
    schema = json.loads((REPOSITORY / "flows" / "sweep" / "input_schema.json").read_text())
    assert len(members) == 9
    jsonschema.validate(members, schema["properties"]["members"])


@pytest.mark.skipif(not shutil.which("awk"), reason="awk is not installed")
def test_its_command_does_what_it_says(members: list[dict[str, Any]], tmp_path: Path) -> None:
    outcomes = run_pack(str(tmp_path), members, how="here")["members"]
    assert {one["state"] for one in outcomes.values()} == {"done"}
    # The envelope falls as exp(-c t / 2); in 10 s a stiffness of 16 passes zero 13 times.
    weak, strong = outcomes["c0.1-k16"]["facts"], outcomes["c2-k1"]["facts"]
    assert (weak["crossings"], strong["crossings"]) == (13, 0)
    assert abs(strong["last"]) < 0.01 < abs(weak["last"])
