"""The listener to a phone, killed again and again: each button's run is retried exactly once."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.command_process import document
from tests.support.phone import failed
from tests.support.phone_at_hand import PhoneAtHand, phone, server
from tests.support.waiting import wait_until

__all__ = ["phone", "server"]

RUNS = 12
KILLS = 8


@pytest.fixture
def listeners() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for each in started:
        each.kill()
        each.communicate()


def test_every_button_is_carried_out_once(
    phone: PhoneAtHand, listeners: list[subprocess.Popen[str]]
) -> None:
    chance = random.Random(17)
    run_ids = [phone.run("breaks") for _ in range(RUNS)]
    wait_until(
        lambda: all(phone.runs()[each]["status"] == "FAILED" for each in run_ids), "the failures"
    )
    messages = [phone.tell(failed(each)) for each in run_ids]
    for message in messages:
        phone.server.press(message, "Retry", times=chance.choice([1, 1, 3]))
        phone.server.publish(phone.pairing.answers_topic, "forged")
    for _ in range(KILLS):
        listeners.append(phone.listener())
        # From its first question to the service on, at any point of its work.
        asked = len(phone.server.requests)
        wait_until(lambda before=asked: len(phone.server.requests) > before, "a request")
        time.sleep(chance.uniform(0.0, 0.4))
        listeners[-1].kill()
        listeners[-1].wait()
    listeners.append(phone.listener())
    wait_until(lambda: retries(phone).keys() == {*run_ids}, "the retries")
    listeners[-1].terminate()
    listeners[-1].wait()
    phone.listen_once()
    assert retries(phone) == dict.fromkeys(run_ids, 1)
    told = phone.told()
    assert not any("not known" in each for each in told), told


def retries(phone: PhoneAtHand) -> Counter[str]:
    """Return how many runs take up each run."""
    runs = document(phone.headrace, "run", "list", "--limit", "1000")
    return Counter(each["retry_of"]["run_id"] for each in runs if each.get("retry_of"))
