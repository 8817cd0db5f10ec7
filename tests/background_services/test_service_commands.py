"""Services through the installed program, with a real systemd of the user or a stand-in for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.facility import find_address, stop_facility
from tests.support.repository import SUPPORT
from tests.support.small_project import write_project
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(900)

TRIGGER = """\
[watch]
collection = "here"
path = "/incoming/"
what = "file"
settle = 0.2
interval = 0.2
existing = "run"
[start]
flow = "say"
label = "say {name}"
[start.input]
word = "{name}"
"""


class Program:
    """``headrace`` in a project, with a stand-in for ``systemctl`` before all others."""

    def __init__(self, base: Path) -> None:
        self.root = base / "my project"
        self.root.mkdir()
        write_project(self.root)
        with (self.root / "headrace.toml").open("a") as stream:
            stream.write("[profiles.day]\n")
        (self.root / "triggers").mkdir(exist_ok=True)
        (self.root / "triggers" / "new.toml").write_text(TRIGGER)
        self.incoming = self.root / "data" / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)
        programs = base / "bin"
        programs.mkdir()
        script = programs / "systemctl"
        stand_in = SUPPORT / "systemd_stand_in.py"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
        script.chmod(0o755)
        self.state = base / "stand-in"
        self.variables = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STAND_IN_STATE": str(self.state),
            "XDG_CONFIG_HOME": str(base / "config"),
        }
        self.units = base / "config" / "systemd" / "user"

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [str(Path(sys.executable).with_name("headrace")), *arguments],
            cwd=self.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        done = self._done(*arguments)
        assert done.returncode == 1, (done.stdout, done.stderr)
        return done.stderr

    def document(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "-F", "json", code=code))

    def messages(self, name: str) -> list[str]:
        """What a service told the manager."""
        (file,) = self.state.glob(f"*-{name}.service.messages")
        return file.read_text().splitlines()

    def statuses(self) -> dict[str, dict[str, Any]]:
        rows = json.loads(self._anyhow("service", "status", "-F", "json"))
        return {row["name"]: row for row in rows}

    def _anyhow(self, *arguments: str) -> str:
        return self._done(*arguments).stdout

    def _done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("headrace")), *arguments],
            cwd=self.root,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def labels(self) -> list[str]:
        return sorted(run["label"] for run in self.document("run", "list"))


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program._anyhow("service", "remove")
    stop_facility(program.root)


def is_ready(program: Program, name: str) -> bool:
    try:
        return "READY=1" in program.messages(name)
    except ValueError:
        return False


def test_a_facility_and_a_watch_that_are_killed_come_back_and_are_removed(
    program: Program,
) -> None:
    names = ("facility", "watch")
    program("deploy")
    before = find_address(program.root)
    assert before is not None
    assert program.document("service", "install", *names)["services"] == [*names]
    for name in names:
        wait_until(lambda name=name: is_ready(program, name), f"the {name}")
    address = find_address(program.root)
    assert address is not None
    assert address.pid != before.pid, "the service took the place of the one in the background"
    (program.incoming / "a").write_text("1")
    wait_until(lambda: "say a" in program.labels(), "the first run")
    assert [row["state"] for row in program.document("service", "status", "facility", "watch")] == [
        "active",
        "active",
    ]
    killed = {name: program.statuses()[name]["pid"] for name in names}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: all(
            program.statuses()[name]["pid"] not in (0, pid) for name, pid in killed.items()
        ),
        "both services anew",
    )
    (program.incoming / "b").write_text("1")
    wait_until(lambda: program.messages("facility").count("READY=1") == 2, "the facility")
    wait_until(lambda: "say b" in program.labels(), "the second run")
    assert program.labels() == ["say a", "say b"]
    assert program.document("service", "remove")["services"] == [*names]
    assert [*program.units.iterdir()] == []
    wait_until(lambda: find_address(program.root) is None, "the end of the facility")
    assert program.messages("facility")[-1] == "STOPPING=1"
    assert program.messages("watch")[-1] == "STOPPING=1"
    rows = program.document("service", "status")
    assert {row["state"] for row in rows} == {"not installed"}
    assert program.document("service", "remove", code=1) == {"services": []}


def test_a_watch_waits_for_the_service_of_the_facility(program: Program) -> None:
    """It starts none of its own, which would end with it and stand in the service's way."""
    program("deploy")
    stop_facility(program.root)
    program.variables["HEADRACE_FACILITY_SERVICE"] = "1"
    done = program._anyhow("watch", "--once")
    assert done == ""
    assert find_address(program.root) is None


def test_units_are_private_and_installed_anew_with_new_settings(program: Program) -> None:
    program("deploy")
    program("service", "install", "watch", "--profile", "day")
    facility, unit = sorted(program.units.iterdir())
    assert facility.stat().st_mode & 0o077 == 0
    assert unit.stat().st_mode & 0o077 == 0
    assert '"--profile" "day"' in unit.read_text()
    first = program.statuses()["watch"]["pid"]
    program("service", "install", "watch")
    _, unit = sorted(program.units.iterdir())
    assert "--profile" not in unit.read_text()
    wait_until(lambda: program.statuses()["watch"]["pid"] not in (0, first), "the new one")
    assert not psutil.pid_exists(first)
    refused = program.refused("service", "remove", "facility")
    assert "the watch needs the facility: remove it too, or first" in refused


def test_what_one_manager_has_the_other_takes_over(program: Program, tmp_path: Path) -> None:
    program("deploy")
    table = tmp_path / "table"
    stand_in = SUPPORT / "cron_stand_in.sh"
    script = tmp_path / "bin" / "crontab"
    script.write_text(f'#!/bin/sh\nTABLE="{table}" exec sh "{stand_in}" "$@"\n')
    script.chmod(0o755)
    program("service", "install", "watch", "--manager", "cron")
    assert program.statuses()["watch"]["state"] in ("inactive", "active")
    program("service", "install", "watch", "--manager", "systemd")
    assert "headrace" not in table.read_text()
    assert len([*program.units.iterdir()]) == 2
    program("service", "install", "watch", "--manager", "cron")
    assert [*program.units.iterdir()] == []
    assert program.document("service", "remove")["services"] == ["facility", "watch"]
