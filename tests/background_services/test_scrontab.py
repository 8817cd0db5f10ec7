"""Services by Slurm's scrontab, with stand-ins that say so: a real one is packaged nowhere."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.background_services.definition import BackgroundService, project_services
from headrace.background_services.manager_choice import find_manager, find_managers
from headrace.background_services.scrontab import TEMPLATE_NAME, ScrontabManager
from headrace.config import ProjectError
from headrace.project import Project, init_project, load_project
from tests.support.repository import SUPPORT
from tests.support.waiting import wait_until

OTHERS = "# mine\n#SCRON -t 1\n0 3 * * * backup\n"
RUN = """
import sys
from pathlib import Path
from headrace.background_services import cron_runner
from headrace.background_services.definition import project_services
from headrace.project import load_project

sys.executable = sys.argv[2]
services = project_services(load_project(Path(sys.argv[1])), "local", {})
sys.exit(cron_runner.run_services([services["facility"], services["watch"]], pause=0.1))
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Only the stand-ins are on the PATH, with what they need."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("scrontab", "squeue", "scancel"):
        script = SUPPORT / "slurm_cron_stand_ins.sh"
        (directory / name).write_text(f'#!/bin/sh\nSTAND_IN={name} exec /bin/sh "{script}" "$@"\n')
        (directory / name).chmod(0o755)
    for name in ("cat", "grep", "mv", "sed"):
        found = next(p for p in ("/bin", "/usr/bin") if (Path(p) / name).exists())
        (directory / name).symlink_to(Path(found) / name)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("TABLE", str(tmp_path / "table"))
    monkeypatch.setenv("JOBS", str(tmp_path / "jobs"))
    monkeypatch.delenv("OLD_SLURM", raising=False)
    return tmp_path / "table"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "my project"
    init_project(root)
    return load_project(root)


@pytest.fixture
def services(project: Project) -> dict[str, BackgroundService]:
    return project_services(project, "local", {})


def entry_of(table: Path) -> str:
    return table.read_text().partition(": begin\n")[2].partition("\n# headrace")[0]


def test_it_is_chosen_where_there_is_nothing_else(table: Path) -> None:
    assert [manager.name for manager in find_managers()] == ["scrontab"]
    assert find_manager().name == "scrontab"
    assert find_manager("cron").name == "cron"


def test_all_services_share_one_job_beside_the_entries_of_others(
    services: dict[str, BackgroundService], table: Path
) -> None:
    table.write_text(OTHERS)
    manager = ScrontabManager()
    assert manager.status(services["watch"]).state == "not installed"
    manager.install([services["facility"], services["watch"]])
    assert table.read_text().startswith(OTHERS)
    manager.install([services["monitor"]])
    entry = entry_of(table)
    *options, command = entry.splitlines()
    assert options[0] == "# services: facility watch monitor"
    assert "#SCRON --time=1-00:00:00" in options
    assert "#SCRON --dependency=singleton" in options
    assert sum(line.startswith("#SCRON --job-name=headrace-my-project-") for line in options) == 1
    assert any(line.startswith('#SCRON --output="/') for line in options)
    words = shlex.split(command.removeprefix("* * * * * "))
    assert words[0] == str(Path(sys.executable).with_name("headrace"))
    assert words[1:6] == ["service", "run", "facility", "watch", "monitor"]
    assert words[6:] == ["--project", str(services["watch"].root), "--at", "local"]
    assert manager.remove([services["watch"]]) == ["watch"]
    assert "# services: facility monitor" in table.read_text()
    assert manager.remove([*services.values()]) == ["facility", "monitor"]
    assert table.read_text() == OTHERS
    assert manager.remove([*services.values()]) == []


def test_the_state_is_that_of_the_job(
    services: dict[str, BackgroundService], table: Path, tmp_path: Path
) -> None:
    manager = ScrontabManager()
    manager.install([services["watch"]])
    group = manager.status(services["watch"]).id
    assert manager.status(services["watch"]).state == "inactive"
    assert manager.status(services["monitor"]).state == "not installed"
    jobs = tmp_path / "jobs"
    jobs.write_text(f"{group} PENDING\nother RUNNING\n")
    assert manager.status(services["watch"]).state == "pending"
    jobs.write_text(f"{group} RUNNING\n")
    status = manager.status(services["watch"])
    assert (status.state, status.active, status.since) == ("active", True, "2026-11-28T15:01:40")


def test_an_entry_whose_job_was_cancelled_is_told_of(
    services: dict[str, BackgroundService], table: Path
) -> None:
    manager = ScrontabManager()
    manager.install([services["watch"]])
    table.write_text(table.read_text().replace("\n* * *", "\n#DISABLED: * * *"))
    assert manager.status(services["watch"]).state == "cancelled"
    manager.install([services["watch"]])
    assert "#DISABLED" not in table.read_text()


@pytest.mark.parametrize("old", ["", "yes"])
def test_the_job_of_before_is_ended(
    services: dict[str, BackgroundService],
    table: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
) -> None:
    monkeypatch.setenv("OLD_SLURM", old)
    ScrontabManager().install([services["watch"]])
    ScrontabManager().remove([services["watch"]])
    ended = (tmp_path / "jobs.cancelled").read_text().splitlines()
    assert len(ended) == 2
    assert all(("--cron" in line) != bool(old) for line in ended)


def test_lines_of_the_site_go_into_the_entry(
    project: Project, services: dict[str, BackgroundService], table: Path
) -> None:
    template = project.templates_dir / TEMPLATE_NAME
    template.write_text("# At NERSC\n#SCRON --qos=workflow\n#SCRON --time=30-00:00:00\n")
    ScrontabManager().install([services["watch"]])
    entry = entry_of(table)
    assert "#SCRON --qos=workflow\n#SCRON --time=30-00:00:00\n#SCRON --job-name" in entry
    assert "1-00:00:00" not in entry
    template.write_text("* * * * * something else\n")
    with pytest.raises(ProjectError, match="only lines #SCRON"):
        ScrontabManager().install([services["watch"]])


def test_what_the_table_cannot_hold_is_refused(tmp_path: Path, table: Path) -> None:
    root = tmp_path / "100%"
    init_project(root)
    watch = project_services(load_project(root), "local", {})["watch"]
    with pytest.raises(ProjectError, match="percent sign"):
        ScrontabManager().install([watch])
    assert not table.exists()


def test_services_run_beside_each_other_and_are_started_again(
    project: Project, tmp_path: Path
) -> None:
    """A stand-in for headrace notes how it is called: the watch ends, the facility stays."""
    programs = tmp_path / "programs"
    programs.mkdir()
    calls = tmp_path / "calls"
    headrace = programs / "headrace"
    headrace.write_text(
        f'#!/bin/sh\necho "$3" >> "{calls}"\n[ "$3" = watch ] && exit 1\nexec sleep 600\n'
    )
    headrace.chmod(0o755)
    arguments = [sys.executable, "-c", RUN, str(project.root), str(programs / "python")]
    running = subprocess.Popen(arguments, env={**os.environ})

    def counts() -> tuple[int, int]:
        lines = calls.read_text().splitlines() if calls.exists() else []
        return lines.count("facility"), lines.count("watch")

    wait_until(lambda: counts()[1] >= 3, "the third start of the watch")
    assert counts()[0] == 1
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 0
