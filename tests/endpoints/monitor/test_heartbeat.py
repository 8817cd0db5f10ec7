from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.endpoints.monitor import check_heartbeat, heartbeat_file
from headrace.endpoints.monitor.heartbeat import write_heartbeat
from headrace.project import init_project, load_project

ROW = {"name": "<b>m", "health": "down", "message": "its process has ended; restarted"}


def test_what_is_written_is_found_young(tmp_path: Path) -> None:
    init_project(tmp_path / "p")
    project = load_project(tmp_path / "p")
    write_heartbeat(project, [ROW], 1_000_000.0)
    told = check_heartbeat(heartbeat_file(project), 300, 1_000_060.0)
    assert told["age_seconds"] == 60
    assert told["endpoints"] == [ROW]
    fragment = heartbeat_file(project).with_name("status.html").read_text()
    assert "&lt;b&gt;m" in fragment
    assert "<b>" not in fragment


def test_an_old_one_is_complained_of(tmp_path: Path) -> None:
    init_project(tmp_path / "p")
    project = load_project(tmp_path / "p")
    write_heartbeat(project, [], 1_000_000.0)
    with pytest.raises(ProjectError, match=r"last heard of 60 min ago .*#DISABLED"):
        check_heartbeat(heartbeat_file(project), 1800, 1_003_600.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"unix": "x"}', "\x00"])
def test_what_is_none_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "heartbeat.json"
    path.write_text(text)
    with pytest.raises(ProjectError, match="not a heartbeat"):
        check_heartbeat(path, 1, 0)


def test_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="has never run"):
        check_heartbeat(tmp_path / "none.json", 1, 0)


def test_it_is_json(tmp_path: Path) -> None:
    init_project(tmp_path / "p")
    project = load_project(tmp_path / "p")
    write_heartbeat(project, [ROW], 0.0)
    assert json.loads(heartbeat_file(project).read_text())["endpoints"] == [ROW]
