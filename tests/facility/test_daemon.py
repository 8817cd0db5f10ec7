"""Starting, stopping and killing the facility's process."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import psutil
import pytest

from headrace.facility import FacilityError, facility_status, start_facility, stop_facility
from headrace.facility.store.database import MIGRATIONS, Store

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def test_a_second_start_finds_the_first(facility, start):
    assert start().address == facility.address


def test_its_files_are_private(facility):
    state = facility.root / ".headrace"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for name in ("facility.json", "facility.db", "facility.log", "settings.json"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600, name
    assert facility.address.token not in (state / "facility.log").read_text()


def test_it_listens_on_loopback_only(facility):
    process = psutil.Process(facility.address.pid)
    listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}


def test_its_token_is_on_no_command_line(facility):
    process = psutil.Process(facility.address.pid)
    told = [*process.cmdline(), *process.environ().values()]
    assert not any(facility.address.token in text for text in told)


def test_stopping_ends_it_and_a_second_stop_says_so(facility):
    assert facility_status(facility.root)["answers"]
    assert stop_facility(facility.root) is True
    assert not facility.address.is_alive
    assert stop_facility(facility.root) is False
    assert facility_status(facility.root) is None


def test_after_a_kill_it_comes_back_where_it_was_with_all_it_knew(facility, start):
    run = facility.run(PASS, {"n": 1})
    os.kill(facility.address.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(facility.address.pid)], 120) if psutil.pid_exists(
        facility.address.pid
    ) else None
    again = start()
    assert (again.address.url, again.address.token) == (
        facility.address.url,
        facility.address.token,
    )
    assert again.services.flows.get_run(run["run_id"])["details"]["output"] == {"n": 1}


def test_a_start_that_fails_leaves_the_store_as_it_was(facility, start, monkeypatch):
    run = facility.run(PASS, {"n": 1})
    stop_facility(facility.root)
    with monkeypatch.context() as mistaken:
        mistaken.setenv("HEADRACE_RETENTION_DAYS", "some")
        with pytest.raises(FacilityError, match="must be a number of days"):
            start()
    again = start()
    assert again.services.flows.get_run(run["run_id"])["details"]["output"] == {"n": 1}


def test_a_second_facility_on_one_state_is_refused(facility):
    command = [sys.executable, "-m", "headrace.facility", str(facility.root)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert "another facility works on this state" in second.stderr


def test_a_store_that_is_none_is_told_in_one_line(tmp_path, settings):
    root = tmp_path / "broken"
    (root / ".headrace").mkdir(parents=True)
    (root / ".headrace" / "facility.db").write_text("this is no database" * 100)
    with pytest.raises(FacilityError, match="cannot be opened as the facility's store"):
        start_facility(root, settings)


def test_a_store_of_a_later_version_is_refused(tmp_path):
    path = tmp_path / "facility.db"
    store = Store(path)
    with store.transaction() as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    store.close()
    with pytest.raises(FacilityError, match="upgrade headrace"):
        Store(path)
