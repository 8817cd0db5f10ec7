"""``headrace status`` shows core hours that are told, and says what is not."""

from __future__ import annotations

from typing import Any

from headrace.cli.termio.project_status import status_text
from headrace.project_status.report import ProjectStatus
from headrace.project_status.run_figures import STATUSES, RunFigures


def test_status_shows_what_is_told_and_what_is_not() -> None:
    told = {"core_hours": 80.25, "tasks": 9, "silent_tasks": 1}
    silent = {"core_hours": None, "tasks": 0, "silent_tasks": 2}
    hours = {
        "day": {"cluster": {**told, "core_hours": 12.5}},
        "week": {"cluster": told, "x": silent},
    }
    runs = RunFigures(dict.fromkeys(STATUSES, 0), core_hours=hours)
    empty: Any = ()
    status = ProjectStatus(
        "p", "local", 0.0, empty, runs, empty, None, empty, empty, empty, empty, empty, {}
    )
    text = status_text(status)
    assert "cluster: 12.5 in 24 h, 80.2 in 7 days (1 of 10 tasks told none)" in text
    assert "x: not told by its tasks" in text
    assert status.document()["core_hours"] == hours
