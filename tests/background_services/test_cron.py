"""Services by cron, with a stand-in for `crontab`: what it holds is run by the tests."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from headrace.background_services import cron_runner
from headrace.background_services.cron import CronManager
from headrace.background_services.cron_runner import log_file, read_runner, stop_runner
from headrace.background_services.definition import BackgroundService, project_services
from headrace.config import ProjectError
from headrace.project import init_project, load_project
from tests.support.repository import SUPPORT
from tests.support.waiting import wait_until

OTHERS = "# mine\n0 3 * * * backup\n"
RUN = """
import sys
from pathlib import Path
from headrace.background_services import cron_runner
from headrace.background_services.definition import BackgroundService, project_services
from headrace.project import load_project

class Talking(BackgroundService):
    command = (sys.executable, sys.argv[2])

cron_runner.LOG_BYTES = 20_000
one = project_services(load_project(Path(sys.argv[1])), "local", {})["watch"]
sys.exit(cron_runner.run_service(Talking(**vars(one))))
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "crontab"
    program.write_bytes((SUPPORT / "cron_stand_in.sh").read_bytes())
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    monkeypatch.setenv("TABLE", str(tmp_path / "table"))
    return tmp_path / "table"


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[BackgroundService]:
    root = tmp_path / "my project 100%"
    init_project(root)
    service = project_services(load_project(root), "local", {})["watch"]
    yield service
    stop_runner(service)


def test_entries_stand_beside_those_of_others(watch: BackgroundService, table: Path) -> None:
    table.write_text(OTHERS)
    manager = CronManager()
    assert manager.status(watch).state == "not installed"
    manager.install([watch])
    text = table.read_text()
    assert text.startswith(OTHERS)
    manager.install([watch])
    assert table.read_text() == text
    assert manager.status(watch).state == "inactive"
    assert manager.remove([watch]) == ["watch"]
    assert table.read_text() == OTHERS
    assert manager.remove([watch]) == []


def test_what_cron_runs_is_the_service(watch: BackgroundService, table: Path) -> None:
    CronManager().install([watch])
    boot, minutely = (line for line in table.read_text().splitlines() if line[0] in "@*")
    command = minutely.removeprefix("* * * * * ")
    assert boot == f"@reboot {command}"
    # As cron does: a percent sign that is not escaped ends the command.
    words = shlex.split(command.replace("\\%", "%"))
    assert words[:2] == ["env", "HEADRACE_FACILITY_SERVICE=1"]
    assert words[2] == str(Path(sys.executable).with_name("headrace"))
    assert words[3:] == ["service", "run", "watch", "--project", str(watch.root), "--at", "local"]


def test_a_profile_goes_with_it(tmp_path: Path, table: Path) -> None:
    root = tmp_path / "profiled"
    init_project(root)
    with (root / "headrace.toml").open("a") as stream:
        stream.write("[profiles.night]\n")
    project = load_project(root, "night")
    CronManager().install([project_services(project, "globus", {})["watch"]])
    assert "--at globus --profile night" in table.read_text()


def test_entries_of_others_are_kept_to_the_byte(watch: BackgroundService, table: Path) -> None:
    others = b"# caf\xe9 \x0c page\n0 3 * * * backup \xc2\x85\n"
    table.write_bytes(others)
    CronManager().install([watch])
    CronManager().remove([watch])
    assert table.read_bytes() == others


def test_a_refusal_changes_nothing(watch: BackgroundService, table: Path) -> None:
    table.write_text(OTHERS)
    with pytest.raises(ProjectError, match="crontab refused the entry: bad entry"):
        CronManager().install([replace(watch, location=("forbidden",))])
    assert table.read_text() == OTHERS


def started(watch: BackgroundService, program: Path) -> subprocess.Popen[bytes]:
    """Run the service with another command, as cron would."""
    arguments = [sys.executable, "-c", RUN, str(watch.root), str(program)]
    return subprocess.Popen(arguments, stderr=subprocess.PIPE)


def test_it_runs_once_with_a_log_that_is_rotated(watch: BackgroundService, tmp_path: Path) -> None:
    program = tmp_path / "talk.py"
    program.write_text(
        "import time\nfor number in range(3000): print('line', number, '\\x1b[31m', flush=True)\n"
        "time.sleep(600)\n"
    )
    first = started(watch, program)
    log = log_file(watch)
    wait_until(lambda: log.exists() and "line 2999" in log.read_text(), "the last line")
    running = read_runner(watch)
    assert running is not None
    assert started(watch, program).wait() == 0, "a second one leaves it alone"
    assert read_runner(watch) == running
    files = sorted(log.parent.glob(f"{log.name}*"))
    assert len(files) == 1 + cron_runner.LOG_FILES
    assert all(file.stat().st_size <= 20_000 for file in files)
    assert "\x1b" not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    first.send_signal(signal.SIGTERM)
    assert first.wait() != 0
    assert not psutil.pid_exists(running.pid)
    assert read_runner(watch) is None


def test_a_service_whose_record_cannot_be_written_is_ended(
    watch: BackgroundService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def full(service: BackgroundService, pid: int) -> None:
        begun.append(pid)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cron_runner, "_write_runner", full)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    sleeping = (sys.executable, "-c", "import time; time.sleep(600)")
    monkeypatch.setattr(BackgroundService, "command", sleeping)
    with pytest.raises(OSError, match="No space left"):
        cron_runner.run_service(watch)
    assert not psutil.pid_exists(begun[0])


def test_what_a_killed_runner_left_is_ended_before_another_is_started(
    watch: BackgroundService, tmp_path: Path
) -> None:
    program = tmp_path / "sleep.py"
    program.write_text("import time\ntime.sleep(600)\n")
    first = started(watch, program)
    wait_until(lambda: read_runner(watch) is not None, "the service")
    left = read_runner(watch)
    assert left is not None
    first.kill()
    first.wait()
    assert psutil.pid_exists(left.pid)
    second = started(watch, program)
    wait_until(lambda: read_runner(watch) not in (None, left), "the next one")
    assert not psutil.pid_exists(left.pid)
    stop_runner(watch)
    assert second.wait() != 0
