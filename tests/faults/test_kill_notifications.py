"""SIGKILL of the facility while runs fail: people are told of each, and of few twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

from headrace.facility import facility_status
from headrace.notifications.outbox import Outbox
from tests.support.facility.live_facility import LiveFacility, settings, start
from tests.support.waiting import wait_until

__all__ = ["settings", "start"]

KILLS = 6
RUNS = 8
CONFIG = """
name = "p"
[notify]
digest = "0s"
per_hour = 10000
command = 'sleep 0.05; echo "$HEADRACE_SUBJECT" >> messages'
"""


def failing(number: int) -> dict[str, object]:
    """Returns a flow that fails, each of another cause, so that each is told alone."""
    word = "".join(chr(ord("a") + int(digit)) for digit in str(number))
    return {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Full", "Cause": word}}}


def test_a_kill_loses_no_notification(start: Callable[[], LiveFacility], tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "headrace.toml").write_text(CONFIG)
    messages = root / "messages"
    messages.touch()
    chance = random.Random(20261128)
    facility = start()
    for kill in range(KILLS):
        sent = len(messages.read_text().splitlines())
        for number in range(kill * RUNS, (kill + 1) * RUNS):
            facility.start(facility.deploy(failing(number)), {}, label=f"run {number}")
        wanted = sent + chance.randrange(RUNS)
        wait_until(lambda n=wanted: len(messages.read_text().splitlines()) >= n, "some of them")
        psutil.Process(facility.address.pid).kill()
        wait_until(lambda: facility_status(root) is None, "the end of the facility")
        facility = start()
    outbox = Outbox.of_project(root)
    try:
        wait_until(lambda: len(outbox.records(1000)) >= KILLS * RUNS, "all to be added")
        wait_until(lambda: outbox.count_waiting() == 0, "all to be sent")
    finally:
        outbox.close()
    found = Counter(messages.read_text().splitlines())
    assert set(found) == {f"p: run {number}: FAILED" for number in range(KILLS * RUNS)}
    assert sum(found.values()) - len(found) <= KILLS
