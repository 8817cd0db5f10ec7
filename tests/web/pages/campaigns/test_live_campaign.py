"""A campaign that is started from its page goes on by itself, and the page follows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.campaigns.driven_project import DrivenProject
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of

pytestmark = pytest.mark.service

CAMPAIGN = """\
title = "Words"
[members]
table = "words.csv"
key = "{name}"
[start]
flow = "say"
[start.input]
word = "{word}"
members = []
"""
PAGE = "campaigns/words"


def test_a_campaign_is_started_driven_to_its_end_and_its_failure_tried_again(
    tmp_path: Path,
) -> None:
    driven = DrivenProject(tmp_path)
    site = WebSite(tmp_path)
    try:
        (tmp_path / "campaigns" / "words.toml").write_text(CAMPAIGN)
        rows = "".join(f"m{number},{word}\n" for number, word in enumerate(("a", "b", "bad")))
        (tmp_path / "campaigns" / "words.csv").write_text(f"name,word\n{rows}")
        assert "was not started yet" in words_of(site.get(PAGE).text)

        answer = site.send_form(PAGE, "start")
        words = words_of(site.follow(f"{PAGE}/do/start", answer).text)
        assert "campaign words is" in words  # started, or being started

        def state() -> str:
            return words_of(site.get(f"{PAGE}?part=state").text)

        wait_until(lambda: "2 done , 1 failed" in state(), "the end of the campaign")
        wait_until(
            lambda: "is started: 3 members were added" in words_of(site.get("record").text),
            "the outcome in the record",
        )
        assert "ValueError: a bad word" in words_of(site.get(f"{PAGE}?part=causes").text)
        page = f"{PAGE}/members?state=failed&do=retry"
        site.send_form(page, "retry")
        assert "tester, by the page retry m2" in words_of(site.get(f"{PAGE}?part=log").text)
        assert "run 1.1 failed" in words_of(site.get(f"{PAGE}/members/m2").text)
    finally:
        site.close()
        driven.stop()
