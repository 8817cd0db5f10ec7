"""A trial by every channel, and the record of what was sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.notifications.outbox import Outbox
from headrace.notifications.trial import NotificationError, notification_records, send_trial
from tests.support.outboxes import Bench


def test_each_channel_says_whether_it_has_taken_it(bench: Bench, tmp_path: Path) -> None:
    bench.settings = {"one": "x", "two": "y"}
    bench.channels["two"].error = "notify.two: away\x1b[2J"
    rows = [row.document() for row in send_trial(bench.settings, "p", tmp_path)]
    assert [(row["channel"], row["taken"]) for row in rows] == [("one", True), ("two", False)]
    assert rows[1]["error"] == "notify.two: away\\x1b[2J"
    [only] = send_trial(bench.settings, "p", tmp_path, "two")
    assert only.channel == "two"


def test_an_unknown_channel_and_none_at_all_are_said(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(
        NotificationError, match=r"no channel 'on' in \[notify\]; did you mean 'one'"
    ):
        send_trial(bench.settings, "p", tmp_path, "on")
    with pytest.raises(NotificationError, match="sets no channel"):
        send_trial({}, "p", tmp_path)


def test_the_record_says_what_was_told_and_what_waits(root: Path, bench: Bench) -> None:
    assert notification_records(root, 10) == []
    assert not Outbox.file_of(root).exists()
    outbox = Outbox.of_project(root)
    outbox.close()
    bench.close()
    bench.path = Outbox.file_of(root)
    bench.open()
    bench.add("a")
    bench.sender.send_due()
    bench.channels["one"].error = "notify.one: away"
    bench.add("b")
    bench.sender.send_due()
    shown = [(row["subject"], row["state"]) for row in notification_records(root, 10)]
    assert shown == [("b", "waiting"), ("a", "sent")]
    [waiting] = notification_records(root, 10, waiting=True)
    assert waiting["channels"][0]["error"] == "notify.one: away"
    assert len(notification_records(root, 1)) == 1
