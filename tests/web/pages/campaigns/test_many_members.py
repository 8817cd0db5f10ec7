"""Pages of a campaign of 100,000 members: few elements, light, and nothing is left out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.campaigns.ledger.member import NewMember
from tests.support.campaign_project import CampaignHistory, write_campaign_project
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of

pytestmark = pytest.mark.slow

MANY = 100_000
PAGE = "campaigns/napa"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebSite]:
    root = tmp_path_factory.mktemp("many")
    history = CampaignHistory(write_campaign_project(root))
    history.add(NewMember(f"m{n:06d}", {"n": n}, group=f"g{n % 40}") for n in range(MANY))
    with history.ledger() as ledger, ledger.transaction() as tables:
        for state, cause, every in (("done", "", 2), ("failed", "out of memory", 50)):
            tables.database.execute(
                "UPDATE members SET state = ?, cause = ?, facts = ? WHERE id % ? = 0",
                (state, cause, json.dumps({"rms": 1.5}), every),
            )
    made = WebSite(Path(root))
    yield made
    made.close()


def test_pages_of_many_members_are_light_and_told_in_the_background(site: WebSite) -> None:
    def is_complete() -> bool:
        text = site.get(PAGE).text
        return "in a moment" not in text

    wait_until(is_complete, "all figures", 120)
    for page in (
        PAGE,
        "campaigns",
        f"{PAGE}/members",
        f"{PAGE}/members?state=failed&do=retry",
        f"{PAGE}/members?where=rms+%3E+2",
        f"{PAGE}/members/m050000",
    ):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            answer = site.get(page)
            times.append(1e3 * (time.perf_counter() - start))
        elements = answer.text.count("<")
        print(f"{page}: {max(times):.0f} ms at most, {len(answer.content)} bytes")
        assert answer.status_code == 200
        assert len(answer.content) < 300_000
        assert elements < 12_000
    words = words_of(site.get(PAGE).text)
    assert "50,000 ready , 48,000 done , 2,000 failed" in words
    assert "2,000 out of memory" in words
    assert "Retry: 2,000 members" in words_of(
        site.get(f"{PAGE}/members?state=failed&do=retry").text
    )
    assert "None of the 1,000 members that were looked at matches" in words_of(
        site.get(f"{PAGE}/members?where=rms+%3E+2").text
    )
