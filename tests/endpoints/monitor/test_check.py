"""The monitor tells of the facility itself, once for each time that it gets unwell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import headrace.facility
from headrace.endpoints.monitor import EndpointMonitor
from headrace.project import load_project


def test_an_unwell_facility_is_reported_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    (tmp_path / "headrace.toml").write_text(
        f'[notify]\ncommand = "cat >> {told}; echo >> {told}"\n'
    )
    problems = ["engine thread: stuck in run number 7: it does not advance"]
    # Stands for a facility whose engine hangs, which nothing makes a real one do at will.
    monkeypatch.setattr(
        headrace.facility, "facility_status", lambda root: {"problems": list(problems)}
    )
    monitor = EndpointMonitor(load_project(tmp_path), "local")
    for _ in range(2):
        [report] = monitor.check()
        assert (report.name, report.health, report.ok) == ("local facility", "unwell", False)
        assert "stuck in run number 7" in report.message
    heartbeat = json.loads((tmp_path / ".headrace" / "monitor" / "heartbeat.json").read_text())
    assert heartbeat["endpoints"][0]["message"] == problems[0]
    problems.clear()
    assert monitor.check() == []
    assert monitor.check() == []
    lines = [line for line in told.read_text().splitlines() if "headrace: " in line]
    assert ["needs a person" in line for line in lines] == [True, False]
    assert "is well again" in lines[1]
