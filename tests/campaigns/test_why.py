"""Why members failed: clusters of their causes, and the lane or machine that they share."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.campaigns.campaign_access import open_campaign
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.why import MemberFailureCluster, explain_member_failures
from tests.support.campaign_project import CampaignHistory, write_campaign_project


@pytest.fixture
def history(tmp_path: Path) -> CampaignHistory:
    history = CampaignHistory(write_campaign_project(tmp_path))
    history.add(
        [
            *(NewMember(f"r{n:03d}", {"n": n, "force": "amber"}) for n in range(60)),
            NewMember("after", needs=("r030",)),
        ]
    )
    history.done([f"r{n:03d}" for n in range(30)])
    for n in range(30, 42):
        cause = f"step {n * 100}: LINCS warning, see /scratch/r{n}/md.log"
        history.failed([f"r{n:03d}"], cause, host="c7")
    history.failed(["r042", "r043"], "disk quota exceeded", "desk", category="file system")
    return history


def clusters(history: CampaignHistory, *keys: str) -> list[MemberFailureCluster]:
    with open_campaign(history.project, "local", "napa") as found:
        ids = [found.members.get(found.id, key).id for key in keys] or None
        return explain_member_failures(found.database, found.id, "napa", ids)


def test_members_of_one_cause_are_one_cluster(history: CampaignHistory) -> None:
    lincs, quota = clusters(history)
    assert lincs.template == "step <number>: LINCS warning, see <path>"
    assert lincs.keys == [f"r{n:03d}" for n in range(30, 42)]
    assert (lincs.categories, lincs.states) == ({"error of the program": 12}, {"run": 12})
    assert (quota.template, len(quota.keys), quota.blocks) == ("disk quota exceeded", 2, 0)
    assert lincs.blocks == 1, "one member needs one of them"


def test_what_they_share_is_systematic(history: CampaignHistory) -> None:
    lincs, _ = clusters(history)
    assert lincs.verdict == "systematic"
    first = lincs.shared[0]
    assert (first.kind, first.value, first.here, first.here_of) == ("host", "c7", 12, 12)
    assert (first.elsewhere, first.p < 1e-6) == (0, True)
    assert not [each for each in lincs.shared if each.kind == "column force"], "all have it"


def test_a_command_retries_the_members_of_a_cluster_alone(history: CampaignHistory) -> None:
    lincs, quota = clusters(history)
    assert lincs.command() == (
        "headrace campaign retry napa --cause 'step *: LINCS warning, see *'"
    )
    assert quota.command("--group wild") == (
        "headrace campaign retry napa --group wild --cause 'disk quota exceeded*'"
    )
    assert quota.document("")["members"] == ["r042", "r043"]


def test_a_pattern_that_would_choose_others_gives_way_to_keys(history: CampaignHistory) -> None:
    history.failed(["r044"], "disk quota exceeded on /home")
    _, quota, other = clusters(history)
    assert quota.others_matched == 1
    assert quota.command() == "headrace campaign retry napa r042 r043"
    assert other.command() == ("headrace campaign retry napa --cause 'disk quota exceeded on *'")


def test_members_may_be_chosen(history: CampaignHistory) -> None:
    [only] = clusters(history, "r031", "r001")
    assert only.keys == ["r031"]
