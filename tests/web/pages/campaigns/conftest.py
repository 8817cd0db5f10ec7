from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from headrace.campaigns.ledger.member import NewMember
from headrace.project import load_project
from tests.support.campaign_project import CampaignHistory, write_campaign_project
from tests.support.web import WebSite


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, datetime]:
    """A campaign of 120 members: 20 are done, 30 failed of two causes, 2 run."""
    history = CampaignHistory(write_campaign_project(tmp_path_factory.mktemp("past")))
    members = [NewMember(f"r{n:03d}", {"n": n}, group=f"g{n % 2}") for n in range(1, 120)]
    history.add([*members, NewMember("late", {"n": 0}, needs=("r030",))])
    for n in range(1, 21):
        history.pass_time(seconds=30)
        history.done([f"r{n:03d}"], rms=n / 10)
    history.failed([f"r{n:03d}" for n in range(21, 49)], "segmentation fault", host="c7")
    history.failed(["r049", "r050"], "no such file: /scratch/a", lane="desk")
    history.start(["r051", "r052"], "desk")
    return history.project.root, history.now


@pytest.fixture
def history(past: tuple[Path, datetime], tmp_path: Path) -> CampaignHistory:
    """The same campaign, for a test of its own."""
    root, now = past
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    return CampaignHistory(load_project(tmp_path), begin=now)


@pytest.fixture
def site(history: CampaignHistory) -> Iterator[WebSite]:
    made = WebSite(history.project.root)
    yield made
    made.close()
