"""The heartbeat of a watch comes from the loop that works, and tells how the watch has ended."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from headrace._internal.heartbeat_files import HeartbeatRecord, read_heartbeats
from headrace.facility import state_directory
from headrace.project import Project
from headrace.triggers import TriggerError
from headrace.triggers.project_watch import ProjectWatch
from tests.support.small_project import project, root
from tests.support.waiting import wait_until

__all__ = ["project", "root"]


class Silent:
    """A reporter that shows nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **options: None


def make_watch(project: Project, monkeypatch: pytest.MonkeyPatch, work: Any) -> ProjectWatch:
    from headrace.triggers import load_triggers

    (project.root / "triggers").mkdir(exist_ok=True)
    (project.root / "triggers" / "new.toml").write_text(TRIGGER)
    (project.root / "data" / "incoming").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(ProjectWatch, "_watch", work)
    roots = {name: each.root for name, each in project.collections.items()}
    triggers = load_triggers(project.triggers_dir, roots)
    return ProjectWatch(project, "local", triggers, Silent(), lambda: None)  # type: ignore[arg-type, return-value]


TRIGGER = """\
[watch]
collection = "here"
path = "/incoming/"
what = "file"
[start]
flow = "say"
[start.input]
word = "{name}"
"""


def beats(project: Project) -> list[HeartbeatRecord]:
    return read_heartbeats(state_directory(project.root), "local")


def test_it_says_what_it_does_and_that_it_was_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    watch = make_watch(project, monkeypatch, lambda self: going.wait(60))
    monkeypatch.setattr(watch.runs, "poll", lambda: None)
    thread = threading.Thread(target=watch.run)
    thread.start()
    (found,) = wait_until(lambda: beats(project), "the heartbeat")
    assert (found.name, found.state(found.unix)) == ("watch", "well")
    assert found.activity == "watches 1 trigger, follows 0 runs"
    going.set()
    thread.join()
    assert beats(project)[0].stopped


def test_one_that_cannot_work_has_not_ended_as_it_should(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ProjectWatch) -> None:
        self._error = TriggerError("the ledger is damaged")

    watch = make_watch(project, monkeypatch, fail)
    monkeypatch.setattr(watch.runs, "poll", lambda: None)
    with pytest.raises(TriggerError):
        watch.run()
    (found,) = beats(project)
    assert (found.stopped, found.problem) == (False, "the ledger is damaged")


def test_a_trigger_that_does_not_come_back_is_told_of(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its directory's server hangs: the loop of the watch goes on, and says so."""
    from headrace.triggers import Watcher, sources

    moment, hangs, back = [0.0], threading.Event(), threading.Event()

    class Hanging:
        """Stands for a watcher whose directory does not answer."""

        def __init__(self, *arguments: Any) -> None:
            hangs.set()
            back.wait(60)
            raise TriggerError("the server is gone")

    monkeypatch.setattr(sources, "DirectoryWatcher", Hanging)
    watch = make_watch(project, monkeypatch, lambda self: None)
    unused: Any = None
    watching = Watcher(watch._watched.triggers, unused, unused, print, clock=lambda: moment[0])
    watch._watcher = watching
    thread = threading.Thread(target=lambda: run_to_its_error(watching))
    thread.start()
    hangs.wait(60)
    assert watching.busy_triggers(900.0) == {}
    moment[0] += 1_200.0
    assert watching.busy_triggers(900.0) == {"new": 1_200.0}
    watch._beat()
    back.set()
    thread.join()
    (found,) = beats(project)
    assert found.problem == (
        "the trigger new has been at one thing for 20 min: look at its directory"
    )
    assert watching.busy_triggers(0.1) == {}


def run_to_its_error(watching: Any) -> None:
    with pytest.raises(TriggerError, match="the server is gone"):
        watching.run(threading.Event())
