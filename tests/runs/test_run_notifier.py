"""People are told how runs end: once, and also after the watch was away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.config import ProjectError
from headrace.project import load_project
from headrace.runs import RunView
from headrace.runs.run_notifier import RunNotifier


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    command = f'(echo \\"$HEADRACE_SUBJECT\\"; cat) >> {tmp_path}/mail'
    (tmp_path / "headrace.toml").write_text(f'name = "p"\n[notify]\ncommand = "{command}"\n')
    return tmp_path / "mail"


def teller(root: Path) -> RunNotifier:
    return RunNotifier(load_project(root), root / "state" / "watching.json", pytest.fail, "globus")


def run(status: str, **details: Any) -> RunView:
    return RunView({"run_id": "r1", "label": "a run", "status": status, "details": details})


def test_a_failure_is_told_once_with_its_reason(mailbox: Path) -> None:
    one = teller(mailbox.parent)
    one.track("r1")
    failed = run("FAILED", state_name="S", exception="E", cause="no space left")
    one.update(run("ACTIVE"))
    one.update(failed)
    one.update(failed)
    one.close()
    told = mailbox.read_text()
    assert told.count("p: a run: FAILED") == 1
    assert "a run failed after 0:00: no space left (E in state S)" in told
    assert "headrace run log r1" in told
    assert one.pending_runs() == []


def test_a_trigger_that_is_held_is_told_as_one(mailbox: Path) -> None:
    one = teller(mailbox.parent)
    one.notify_held("shots", "the run of shot7 failed")
    one.close()
    told = mailbox.read_text()
    assert "p: shots: held" in told
    assert "the trigger shots starts nothing more: the run of shot7 failed" in told
    assert "arrived" not in told


def test_what_ended_while_the_watch_was_away_is_told_by_the_next_one(mailbox: Path) -> None:
    first = teller(mailbox.parent)
    first.track("r1")
    first.update(run("ACTIVE"))
    first.close()
    second = teller(mailbox.parent)
    assert second.pending_runs() == ["r1"]
    second.update(run("FAILED", code="FlowFailed", description="gone"))
    second.close()
    assert "a run: FAILED" in mailbox.read_text()


def test_a_run_that_waits_is_told_and_one_that_succeeds_only_when_asked(mailbox: Path) -> None:
    one = teller(mailbox.parent)
    one.track("r1")
    one.update(run("INACTIVE", code="ConsentRequired", description="Missing consent"))
    one.update(run("SUCCEEDED"))
    one.close()
    told = mailbox.read_text()
    assert "a run: INACTIVE" in told
    assert "Missing consent" in told
    assert "SUCCEEDED" not in told
    config = mailbox.parent / "headrace.toml"
    config.write_text(config.read_text() + 'on = "succeeded"\n')
    two = teller(mailbox.parent)
    two.track("r1")
    two.update(run("SUCCEEDED"))
    two.close()
    assert "a run: SUCCEEDED" in mailbox.read_text()


def test_a_file_that_cannot_be_written_does_not_end_the_watch(mailbox: Path) -> None:
    root, said = mailbox.parent, []
    (root / "state").write_text("a file where a directory belongs")
    one = RunNotifier(load_project(root), root / "state" / "watching.json", said.append, "globus")
    one.track("r1")
    one.update(run("FAILED", state_name="S", exception="E", cause="no space left"))
    one.close()
    assert "a run: FAILED" in mailbox.read_text()
    assert all("watching.json: cannot be written: " in line for line in said)
    assert said


def test_a_deleted_run_is_forgotten(mailbox: Path) -> None:
    one = teller(mailbox.parent)
    one.track("r1")
    one.retain(set())
    one.close()
    assert teller(mailbox.parent).pending_runs() == []


def test_an_unknown_status_is_told_with_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text('[notify]\non = "LATE"\n')
    with pytest.raises(ProjectError, match=r"notify\.on: 'LATE': there are FAILED, INACTIVE"):
        load_project(tmp_path)
