"""A campaign's page shows how it stands, and steers it as the command line does."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from headrace.campaigns import CampaignError
from headrace.campaigns.driver.project_driver import driver_claims
from headrace.campaigns.ledger.member import NewMember
from headrace.ledger_file.claims import Claims
from tests.support.campaign_project import CAMPAIGN, CampaignHistory, write_campaign_project
from tests.support.web import Answer, WebSite, forms_of, words_of

PAGE = "campaigns/napa"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def do(site: WebSite, action: str, page: str = PAGE, **fields: str) -> str:
    """Send a form; return the words of the page that it leads to."""
    answer: Answer = site.send_form(page, action, **fields)
    return words_of(site.follow(f"{page.partition('?')[0]}/do/{action}", answer).text)


def part(site: WebSite, name: str, page: str = PAGE) -> str:
    return words_of(site.get(f"{page}?part={name}").text)


def test_the_campaigns_are_listed_with_their_bars_and_those_not_started(
    site: WebSite, history: CampaignHistory
) -> None:
    (history.project.root / "campaigns" / "other.toml").write_text(CAMPAIGN)
    words = words_of(site.get("campaigns").text)
    assert "napa NapA, replicas started 20 of 120" in words
    assert "1 waiting , 67 ready , 2 running , 20 done , 30 failed" in words
    assert "Not started other" in words
    not_started = site.get("campaigns/other").text
    assert [form.action for form in forms_of(not_started)] == ["../logout", "start"]


def test_a_campaign_has_its_states_lanes_pace_and_causes(site: WebSite) -> None:
    state = part(site, "state")
    assert "NapA, replicas: started 1 waiting , 67 ready" in state
    assert "Done 20 of 120 (16.7 %)" in state
    assert "Core hours 50.0 of 1,000" in state
    assert "frontera open 0 60 20 28" in state
    assert "desk open 2 any number 0 2" in state
    assert "30 failed; `headrace campaign why napa`" in state
    causes = part(site, "causes")
    assert "<number>" not in causes
    assert "28 segmentation fault" in causes
    assert "host c7: 28 of 28" in causes
    assert "Retry all 28…" in causes
    assert "1 member cannot begin before" in causes
    assert "rms 20 0.1" in part(site, "results")


def test_the_strip_has_a_cell_for_each_member_and_the_curve_its_numbers(site: WebSite) -> None:
    strip = site.get(f"{PAGE}?part=members").text
    assert strip.count("<rect") == 120 + 2 * 5 - 1  # and the bars of two groups
    assert '<a href="../campaigns/napa/members?first=1&amp;last=1" tabindex="-1">' in strip
    curve = site.get(f"{PAGE}?part=progress").text
    assert "20 done, 30 failed" in curve
    assert "20 done ; dashed, 30 failed . The height is 30." in words_of(curve)
    assert "<polyline" in curve


def test_without_a_driver_the_page_does_not_say_that_all_is_well(
    site: WebSite, history: CampaignHistory
) -> None:
    for page in (PAGE, "campaigns"):
        words = words_of(site.get(page).text)
        assert "no process drives the campaigns: nothing more is started" in words
        assert "A campaign is started, and no driver works as it should" in words


def test_a_driver_that_died_is_said_to_be_dead(site: WebSite, history: CampaignHistory) -> None:
    directory = history.path.parent / "heartbeats"
    directory.mkdir()
    beat = {"name": "campaigns", "target": "local", "unix": time.time(), "host": "elsewhere"}
    more = {"pid": 1, "born": 1.0, "late_after": 600.0, "dead_after": 1800.0}
    problem = "<b>the disk is full</b>"
    (directory / "campaigns.local.json").write_text(
        json.dumps({**beat, **more, "problem": problem})
    )
    page = site.get(f"{PAGE}?part=state").text
    assert "it has died" in words_of(page)
    assert "<b>the disk" not in page
    with Claims(driver_claims(history.path), CampaignError) as claims:
        assert claims.try_one("driver")
        assert "in trouble" in part(site, "state")
        (directory / "campaigns.local.json").write_text(json.dumps({**beat, **more}))
        words = part(site, "state")
    assert "Driver: drives process 1 on elsewhere" in words
    assert "no driver works" not in words


def test_a_campaign_is_paused_once_resumed_and_the_last_change_undone(
    site: WebSite, history: CampaignHistory
) -> None:
    form = next(form for form in forms_of(site.get(PAGE).text) if form.action == "pause")
    for _ in range(2):
        site.resend(PAGE, form, reason=HOSTILE)
    text = site.get(PAGE).text
    assert f"it is paused: {HOSTILE}" in words_of(text).replace("&quot;", '"')
    assert "<script>alert" not in text
    assert "Done: campaign napa goes on" in do(site, "resume")
    undo = next(form for form in forms_of(site.get(PAGE).text) if form.action == "undo")
    assert "the resume is undone" in do(site, "undo")
    words = words_of(site.follow(f"{PAGE}/do/undo", site.resend(PAGE, undo)).text)
    assert "the resume is undone" in words  # shown what the first came to; the pause stays
    assert "The last change: pause" in part(site, "log")
    assert "tester, by the page" in part(site, "log")
    stale = next(form for form in forms_of(site.get(PAGE).text) if form.action == "undo")
    do(site, "drain", lane="desk")
    words = words_of(site.follow(f"{PAGE}/do/undo", site.resend(PAGE, stale)).text)
    assert "Not done: another change was made since: drain by tester" in words


def test_lanes_are_drained_limited_and_opened(site: WebSite) -> None:
    assert "Done: lane desk is drained" in do(site, "drain", lane="desk")
    assert "desk drained" in part(site, "state")
    assert "Done: lane desk takes members" in do(site, "undrain", lane="desk")
    assert "Done: lane frontera has 7 at most under way" in do(
        site, "limit", lane="frontera", limit="7"
    )
    assert "frontera open 0 7" in part(site, "state")
    assert "'-1' is no number of members" in do(site, "limit", lane="frontera", limit="-1")
    assert "no lane 'nowhere'" in do(site, "drain", lane="nowhere")
    assert "as many as the campaign's file says" in do(site, "limit", lane="frontera", limit="")


def test_a_graft_is_added_and_its_faults_are_told(site: WebSite) -> None:
    fields = {"flow": "say", "after": "member", "input": '{"word": "{key}"}'}
    assert "say follows each member; 20 are due now" in do(site, "graft", **fields)
    assert "say each member always 20 due" in part(site, "grafts")
    assert "it did so before" in do(site, "graft", **fields)
    assert "no JSON" in do(site, "graft", **{**fields, "input": "{"})
    assert "Not done" in do(site, "graft", **{**fields, "flow": "nothing"})


def test_who_looks_has_no_forms(site: WebSite) -> None:
    site.cookie = site.log_in("look", "colleague")
    for page in (PAGE, "campaigns", f"{PAGE}/members?state=failed&do=retry"):
        assert [
            form.address for form in forms_of(site.get(page).text) if "/do/" in form.address
        ] == []


def test_texts_of_others_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    text = CAMPAIGN.replace("NapA, replicas", HOSTILE.replace('"', '\\"'))
    history = CampaignHistory(write_campaign_project(tmp_path, text))
    member = NewMember("r001", {"name": HOSTILE, HOSTILE: 1}, group=HOSTILE, category=HOSTILE)
    history.add([member, NewMember("r002", group="plain"), NewMember("r003")])
    history.done(["r002"], **{HOSTILE: 1.0})
    history.failed(["r001"], HOSTILE, host=HOSTILE, category=HOSTILE)
    site = WebSite(tmp_path)
    try:
        pages = (PAGE, "campaigns", f"{PAGE}/members", f"{PAGE}/members/r001")
        queries = "&".join(f"{name}=%22%3E%3Cscript%3Ealert" for name in ("key", "group", "where"))
        for page in (*pages, f"{PAGE}/members?{queries}", "campaigns/%22%3E%3Cscript%3Ealert"):
            text = site.get(page).text
            assert "<script>alert" not in text
            assert "<img" not in text
        assert HOSTILE in words_of(site.get(f"{PAGE}/members/r001").text)
    finally:
        site.close()


def test_what_is_not_there_is_missing(site: WebSite) -> None:
    for page in ("campaigns/nothing", "campaigns/nothing/members", f"{PAGE}/members/nobody"):
        assert site.get(page).status_code == 404, page
    assert "no campaign 'nothing'" in words_of(site.get("campaigns/nothing").text)


@pytest.mark.parametrize("content", [b"", b"no ledger" * 1000, None])
def test_a_ledger_that_cannot_be_used_is_told_on_each_page(
    site: WebSite, history: CampaignHistory, content: bytes | None
) -> None:
    for path in history.path.parent.glob(f"{history.path.name}-*"):
        if path.is_file():
            path.unlink()
    if content is None:
        history.path.unlink()
    else:
        history.path.write_bytes(content)
    for page in ("campaigns", PAGE, f"{PAGE}/members", f"{PAGE}/members/r001"):
        answer = site.get(page)
        assert answer.status_code == 200
        words = words_of(answer.text)
        assert str(history.path) in words, words
        assert "unexpected fault" not in words
    if content is None:
        assert not history.path.exists()
