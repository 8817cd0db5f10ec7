"""Units of systemd: what stands in them, checked by systemd's own program where it is there."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.background_services.definition import (
    BackgroundService,
    choose_services,
    project_services,
)
from headrace.background_services.systemd import current_umask, unit_text
from headrace.config import ProjectError
from headrace.notifications.phone.settings import PhoneSettings
from headrace.project import Project, init_project, load_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / 'my "first" $HOME project (1) 100% ü'
    init_project(root)
    return load_project(root)


def services(project: Project, target: str = "local", **variables: str) -> list[BackgroundService]:
    return [*project_services(project, target, variables).values()]


def test_the_services_of_each_target(project: Project) -> None:
    everywhere = ["watch", "campaigns", "monitor", "answers", "web"]
    assert [service.name for service in services(project)] == ["facility", *everywhere]
    assert [service.name for service in services(project, "globus")] == everywhere
    ids = {one.id for target in ("local", "globus") for one in services(project, target)}
    assert len(ids) == 11
    with pytest.raises(ProjectError, match="no service 'facility' at globus; there are watch"):
        choose_services(project, "globus", {}, ("facility",))


def test_what_the_project_has_no_use_for_is_not_installed_unless_named(project: Project) -> None:
    names = [service.name for service in choose_services(project, "local", {}, ())]
    assert names == ["facility", "watch", "campaigns", "monitor"]
    for folder in (project.triggers_dir, project.root / "campaigns"):
        for file in folder.glob("*.toml"):
            file.unlink()
    bare = replace(project, config=replace(project.config, endpoints={}))
    assert [service.name for service in choose_services(bare, "local", {}, ())] == ["facility"]
    assert choose_services(bare, "globus", {}, ()) == []
    chosen = [service.name for service in choose_services(bare, "local", {}, ("monitor",))]
    assert chosen == ["facility", "monitor"], "it starts no facility of its own"
    pages = [service.name for service in choose_services(bare, "local", {}, ("web",))]
    assert pages == ["facility", "web"], "and no server of pages unless it is named"


def test_answers_are_a_service_where_a_phone_may_give_commands(project: Project) -> None:
    with pytest.raises(ProjectError, match=r"needs \[notify.phone\] with commands"):
        choose_services(project, "local", {}, ("answers",))
    phone = PhoneSettings(commands=("retry",)).as_value()
    able = replace(project, config=replace(project.config, notify={"phone": phone}))
    names = [service.name for service in choose_services(able, "local", {}, ())]
    assert names == ["facility", "watch", "campaigns", "monitor", "answers"]


def test_what_a_unit_says(project: Project) -> None:
    facility, watch, campaigns, monitor, answers, web = (
        unit_text(one).splitlines() for one in services(project)
    )
    assert "Type=notify" in facility
    assert "Type=exec" in monitor
    assert "KillMode=process" in monitor, "the endpoints that it has started go on without it"
    assert "KillMode=mixed" in watch
    assert {"Type=notify", "WatchdogSec=1800", "KillMode=mixed"} <= {*campaigns}
    assert any(line.startswith("ExecStart=") and '"campaign" "drive"' in line for line in campaigns)
    assert {"Type=notify", "WatchdogSec=1800", "KillMode=mixed"} <= {*answers}
    assert any(line.startswith("ExecStart=") and '"notify" "listen"' in line for line in answers)
    assert {"Type=notify", "WatchdogSec=300", "KillMode=mixed"} <= {*web}
    assert any(line.startswith("ExecStart=") and '"web" "--no-link"' in line for line in web)
    assert {"Restart=on-failure", f"UMask={current_umask():04o}", "StartLimitIntervalSec=0"} <= {
        *facility
    }
    name = services(project)[0].id
    assert f"After={name}.service" in watch
    assert f"Wants={name}.service" in watch
    assert 'Environment="HEADRACE_FACILITY_SERVICE=1"' in watch
    assert not any(line.startswith(("After=", "Environment=")) for line in facility)


def test_variables_of_ours_are_kept_and_secrets_are_not(project: Project) -> None:
    variables = {
        "HEADRACE_STATE": '/scratch/a "b" 5%',
        "HEADRACE_WEBHOOK_KEY": "geheim",
        "HEADRACE_HOST_ID": "of the endpoint's host whose end would be that of the service",
        "HEADRACE_BROKER": "amqp://me:geheim@host",
        "HEADRACE_AT": "globus",
        "PATH": "/opt/slurm/bin:/bin",
    }
    text = unit_text(services(project, **variables)[0])
    assert 'Environment="HEADRACE_STATE=/scratch/a \\"b\\" 5%%"' in text.splitlines()
    assert "geheim" not in text
    assert "HEADRACE_AT" not in text
    assert "HEADRACE_HOST_ID" not in text
    assert 'Environment="PATH=/opt/slurm/bin:/bin"' in text.splitlines()


def test_a_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "two\nlines"
    init_project(root)
    with pytest.raises(ProjectError, match="a unit cannot hold a line break"):
        unit_text(services(load_project(root))[0])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_the_units(project: Project, tmp_path: Path) -> None:
    files = []
    for service in services(project, HEADRACE_STATE='/scratch/a "b" 5%'):
        file = tmp_path / f"{service.id}.service"
        file.write_text(unit_text(service))
        files.append(str(file))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "headrace" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr
