"""SIGKILL of the driver, the facility and the endpoint while members run real commands."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.campaigns import load_campaign
from headrace.campaigns.campaign_access import change_campaign_ledger, ledger_path
from headrace.campaigns.campaign_start import start_campaign
from headrace.facility import facility_status, stop_facility
from headrace.project import load_project
from tests.support.sweep_project import SweepProject

HEADRACE = str(Path(sys.executable).with_name("headrace"))
# Says in one write, in a file outside of all collections, that it ends well.
COMMAND = "echo {name} > word.txt; sleep SECONDS; echo {name} >> WITNESS"
# Commands of two packs, before and after a worker was lost, as many each as there are cores for.
AT_ONCE = 2 * len(os.sched_getaffinity(0))
ENDPOINT = ("headrace.compute.host", "HTEX interchange", "process_worker_pool", "forkserver")


class KilledSweep:
    """The project, its driver, and who is killed.

    Args:
        root: its directory.
        members: how many there are.
        seconds: how long the command of each takes.
    """

    def __init__(self, root: Path, members: int, seconds: float) -> None:
        self.project = SweepProject(root)
        self.root = root
        self.witness = root.parent / "witness"
        self.log = root.parent / "driver.log"
        self.chance = random.Random(members)
        self.killed: Counter[str] = Counter()
        self.drivers: list[subprocess.Popen[bytes]] = []
        file = root / "campaigns" / "sweep.toml"
        head, _, rest = file.read_text().partition("command = '''")
        command = COMMAND.replace("WITNESS", str(self.witness)).replace("SECONDS", str(seconds))
        text = f"{head}command = '''\n{command}\n'''{rest.partition(chr(39) * 3)[2]}"
        file.write_text(text.replace("trajectory.txt", "word.txt") + "[retries]\nattempts = 3\n")
        rows = [f"m{number:04d}" for number in range(members)]
        file.with_suffix(".csv").write_text("\n".join(["name", *rows]) + "\n")
        found = load_project(root)
        self.ledger_file = ledger_path(found, "local")
        with change_campaign_ledger(found, "local") as ledger:
            start_campaign(found, load_campaign(found, "sweep"), ledger, "test")

    def drive(self, kills: int, seconds: float) -> None:
        """Drive the campaign to its end, and kill what takes part in it now and then."""
        driver = self._begin_driver()
        while True:
            # A kill is to fall anywhere: a time is waited for, not a condition.
            left = sum(self.killed.values()) < kills
            try:
                code = driver.wait(self.chance.expovariate(1 / seconds) if left else 1800.0)
            except subprocess.TimeoutExpired:
                assert left, self._words()
                if self._kill_one(driver) == "driver":
                    driver.wait()
                    driver = self._begin_driver()
                continue
            if code == 0:
                return
            # A facility that is killed while a driver starts it ends that driver, too.
            assert "the facility did not start" in self.log.read_text()[-300:], self._words()
            driver = self._begin_driver()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Look at the ledger as another process does."""
        database = sqlite3.connect(self.ledger_file, timeout=60)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def _words(self) -> str:
        return self.log.read_text()[-3000:]

    def _begin_driver(self) -> subprocess.Popen[bytes]:
        command = [HEADRACE, "campaign", "drive", "--until-done", "-C", str(self.root)]
        with self.log.open("ab") as stream:
            driver = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        self.drivers.append(driver)
        return driver

    def _kill_one(self, driver: subprocess.Popen[bytes]) -> str:
        parts: dict[str, list[int]] = {"driver": [driver.pid]}
        status = facility_status(self.root)
        if status is not None and status.get("pid"):
            parts["facility"] = [int(status["pid"])]
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("HEADRACE_PROJECT") == str(self.root)
                words = " ".join(process.cmdline()) if mine else ""
            except psutil.Error:
                continue
            for word in ENDPOINT:
                if word in words:
                    parts.setdefault(word, []).append(process.pid)
        name = self.chance.choice(sorted(parts))
        try:
            os.kill(self.chance.choice(parts[name]), signal.SIGKILL)
        except ProcessLookupError:
            return ""
        self.killed[name] += 1
        return name


@pytest.fixture
def killed(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[KilledSweep]:
    sweep = KilledSweep(tmp_path / "project", *request.param)
    yield sweep
    for driver in sweep.drivers:
        if driver.poll() is None:
            driver.kill()
            driver.wait()
    stop_facility(sweep.root)


def check(killed: KilledSweep, members: int) -> None:
    assert killed.query("SELECT state, count(*) FROM members GROUP BY state") == [("done", members)]
    accepted = killed.query(
        "SELECT count(*), count(DISTINCT member), sum(state = 'done') FROM attempts WHERE accepted"
    )
    assert accepted == [(members, members, members)]
    rows = killed.query("SELECT key, accepted_directory FROM members")
    for key, directory in rows:
        assert (
            killed.root / "data/results/sweep" / directory / "word.txt"
        ).read_text() == f"{key}\n"
    ends = Counter(killed.witness.read_text().split())
    assert set(ends) == {key for key, _ in rows}
    # Only commands under way when a part of the endpoint was killed may have run twice.
    endpoint = sum(killed.killed[name] for name in ENDPOINT)
    repeated = ends.total() - members
    print(f"{repeated} commands were repeated after {dict(killed.killed)}")
    assert repeated <= AT_ONCE * endpoint


@pytest.mark.timeout(600)
@pytest.mark.parametrize("killed", [(60, 0.05)], indirect=True)
def test_kills_of_all_parts_leave_each_member_with_one_accepted_attempt(
    killed: KilledSweep,
) -> None:
    killed.drive(4, 4.0)
    assert killed.killed
    check(killed, 60)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("killed", [(2000, 0.5)], indirect=True)
def test_a_hundred_kills_of_all_parts(killed: KilledSweep) -> None:
    killed.drive(100, 5.0)
    assert killed.killed.total() == 100
    assert {*ENDPOINT, "driver", "facility"} <= set(killed.killed)
    check(killed, 2000)
