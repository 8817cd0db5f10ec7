"""Members are shown fifty at a time by key, filtered, and changed after their count was seen."""

from __future__ import annotations

from headrace.campaigns.ledger.campaign_ledger import read_ledger
from tests.support.campaign_project import CampaignHistory
from tests.support.web import WebSite, forms_of, words_of

PAGE = "campaigns/napa/members"


def key_list(text: str) -> list[str]:
    return [
        one.partition("</a>")[0].rpartition(">")[2] for one in text.split('<th scope="row">')[1:]
    ]


def rows(site: WebSite, query: str = "") -> tuple[list[str], str]:
    """Return the keys that a page shows, and the query of the page after it."""
    text = site.get(f"{PAGE}?{query}").text
    _, _, following = text.partition('<a href="../../campaigns/napa/members?after=')
    return key_list(text), following.partition('"')[0]


def states(history: CampaignHistory) -> dict[str, str]:
    with read_ledger(history.path) as tables:
        return dict(tables.database.execute("SELECT key, state FROM members").fetchall())


def test_pages_by_key_have_every_member_once(site: WebSite) -> None:
    seen, query = [], ""
    while True:
        found, after = rows(site, query)
        assert len(found) <= 50
        seen += found
        if not after:
            break
        query = f"after={after}"
    assert seen == sorted(["late", *(f"r{n:03d}" for n in range(1, 120))])


def test_filters_choose_and_are_counted(site: WebSite) -> None:
    words = words_of(site.get(f"{PAGE}?state=failed&group=g1").text)
    assert " 15 members " in words
    assert key_list(site.get(f"{PAGE}?key=r04*&state=failed").text)[0] == "r040"
    assert key_list(site.get(f"{PAGE}?cause=no+such").text) == ["r049", "r050"]
    assert key_list(site.get(f"{PAGE}?lane=desk&state=running").text) == ["r051", "r052"]
    assert key_list(site.get(f"{PAGE}?where=rms+%3E+1.85").text) == ["r019", "r020"]
    assert "0.3" in words_of(site.get(f"{PAGE}?key=r003&columns=rms,n").text)
    assert "No member matches" in words_of(site.get(f"{PAGE}?group=g7").text)
    assert key_list(site.get(f"{PAGE}?first=3&last=5").text) == ["r003", "r004", "r005"]


def test_a_wrong_filter_is_told_in_its_place(site: WebSite) -> None:
    assert "no member can be 'fialed'" in words_of(site.get(f"{PAGE}?state=fialed").text)
    assert "is no expression" in words_of(site.get(f"{PAGE}?where=rms+%3E").text)
    assert "cannot be evaluated for any member" in words_of(site.get(f"{PAGE}?where=nix+>+1").text)
    assert "no member 'r999'" in words_of(site.get(f"{PAGE}?key=r999").text)


def test_all_that_failed_of_a_cause_are_retried_after_their_count(
    site: WebSite, history: CampaignHistory
) -> None:
    page = f"{PAGE}?state=failed&cause=segmentation*&do=retry"
    words = words_of(site.get(page).text)
    assert "Retry: 28 members" in words
    assert "They are 28 failed: r021, r022" in words
    form = next(form for form in forms_of(site.get(page).text) if form.action == "retry")
    for _ in range(2):
        answer = site.resend(page, form)
        done = words_of(site.follow(f"{PAGE}/do/retry", answer).text)
        assert "Done: 28 members to be tried again: r021" in done
    now = states(history)
    assert {now[f"r{n:03d}"] for n in range(21, 49)} == {"ready"}
    assert now["r049"] == "failed"
    with read_ledger(history.path) as tables:
        (changes,) = tables.database.execute("SELECT count(*) FROM changes").fetchone()
    assert changes == 1


def test_members_that_changed_after_they_were_shown_are_left(
    site: WebSite, history: CampaignHistory
) -> None:
    page = f"{PAGE}?state=failed&do=retry"
    form = next(form for form in forms_of(site.get(page).text) if form.action == "retry")
    assert "30 members" in words_of(site.get(page).text)
    history.pass_time(hours=2)
    history.failed(["r053"], "segmentation fault")
    assert "Done: 30 members" in words_of(
        site.follow(f"{PAGE}/do/retry", site.resend(page, form)).text
    )
    assert [key for key, state in states(history).items() if state == "failed"] == ["r053"]


def test_other_changes_and_what_they_refuse(site: WebSite, history: CampaignHistory) -> None:
    def do(verb: str, query: str, **fields: str) -> str:
        answer = site.send_form(f"{PAGE}?{query}&do={verb}", verb, **fields)
        return words_of(site.follow(f"{PAGE}/do/{verb}", answer).text)

    assert "2 members held: r060, r061" in do("hold", "key=r06*&state=ready&where=n<62", reason="x")
    assert "2 members released" in do("release", "state=held")
    assert "1 member given this priority: r070" in do("priority", "key=r070", priority="5")
    assert "'high' is no number" in do("priority", "key=r071", priority="high")
    assert "1 member moved: r070" in do("move", "key=r070", to_lane="desk")
    assert "no lane 'nowhere'" in do("move", "key=r070", to_lane="nowhere")
    assert "Not done: 1 member left: r001 is done" in do("drop", "key=r001")
    assert "1 member dropped: r080" in do("drop", "key=r080")
    assert "no step 'nix'" in do("retry", "key=r001", from_step="nix")
    assert "1 member to be tried again: r001" in do("retry", "key=r001", from_step="run")
    assert "choose members first" in words_of(site.get(f"{PAGE}?do=drop").text)
    assert "no member matches" in words_of(site.get(f"{PAGE}?group=g9&do=drop").text)


def test_a_form_without_a_filter_changes_nothing(site: WebSite, history: CampaignHistory) -> None:
    page = f"{PAGE}?state=failed&do=drop"
    form = next(form for form in forms_of(site.get(page).text) if form.action == "drop")
    before = states(history)
    answer = site.resend(page, form, state="")
    assert "no member is chosen" in words_of(site.follow(f"{PAGE}/do/drop", answer).text)
    assert states(history) == before
