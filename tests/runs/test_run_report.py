"""The report of runs by flow and period, beside a plain count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from headrace.cli.commands.run.report import REPORT_FIELDS
from headrace.cli.termio.tables import table
from headrace.project import Project
from headrace.runs import run_report
from headrace.runs.run_report import first_day, read_run_report, report_rows
from tests.support.ids import an_id
from tests.support.small_project import project, root

__all__ = ["project", "root"]


def run(number: int, day: str, status: str, flow: str = "Fit", retry_of: int | None = None) -> Any:
    document: dict[str, Any] = {
        "run_id": f"run-{number}",
        "flow_id": flow.lower(),
        "flow_title": flow,
        "status": status,
        "start_time": f"{day}T12:00:00.000000+00:00",
        "details": {"code": "FlowCanceled"} if status == "ENDED" else {},
    }
    return document | ({"retry_of": {"run_id": f"run-{retry_of}"}} if retry_of else {})


@pytest.mark.parametrize(
    ("by", "first"),
    [("day", date(2026, 11, 28)), ("week", date(2026, 11, 23)), ("month", date(2026, 11, 1))],
)
def test_periods(by: Any, first: date) -> None:
    assert first_day(date(2026, 11, 28), by) == first
    assert first_day(first, by) == first


def test_what_a_row_counts() -> None:
    runs = [
        run(1, "2026-11-27", "FAILED"),
        run(2, "2026-11-27", "FAILED", retry_of=1),
        run(3, "2026-11-28", "SUCCEEDED", retry_of=2),
        run(4, "2026-11-28", "FAILED"),
        run(5, "2026-11-28", "ENDED"),
        run(6, "2026-11-28", "ACTIVE"),
        run(7, "2026-11-28", "SUCCEEDED", flow="Analysis"),
    ]
    rows = [row.document() for row in report_rows(runs, "day")]
    assert [(row["period"], row["flow"]) for row in rows] == [
        ("2026-11-28", "Analysis"),
        ("2026-11-28", "Fit"),
        ("2026-11-27", "Fit"),
    ]
    assert rows[1] == {
        "period": "2026-11-28",
        "flow": "Fit",
        "started": 4,
        "succeeded": 1,
        "failed": 1,
        "cancelled": 1,
        "open": 1,
        "mended": 0,
        "stands_out": False,
        "percent": 50.0,
        "core_hours": None,
        "core_hours_runs": 0,
    }
    assert (rows[2]["failed"], rows[2]["mended"], rows[2]["percent"]) == (2, 2, 0.0)


def test_a_catastrophe_stands_out_and_chance_does_not() -> None:
    days = [f"2026-11-{day:02}" for day in range(1, 11)]
    runs = [
        run(100 * n + i, day, "FAILED" if i < (18 if n == 6 else 1 + n % 2) else "SUCCEEDED")
        for n, day in enumerate(days)
        for i in range(40)
    ]
    assert [row.period for row in report_rows(runs, "day") if row.stands_out] == [days[6]]


def test_one_period_alone_has_nothing_to_stand_out_from() -> None:
    rows = report_rows([run(n, "2026-11-28", "FAILED") for n in range(50)], "day")
    assert [row.stands_out for row in rows] == [False]


class Services:
    """Stands for a service; keeps what it is asked."""

    def __init__(self, runs: list[Any]) -> None:
        self.runs, self.query = runs, dict[str, Any]()

    def read_items(self, path: str, key: str, query: Mapping[str, Any]) -> Any:
        assert (path, key) == ("/runs", "runs")
        self.query = dict(query)
        return iter(self.runs)


@pytest.mark.parametrize(("by", "first"), [("day", "2026-11-27"), ("month", "2026-10-01")])
def test_the_last_periods_are_asked_for(project: Project, by: Any, first: str) -> None:
    services: Any = Services([run(1, "2026-11-28", "SUCCEEDED")])
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    report = read_run_report(project, "local", services, by, 2, now)
    assert report.complete
    assert len(report.rows) == 1
    since = datetime.fromisoformat(services.query["filter_start_time"].removesuffix(","))
    assert since.astimezone().date().isoformat() == first
    # Nothing is deployed there, so that the runs of others would be read.
    assert read_run_report(project, "globus", services, by, 2, now).rows == ()


def log(*results: dict[str, Any]) -> list[dict[str, Any]]:
    """The log of a run with one state, whose function returned or failed as its result says."""
    time = "2026-11-28T12:00:00Z"
    given = {"endpoint_id": an_id("endpoint"), "tasks": [{}]}
    named = {"state_name": "Fit", "state_type": "Action"}
    return [
        {"time": time, "code": "FlowStarted", "details": {"input": {}}},
        {"time": time, "code": "ActionStarted", "details": {**named, "input": given}},
        {
            "time": time,
            "code": "ActionFailed" if "exception" in results[0] else "ActionCompleted",
            "details": {**named, "output": {"details": {"results": list(results)}}},
        },
    ]


def test_core_hours_are_summed_where_records_tell_them(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what failed, too, by its job's record; what tells nothing is no zero."""
    task = an_id("task")
    job = tmp_path / "work" / "fit"
    job.mkdir(parents=True)
    tag = {"tag": f"headrace:{task}:job", "job_id": "17"}
    (job / "submission.json").write_text(json.dumps(tag))
    (job / "outcome.json").write_text(json.dumps({"task": task, "core_hours": 0.5}))
    logs = {
        # Its function has counted its failed attempts in.
        "run-1": log({"task_id": an_id("other"), "output": {"job_core_hours": 2.25}}),
        "run-2": log({"task_id": task, "exception": f"JobFailed: {job.parent}"}),
        "run-3": log({"task_id": an_id("silent"), "output": {"seconds": 3}}),
        "run-4": log({"task_id": an_id("silent"), "output": {"seconds": 3}}),
    }

    def map_logs(_: Project, target: str, run_ids: Any, function: Any) -> Any:
        assert target == "local"
        return (function(run_id, logs[run_id]) for run_id in run_ids)

    monkeypatch.setattr(run_report, "map_logs", map_logs)
    services: Any = Services(
        [
            run(1, "2026-11-28", "SUCCEEDED", retry_of=2),
            run(2, "2026-11-28", "FAILED"),
            run(3, "2026-11-28", "SUCCEEDED"),
            run(4, "2026-11-28", "SUCCEEDED", flow="Analysis"),
        ]
    )
    now = datetime(2026, 11, 28, 13, tzinfo=UTC)
    report = read_run_report(project, "local", services, "day", 2, now, core_hours=True)
    found = {row.flow: (row.core_hours, row.core_hours_runs, row.started) for row in report.rows}
    assert found == {"Fit": (2.75, 2, 3), "Analysis": (None, 0, 1)}
    shown = table([row.document() for row in report.rows], REPORT_FIELDS, "").splitlines()
    assert [line.endswith("2.75 (of 2 runs)") for line in shown] == [False, False, True]
    unasked = read_run_report(project, "local", services, "day", 2, now)
    assert {row.core_hours for row in unasked.rows} == {None}
