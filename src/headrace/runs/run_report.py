"""Report of runs by flow and period: how many were started, how they ended, and what stands out.

A period stands out where more of its runs failed than chance explains: the p-value of Fisher's
exact test, one-sided, beside the other periods of the same flow, times the number of periods
(Bonferroni), is below 0.01.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from headrace.project.project import Project
from headrace.runs.association import tail_probability
from headrace.runs.poller import RunView, parse_time, states_of
from headrace.runs.retry_chains import retried_run_id
from headrace.runs.run_logs import Entries, map_logs
from headrace.runs.state_details import run_core_hours, state_details

if TYPE_CHECKING:
    from headrace.hosted import Services

Period = Literal["day", "week", "month"]

LEVEL: Final = 0.01
"""Probability, after the correction for many periods, below which failures are no chance."""

# Runs that are read at the most.
_MOST: Final = 100_000


@dataclass(frozen=True)
class PeriodReport:
    """Runs of one flow that were started in one period.

    Attributes:
        period: its first day.
        flow: the flow's title.
        started: runs that were started.
        succeeded: those of them that succeeded.
        failed: those that failed, and were not cancelled.
        cancelled: those that somebody ended.
        open: those that have not ended.
        mended: those that failed and that a later run mended.
        stands_out: whether more of them failed than chance explains.
        core_hours: what the batch jobs of those runs used whose records tell it, failed attempts
            included; None where none does, or where it was not asked for.
        core_hours_runs: the number of these runs.
    """

    period: str
    flow: str
    started: int
    succeeded: int
    failed: int
    cancelled: int
    open: int
    mended: int
    stands_out: bool = False
    core_hours: float | None = None
    core_hours_runs: int = 0

    @property
    def percent(self) -> float | None:
        """Share of those that ended by themselves that succeeded, in percent; None without any."""
        ended = self.succeeded + self.failed
        return 100 * self.succeeded / ended if ended else None

    def document(self) -> dict[str, Any]:
        """Return the report as JSON shows it."""
        percent = self.percent
        return {**asdict(self), "percent": None if percent is None else round(percent, 1)}


@dataclass(frozen=True)
class RunReport:
    """Report of the runs of some periods.

    Attributes:
        rows: a row for each period and flow that had runs, the newest period first.
        complete: whether all runs were read.
    """

    rows: Sequence[PeriodReport]
    complete: bool


def read_run_report(
    project: Project,
    target: str,
    services: Services,
    by: Period,
    number: int,
    now: datetime | None = None,
    *,
    core_hours: bool = False,
) -> RunReport:
    """Return the report of the last periods, of this machine's time zone.

    Args:
        project: the project.
        target: ``local`` or ``globus``; there, of the project's flows alone.
        services: the services there.
        by: length of a period; a week begins on Monday.
        number: number of periods, with the present one.
        now: the present; by the clock by default.
        core_hours: whether the log of each run is read for what its batch jobs used.
    """
    moment = (now or datetime.now(UTC)).astimezone()
    first = first_day(moment.date(), by)
    for _ in range(number - 1):
        first = first_day(first - timedelta(days=1), by)
    since = datetime(first.year, first.month, first.day).astimezone()
    query: dict[str, Any] = {
        "filter_start_time": f"{since.astimezone(UTC).isoformat()},",
        "orderby": "start_time DESC",
        "per_page": 100,
    }
    if target != "local":
        flows = sorted({flow.id for flow in project.lock().at(target).flows.values()})
        if not flows:
            return RunReport((), complete=True)
        query["filter_flow_id"] = ",".join(flows)
    runs: list[Mapping[str, Any]] = []
    complete = True
    for run in services.read_items("/runs", "runs", query):
        if len(runs) == _MOST:
            complete = False
            break
        runs.append(run)
    used = core_hours_of_runs(project, target, runs) if core_hours else {}
    return RunReport(report_rows(runs, by, used), complete)


def core_hours_of_runs(
    project: Project, target: str, runs: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Return what the batch jobs of runs used, failed attempts included, by the runs' ids.

    A run whose log and jobs do not tell it is left out.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        runs: documents of the runs.
    """
    documents = {str(run["run_id"]): run for run in runs}

    def used(run_id: str, entries: Entries) -> float | None:
        view = RunView(documents[run_id], states_of(entries))
        return run_core_hours(state_details(view, entries, project))

    found = zip(documents, map_logs(project, target, [*documents], used), strict=True)
    return {run_id: hours for run_id, hours in found if hours is not None}


def first_day(day: date, by: Period) -> date:
    """Return the first day of the period that a day is in."""
    if by == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if by == "week" else day


def report_rows(
    runs: Iterable[Mapping[str, Any]], by: Period, core_hours: Mapping[str, float] | None = None
) -> list[PeriodReport]:
    """Return the rows of a report, the newest period first.

    Args:
        runs: documents of runs.
        by: length of a period.
        core_hours: those of runs whose records tell them, by the runs' ids.
    """
    known = core_hours or {}
    used: dict[tuple[str, str], list[float]] = defaultdict(list)
    documents = [*runs]
    mended = _mended(documents)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for run in documents:
        started = parse_time(run.get("start_time"))
        if started is None:
            continue
        period = first_day(started.astimezone().date(), by).isoformat()
        key = period, str(run.get("flow_title") or run.get("flow_id"))
        found = counts[key]
        if (hours := known.get(str(run["run_id"]))) is not None:
            used[key].append(hours)
        found["started"] += 1
        found[_outcome(run)] += 1
        found["mended"] += _outcome(run) == "failed" and str(run["run_id"]) in mended
    rows = [
        PeriodReport(
            period,
            flow,
            found["started"],
            found["succeeded"],
            found["failed"],
            found["cancelled"],
            found["open"],
            found["mended"],
            core_hours=round(sum(used[period, flow]), 6) if used[period, flow] else None,
            core_hours_runs=len(used[period, flow]),
        )
        for (period, flow), found in sorted(counts.items(), key=lambda item: item[0][1])
    ]
    rows = [row for flow in dict.fromkeys(row.flow for row in rows) for row in _marked(rows, flow)]
    return sorted(sorted(rows, key=lambda row: row.flow), key=lambda row: row.period, reverse=True)


def _outcome(run: Mapping[str, Any]) -> str:
    view = RunView(run)
    if not view.final:
        return "open"
    if view.cancelled:
        return "cancelled"
    return "succeeded" if view.status == "SUCCEEDED" else "failed"


def _mended(runs: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the runs that one of a chain of retries mended."""
    retried = {str(run["run_id"]): retried_run_id(run) for run in runs}
    found: set[str] = set()
    for run in runs:
        before = retried_run_id(run) if run.get("status") == "SUCCEEDED" else None
        while before is not None and before not in found:
            found.add(before)
            before = retried.get(before)
    return found


def _marked(rows: Sequence[PeriodReport], flow: str) -> list[PeriodReport]:
    """Return the rows of one flow, those that stand out marked."""
    own = [row for row in rows if row.flow == flow]
    failed = sum(row.failed for row in own)
    ended = failed + sum(row.succeeded for row in own)
    marked = []
    for row in own:
        mine = row.failed + row.succeeded
        chance = tail_probability(ended, mine, failed, row.failed) * len(own)
        marked.append(replace(row, stands_out=chance < LEVEL))
    return marked
