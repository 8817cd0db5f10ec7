"""Worlds with a driver of campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.campaigns.campaign_world import CampaignWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[CampaignWorld]:
    with CampaignWorld(tmp_path) as world:
        yield world
