"""A member's page has its attempts with their runs, needs, facts and log, and steers it."""

from __future__ import annotations

from tests.support.campaign_project import CampaignHistory
from tests.support.web import WebSite, forms_of, words_of

PAGE = "campaigns/napa/members"


def actions(site: WebSite, key: str) -> list[str]:
    forms = forms_of(site.get(f"{PAGE}/{key}").text)
    return [form.action for form in forms if "/do/" in form.address]


def test_a_member_that_failed_shows_its_attempts_and_who_waits_for_it(site: WebSite) -> None:
    text = site.get(f"{PAGE}/r030").text
    words = words_of(text)
    assert "failed segmentation fault" in words
    assert "Is needed by late" in words
    assert 'href="../../../runs/run-30"' in text
    assert "headrace campaign retry napa r030" in words
    assert "frontera c7" in words
    assert actions(site, "r030") == ["retry", "drop", "move", "priority"]


def test_what_a_member_waits_for_and_has_found_is_there(site: WebSite) -> None:
    assert "Needs waits for r030" in words_of(site.get(f"{PAGE}/late").text)
    words = words_of(site.get(f"{PAGE}/r005").text)
    assert "Facts rms 0.5" in words
    assert "Columns n 5" in words
    assert actions(site, "r005") == []


def test_a_member_is_retried_once_however_often_its_form_is_sent(
    site: WebSite, history: CampaignHistory
) -> None:
    page = f"{PAGE}/r030"
    form = next(form for form in forms_of(site.get(page).text) if form.action == "retry")
    site.resend(page, form)
    history.failed(["r030"], "again")
    words = words_of(site.follow(f"{page}/do/retry", site.resend(page, form)).text)
    assert "Done: 1 member to be tried again" in words
    assert "failed again" in words  # it is not tried a third time
    assert actions(site, "r030")[0] == "retry"


def test_a_member_that_runs_is_held_and_released(site: WebSite) -> None:
    page = f"{PAGE}/r051"
    assert actions(site, "r051") == ["hold", "drop", "move", "priority"]
    site.send_form(page, "hold", reason="look at it")
    assert "to be held when its leg has ended" in words_of(site.get(page).text)
    site.send_form(page, "release")
    assert "to be held" not in words_of(site.get(page).text)


def test_keys_with_signs_that_addresses_escape_have_pages(
    site: WebSite, history: CampaignHistory
) -> None:
    from headrace.campaigns.ledger.member import NewMember

    history.add([NewMember("50%41+a@b")])
    page = f"{PAGE}/50%2541%2Ba%40b"
    assert page.removeprefix("campaigns/") in site.get(f"{PAGE}?key=50*").text
    answer = site.send_form(page, "hold", reason="")
    assert "50%41+a@b" in words_of(site.follow(f"{page}/do/hold", answer).text)
    assert "held" in words_of(site.get(f"{page}?part=state").text)
