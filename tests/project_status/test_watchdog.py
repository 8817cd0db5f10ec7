"""The watchdog tells once of what is dead, and once when it is back; silence is no good sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace.background_services.definition import project_services
from headrace.background_services.record import record_installed, record_removed
from headrace.config import ProjectError
from headrace.facility import state_directory
from headrace.notifications import Notification
from headrace.project import Project, load_project
from headrace.project_status import watchdog
from headrace.project_status.watchdog import Watchdog

NOW = 1_000_000.0


class Channel:
    """Stands for a channel of [notify]."""

    def __init__(self) -> None:
        self.subjects: list[str] = []
        self.works = True

    def send(self, notification: Notification) -> str:
        if not self.works:
            return "notify.command: it is away"
        self.subjects.append(notification.subject)
        return ""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text('name = "small"\n')
    return load_project(tmp_path)


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Channel:
    made = Channel()
    monkeypatch.setattr(watchdog, "destinations", lambda settings: {"command": made})
    return made


def beat(project: Project, name: str, moment: float, *, stop: bool = False) -> None:
    writer = HeartbeatWriter(
        state_directory(project.root),
        name,
        "local",
        late_after=60,
        dead_after=600,
        stays=False,
        now=lambda: moment,
    )
    writer.beat()
    if stop:
        writer.stop()


def states(project: Project, now: float = NOW, *names: str, **more: float) -> dict[str, str]:
    reports = Watchdog(project, "local", names, now=lambda: now, **more).check()  # type: ignore[arg-type]
    return {each.name: each.state for each in reports}


def test_all_that_gave_a_sign_of_life_and_were_not_stopped_are_expected(
    project: Project, channel: Channel
) -> None:
    beat(project, "facility", NOW)
    beat(project, "watch", NOW - 100)
    beat(project, "monitor", NOW - 9_999, stop=True)
    assert states(project) == {"facility": "well", "watch": "late"}
    assert channel.subjects == []


def test_what_is_dead_is_told_once_and_once_when_it_is_back(
    project: Project, channel: Channel
) -> None:
    beat(project, "facility", NOW)
    beat(project, "watch", NOW)
    for _ in range(3):
        assert states(project, NOW + 700) == {"facility": "dead", "watch": "dead"}
    assert channel.subjects == [
        "headrace: the facility of small is dead",
        "headrace: the watch of small is dead",
    ]
    beat(project, "watch", NOW + 800)
    for _ in range(2):
        assert states(project, NOW + 800) == {"facility": "dead", "watch": "well"}
    assert channel.subjects[2:] == ["headrace: the watch of small is back"]


def test_what_could_not_be_sent_is_sent_at_the_next_check(
    project: Project, channel: Channel
) -> None:
    beat(project, "watch", NOW)
    channel.works = False
    states(project, NOW + 700)
    channel.works = True
    states(project, NOW + 710)
    states(project, NOW + 720)
    assert channel.subjects == ["headrace: the watch of small is dead"]


def test_a_channel_that_fails_has_the_others_told_once_all_the_same(
    project: Project, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Channel()
    away.works = False
    monkeypatch.setattr(watchdog, "destinations", lambda settings: {"one": channel, "two": away})
    beat(project, "watch", NOW)
    for _ in range(3):
        states(project, NOW + 700)
    assert channel.subjects == ["headrace: the watch of small is dead"]
    away.works = True
    states(project, NOW + 710)
    assert channel.subjects == away.subjects


def test_a_service_that_is_installed_is_expected_also_where_it_was_stopped(
    project: Project, channel: Channel
) -> None:
    services = [project_services(project, "local", {})[name] for name in ("facility", "watch")]
    record_installed(services, "cron")
    beat(project, "watch", NOW, stop=True)
    assert states(project) == {"facility": "missing", "watch": "stopped"}
    assert len(channel.subjects) == 2
    record_removed(services)
    with pytest.raises(ProjectError, match="no process is expected"):
        states(project)


def test_those_that_are_named_are_expected_and_no_other(project: Project, channel: Channel) -> None:
    beat(project, "watch", NOW)
    assert states(project, NOW, "monitor") == {"monitor": "missing"}
    assert channel.subjects == ["headrace: the monitor of small is dead"]


def test_an_age_that_is_given_goes_before_what_the_process_says(
    project: Project, channel: Channel
) -> None:
    beat(project, "watch", NOW)
    assert states(project, NOW + 50, max_age=40) == {"watch": "dead"}


def test_a_state_directory_that_cannot_be_seen_is_no_good_sign(
    project: Project, channel: Channel
) -> None:
    with pytest.raises(ProjectError, match="cannot be seen"):
        states(project, NOW, "watch")
