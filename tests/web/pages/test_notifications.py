"""The page of notifications: channels without secrets, what waits and why, a test message."""

from __future__ import annotations

import time
from pathlib import Path

from headrace.notifications import Notification
from headrace.notifications.outbox import Outbox
from tests.support.waiting import wait_until
from tests.support.web import WebSite, words_of

HOSTILE = '<img src=x onerror="alert(1)">'


def ended(site: WebSite) -> bool:
    return site.store.recorded_actions()[0].state != "begun"


def send_test(site: WebSite, channel: str = "") -> str:
    answer = site.send_form("notifications", "test", channel=channel)
    wait_until(lambda: ended(site), "the message to be sent")
    return words_of(site.follow("notifications/do/test", answer).text)


def test_without_a_channel_nobody_is_told(web_root: Path) -> None:
    site = WebSite(web_root)
    words = words_of(site.get("notifications").text)
    assert "sets no channel" in words
    assert "Nobody was notified of anything yet" in words
    site.close()


def test_what_was_sent_and_what_waits_is_shown_by_pages(web_root: Path) -> None:
    outbox = Outbox.of_project(web_root)
    for number in range(60):
        notification = Notification(f"message {number} {HOSTILE}", f"why {HOSTILE}", "error")
        outbox.add(notification, time.time() + number)
    outbox.plan(["webhook"], time.time(), 0.0)
    (oldest, *_) = outbox.waiting("webhook")
    outbox.mark("webhook", [oldest.number], "sent", time.time())
    (second, *_) = outbox.waiting("webhook")
    outbox.mark("webhook", [second.number], "waiting", time.time(), f"refused {HOSTILE}")
    outbox.close()
    site = WebSite(web_root)
    first = site.get("notifications?part=records")
    assert "message 59" in first.text
    assert "message 9 " not in first.text
    assert "<img" not in site.get("notifications").text
    assert "notifications?before=11" in first.text
    older = words_of(site.get("notifications?part=records&before=11").text)
    assert "message 0" in older
    assert "webhook sent" in older
    assert f"webhook waiting: refused {HOSTILE}" in older
    assert "The newest 50 of those that wait" in words_of(site.get("notifications").text)
    site.close()


def test_a_test_message_says_who_has_taken_it(web_root: Path) -> None:
    taken = web_root / "taken"
    config = web_root / "headrace.toml"
    text = config.read_text()
    config.write_text(f"{text}\n[notify]\ncommand = \"sh -c 'cat > {taken}'\"\n")
    site = WebSite(web_root)
    assert "Done: a message was taken by command" in send_test(site)
    assert taken.stat().st_size
    config.write_text(f'{text}\n[notify]\ncommand = "false"\n')
    assert "Not done: command has not taken it" in send_test(site)
    assert "no channel 'pigeon'" in send_test(site, "pigeon")
    site.close()
