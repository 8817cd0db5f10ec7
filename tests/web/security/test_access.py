"""Attacks: rebound names, forms of other sites, foreign cookies, stolen links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.web.security.store import WebStore
from tests.support.web import WebSite, forms_of, words_of


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8765", "", "a b"])
def test_a_rebound_name_gets_nothing(web: WebSite, host: str) -> None:
    answer = web.get("record", headers={"host": host})
    assert answer.status_code in (400, 403)
    assert "Record" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:9999", "sec-fetch-site": "same-site"},
        {"origin": "null", "sec-fetch-site": "none"},
    ],
)
def test_a_form_of_another_site_is_refused(web: WebSite, headers: dict[str, str]) -> None:
    form = next(form for form in forms_of(web.get("record").text) if form.action == "end_session")
    fields = {**form.fields}
    answer = web.request("POST", "record/do/end_session", form=fields, headers=headers)
    assert answer.status_code == 403
    assert len(web.store.sessions()) == 1


def test_without_a_session_there_is_only_the_login(web: WebSite) -> None:
    for address in ("record", "nothing", "record?part=actions"):
        for cookie in ("", "headrace_8765=guess", "headrace_9999=other"):
            answer = web.get(address, cookie=cookie)
            assert answer.status_code == 401
            assert "waves" not in words_of(answer.text)
    post = web.request("POST", "record/do/end_session", form={"session": "1"}, cookie="")
    assert post.status_code == 401


def test_a_code_opens_one_session_within_a_minute(web_root: Path) -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    store = WebStore(web_root / "web.db", lambda: now)
    code = store.make_code("look", "colleague")
    session = store.open_session(code, "127.0.0.1")
    assert session is not None
    assert session.role == "look"
    assert store.open_session(code, "127.0.0.1") is None
    late = store.make_code("steer", "me")
    now += timedelta(seconds=61)
    assert store.open_session(late, "127.0.0.1") is None
    assert store.find_session(session.secret) is not None
    now += timedelta(days=7)
    assert store.find_session(session.secret) is None
    store.close()


def test_the_login_exchanges_a_code_for_a_cookie_that_scripts_cannot_read(web: WebSite) -> None:
    code = web.store.make_code("steer", "me")
    answer = web.request("POST", "login", form={"code": code}, cookie="")
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly; SameSite=Strict" in cookie
    assert "Path" not in cookie
    assert web.get("record", cookie=cookie.partition(";")[0]).status_code == 200
    again = web.request("POST", "login", form={"code": code}, cookie="")
    assert again.status_code == 403
    assert "was used already" in words_of(again.text)


def test_who_logs_out_is_out(web: WebSite) -> None:
    form = next(form for form in forms_of(web.get("record").text) if form.address == "logout")
    answer = web.resend("record", form)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert web.get("record").status_code == 401


def test_every_answer_forbids_what_pages_do_not_need(web: WebSite) -> None:
    for address in ("record", "login", "static/headrace.css", "nothing"):
        headers = web.get(address).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_store_is_its_owners_alone(web: WebSite, web_root: Path) -> None:
    for path in (web_root / ".headrace").glob("web.db*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_labels_are_texts(web: WebSite) -> None:
    web.cookie = web.log_in("steer", "<script>alert(1)</script>")
    page = web.get("record").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
