"""The monitor against a real endpoint: every kind of death, by a clock of the test's own."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

import psutil
import pytest

from tests.support.compute_user import User
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(400)]

# The monitor in a process of the user's: a check a minute, by a clock that is moved by hand.
PROGRAM = """
import json, sys
from headrace.project import load_project
from headrace.endpoints.monitor import EndpointMonitor

class Clock:
    now = float(sys.argv[1])
    def __call__(self):
        return self.now

clock = Clock()
seconds = float(sys.argv[3]) or None
monitor = EndpointMonitor(load_project(), "local", canary_seconds=seconds, max_restarts=3,
                          now=clock, jitter=lambda: 0.5)
counts = {}
for number in range(int(sys.argv[2])):
    [report] = monitor.check()
    key = f"{report.health} {report.action}"
    counts[key] = counts.get(key, 0) + 1
    clock.now += 60
print(json.dumps({"counts": counts, "last": report.message, "now": clock.now}))
"""


class Minutes:
    """Runs the monitor once a minute."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.now = 1e9

    def __call__(self, checks: int = 1, canary: float = 0.0) -> dict[str, Any]:
        done = self.user.run(sys.executable, "-c", PROGRAM, str(self.now), str(checks), str(canary))
        told = json.loads(done.stdout.splitlines()[-1])
        self.now = told["now"]
        return dict(told)


@pytest.fixture
def minutes(user: User) -> Minutes:
    user.headrace("endpoint", "start", "machine")
    wait_until(user.online, "the endpoint")
    (user.root / ".headrace/monitor/records.local.json").unlink(missing_ok=True)
    return Minutes(user)


# A thousand checks take a minute.
@pytest.mark.parametrize("checks", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_healthy_endpoint_is_left_alone(minutes: Minutes, checks: int) -> None:
    assert minutes(checks)["counts"] == {"healthy none": checks}
    assert minutes(5, canary=60.0)["counts"] == {"healthy none": 5}


def test_one_that_was_stopped_is_started(minutes: Minutes, user: User) -> None:
    user.run("globus-compute-endpoint", "stop", "machine", more=user.client)
    assert minutes()["counts"] == {"down restarted": 1}
    wait_until(user.online, "the endpoint")
    assert minutes(1, canary=60.0)["counts"] == {"healthy none": 1}
    assert "is well again" in user.messages()[-1]


def test_one_that_was_stopped_by_hand_is_not(minutes: Minutes, user: User) -> None:
    user.headrace("endpoint", "stop", "machine")
    assert minutes(3)["counts"] == {"held none": 3}


def test_one_that_was_killed_is_started(minutes: Minutes, user: User) -> None:
    core = user.core()
    core.kill()
    wait_until(lambda: not core.is_running() or core.status() == psutil.STATUS_ZOMBIE, "its end")
    assert minutes()["counts"] == {"down restarted": 1}
    wait_until(user.online, "the endpoint")


@pytest.mark.slow
def test_one_that_hangs_is_killed_and_started(minutes: Minutes, user: User) -> None:
    core = user.core()
    core.send_signal(signal.SIGSTOP)
    wait_until(
        lambda: (
            user.document("endpoint", "status", "machine", code=None)["state"] == "disconnected"
        ),
        "the age of its pid file",
    )
    assert minutes()["counts"] == {"hung restarted": 1}
    assert not core.is_running() or core.status() == psutil.STATUS_ZOMBIE
    wait_until(user.online, "the endpoint")
    assert minutes(1, canary=60.0)["counts"] == {"healthy none": 1}


@pytest.mark.slow
def test_one_whose_block_cannot_start_is_given_up(minutes: Minutes, user: User) -> None:
    user.configure("local", 'workers = 1\nworker_init = "exit 7"')
    user.headrace("endpoint", "restart", "machine")
    wait_until(user.online, "the endpoint")
    counts: dict[str, int] = {}
    while "sick give up" not in counts:
        wait_until(user.online, "the endpoint")
        for key, number in minutes(1, canary=8.0)["counts"].items():
            counts[key] = counts.get(key, 0) + number
        assert sum(counts.values()) < 40, counts
    assert counts["sick restarted"] == 3
    assert "is given up: the canary" in user.messages()[-1]
    user.configure("local", "workers = 1")
    user.headrace("endpoint", "restart", "machine")


def test_an_expired_login_is_told_and_not_tried_again(minutes: Minutes, user: User) -> None:
    client = user.root / ".headrace/compute_client.json"
    right = client.read_text()
    user.run("globus-compute-endpoint", "stop", "machine", more=user.client)
    storage = user.endpoint_home() / "storage.db"
    storage.unlink()
    client.write_text(json.dumps({**json.loads(right), "client_secret": "expired"}))
    try:
        assert minutes(3)["counts"] == {"down give up": 1, "down none": 2}
        assert "login" in user.messages()[-1]
    finally:
        client.write_text(right)


def test_only_one_monitor_works_at_a_time(user: User) -> None:
    program = """
import subprocess, sys
from headrace.project import load_project
from headrace.endpoints.monitor import EndpointMonitor
with EndpointMonitor(load_project(), "local").exclusive() as alone:
    assert alone
    command = ["headrace", "endpoint", "monitor", "--once"]
    done = subprocess.run(command, capture_output=True, text=True)
    print(repr((done.returncode, done.stdout, done.stderr)))
"""
    told = user.run(sys.executable, "-c", program).stdout
    assert told.startswith("(0, '', ")
    assert "another monitor of this project is at work" in told
