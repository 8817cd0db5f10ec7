"""Kills of a real endpoint, its child, the broker and the facility: work goes on."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headrace.facility import find_address
from tests.support.compute_user import User
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(300)]

REPORTED_SECONDS = 120.0


class Work:
    """Tasks of one test, which run until they are let go."""

    def __init__(self, user: User, directory: Path) -> None:
        self.user = user
        self.directory = directory
        self.tasks: dict[str, str] = {}

    def submit(self, name: str) -> None:
        program = f"""
import json
from globus_compute_sdk import Client
client = Client(local_compute_services=True)
[machine] = [e["uuid"] for e in client.get_endpoints() if e["name"] == "machine"]
functions = json.load(open("headrace.lock"))["targets"]["local"]["functions"]
task = client.run({str(self.directory)!r}, {name!r},
                  endpoint_id=machine, function_id=functions["sleeper"]["id"])
print(json.dumps(task))
"""
        self.tasks[name] = str(self.user.sdk(program))

    def starts(self) -> list[str]:
        path = self.directory / "starts"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

    def wait_for_start(self, name: str, times: int = 1) -> None:
        wait_until(lambda: self.starts().count(name) >= times, f"the start of {name}")

    def let_go(self) -> None:
        (self.directory / "go").touch()

    def results(self) -> dict[str, str]:
        """How every task ended; fails where one does not end in time."""
        program = f"""
import json, time
from globus_compute_sdk import Client
client = Client(local_compute_services=True)
ends, tasks = {{}}, {json.dumps(self.tasks)}
deadline = time.monotonic() + {REPORTED_SECONDS}
while len(ends) < len(tasks) and time.monotonic() < deadline:
    for name, task in tasks.items():
        try:
            told = client.get_task(task)
        except Exception as error:
            ends[name] = str(error)
            continue
        if not told["pending"]:
            ends[name] = told["result"]
    time.sleep(0.2)
print(json.dumps(ends))
"""
        return dict(self.user.sdk(program))


@pytest.fixture
def work(user: User) -> Iterator[Work]:
    directory = user.home / f"work-{time.monotonic_ns()}"
    directory.mkdir()
    work = Work(user, directory)
    yield work
    work.let_go()


def child_of(user: User) -> psutil.Process:
    """The process that runs the endpoint's tasks."""
    core = user.core()
    [child] = [p for p in core.children() if "uep" in " ".join(p.cmdline()) or p.children()]
    return child


def workers(user: User) -> list[psutil.Process]:
    return [p for p in user.marked() if "process_worker_pool" in " ".join(p.cmdline())]


def nothing_is_left(user: User) -> bool:
    """Whether every process of the endpoint belongs to the one that runs."""
    core = user.core()
    living = {core.pid, *(p.pid for p in core.children(recursive=True))}
    return all(
        p.pid in living or os.getsid(p.pid) in living for p in user.marked() if p.is_running()
    )


def test_sigkill_of_the_child(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    old = workers(user)
    child_of(user).kill()
    work.wait_for_start("a", 2)
    work.let_go()
    assert work.results() == {"a": "a"}
    user.headrace("endpoint", "monitor", "--once")
    wait_until(lambda: nothing_is_left(user), "the end of what the child left")
    assert not [p for p in old if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    assert work.starts() == ["a", "a"]


def test_sigkill_of_the_workers(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    for process in workers(user):
        process.kill()
    work.let_go()
    [end] = work.results().values()
    assert end == "a" or "Lost" in end or "Killed" in end, end
    work.submit("b")
    assert work.results()["b"] == "b"


def test_sigkill_of_the_core(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    core = user.core()
    core.kill()
    wait_until(lambda: not core.is_running() or core.status() == psutil.STATUS_ZOMBIE, "its end")
    [report] = user.document("endpoint", "monitor", "--once")
    assert (report["health"], report["action"]) == ("down", "restarted"), report
    work.let_go()
    assert work.results() == {"a": "a"}
    wait_until(lambda: nothing_is_left(user), "the end of what the core left")
    assert "was restarted" in user.messages()[-1]


def test_sigkill_of_the_facility(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    address = find_address(user.root)
    assert address is not None
    os.kill(address.pid, signal.SIGKILL)
    work.let_go()
    user.headrace("facility", "up")
    assert work.results() == {"a": "a"}
    assert work.starts() == ["a"]


def test_a_facility_that_is_stopped_and_started_again(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    user.headrace("facility", "down")
    work.let_go()
    user.headrace("facility", "up")
    assert work.results() == {"a": "a"}
    assert work.starts() == ["a"]
    wait_until(user.online, "the endpoint's return")


def test_sigkill_of_the_broker(user: User, work: Work) -> None:
    work.submit("a")
    work.wait_for_start("a")
    mark = str(user.root / ".headrace/broker/mnesia")
    brokers = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("RABBITMQ_MNESIA_BASE") == mark
                and process.name()[:4] == "beam"
            ):
                brokers.append(process)
        except psutil.Error:
            continue
    assert brokers
    for process in brokers:
        process.kill()
    work.let_go()
    assert work.results() == {"a": "a"}
    work.submit("b")
    assert work.results()["b"] == "b"
