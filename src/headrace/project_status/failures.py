"""Failures of the last day that nobody mended, by cause, and runs that wait for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace.project.project import Project
from headrace.project_status.failed_runs import FailedRuns
from headrace.project_status.verdict import Finding

if TYPE_CHECKING:
    from headrace.hosted import Services

DAY: Final = timedelta(days=1)
# Failed runs that are grouped at the most, and runs that wait that are named.
_MOST_FAILED: Final = 500
_MOST_WAITING: Final = 50


@dataclass(frozen=True)
class FailureGroup:
    """Failed runs of one cause that no run has mended.

    Attributes:
        cause: the cause, without what differs from run to run.
        runs: how many there are.
        flows: titles of their flows, with counts.
        example: the newest of the runs.
        command: a command that tries them again; empty where none chooses them alone.
        pattern: pattern of ``--cause`` that chooses them alone; empty where none does.
    """

    cause: str
    runs: int
    flows: Mapping[str, int]
    example: str
    command: str
    pattern: str = ""


@dataclass(frozen=True)
class WaitingRun:
    """A run that goes on only when a person does something.

    Attributes:
        run_id: the run.
        label: its label or its flow's title.
        reason: what it waits for, or what it asks.
        command: what answers it.
        since: when it began to wait, as the service writes it; empty where that is not known.
    """

    run_id: str
    label: str
    reason: str
    command: str
    since: str = ""


@dataclass(frozen=True)
class Failures:
    """Failures of the last day.

    Attributes:
        groups: those that nobody mended, the largest first.
        mended: number of those that a retry mended.
        complete: whether all were looked at.
        started: when the first run of the groups was started; empty where there is none.
    """

    groups: Sequence[FailureGroup]
    mended: int
    complete: bool
    started: str = ""

    @property
    def unmended(self) -> int:
        """Number of runs that nobody mended."""
        return sum(group.runs for group in self.groups)


def read_failures(
    project: Project, target: str, services: Services, failed_runs: FailedRuns | None = None
) -> Failures:
    """Return the failures of the last day; a run that another one takes up counts as that one.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        failed_runs: what was read the time before.
    """
    from headrace.runs.failure_clusters import cluster_failures
    from headrace.runs.poller import RunView
    from headrace.runs.retry_chains import read_retry_chains

    since = (datetime.now(UTC) - DAY).isoformat(timespec="microseconds")
    failed = (failed_runs or FailedRuns()).read(
        services, _own_flows(project, target), since, _MOST_FAILED + 1
    )
    complete = len(failed) <= _MOST_FAILED
    failed = [run for run in failed[:_MOST_FAILED] if not RunView(run).cancelled]
    chains = read_retry_chains(services, target, failed)
    mended = {
        str(run["run_id"]) for run in failed if chains.mended_by(str(run["run_id"])) is not None
    }
    last = [
        run
        for run in failed
        if str(run["run_id"]) not in mended and chains.last_attempt(str(run["run_id"])) is None
    ]
    # A selection chooses by the start, which may be long before the failure.
    started = min((str(run["start_time"])[:19] + "Z" for run in last), default="")
    groups = [
        FailureGroup(
            each.template,
            len(each.run_ids),
            dict(each.flows),
            each.example,
            each.command(f"--since {started}") or "",
            each.pattern if each.is_chosen_by_pattern else "",
        )
        for each in cluster_failures(last)
    ]
    return Failures(groups, len(mended), complete, started)


def read_waiting_runs(project: Project, target: str, services: Services) -> list[WaitingRun]:
    """Return the runs that wait for a person, with what each is waiting for.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
    """
    return [*_web_inputs(project, target, services), *_inactive(project, target, services)]


def _inactive(project: Project, target: str, services: Services) -> Iterator[WaitingRun]:
    from headrace.runs.failure_cause import failure_cause

    query = {
        "filter_status": "INACTIVE",
        "orderby": "start_time DESC",
        "per_page": _MOST_WAITING,
        **_own_flows(project, target),
    }
    for run in islice(services.read_items("/runs", "runs", query), _MOST_WAITING):
        cause = failure_cause(run)
        run_id = str(run["run_id"])
        yield WaitingRun(
            run_id,
            str(run.get("label") or run.get("flow_title") or run_id),
            cause.summary if cause else "no reason given",
            f"headrace run resume {run_id}",
        )


def _web_inputs(project: Project, target: str, services: Services) -> Iterator[WaitingRun]:
    from headrace.runs.web_inputs import list_web_inputs

    flows = set(_flow_ids(project, target))
    for each in islice(list_web_inputs(services), _MOST_WAITING):
        run = each.get("run") or {}
        flow_id = str((each.get("flow") or {}).get("id") or "")
        if flow_id and target != "local" and flow_id not in flows:
            continue
        title = str((each.get("context") or {}).get("title") or each.get("title") or "a question")
        yield WaitingRun(
            str(run.get("id") or ""),
            str(run.get("label") or run.get("id") or ""),
            title,
            f"headrace web-input respond {each['id']}",
            str(each.get("created_timestamp") or ""),
        )


def _own_flows(project: Project, target: str) -> dict[str, Any]:
    """Return the condition that leaves the runs of others' flows out; a facility has none."""
    flows = _flow_ids(project, target)
    return {} if target == "local" else {"filter_flow_id": ",".join(flows)}


def _flow_ids(project: Project, target: str) -> list[str]:
    return sorted({flow.id for flow in project.lock().at(target).flows.values()})


def failure_findings(failures: Failures) -> Iterator[Finding]:
    """Yield what failures of the last day mean."""
    if not failures.unmended and not failures.complete:
        text = f"of the failures of the last day only the latest {_MOST_FAILED} were looked at"
        yield Finding("look", "failures", text, "headrace run why --since 1d")
    if failures.unmended:
        more = "" if failures.complete else "at least "
        runs = "1 run" if failures.unmended == 1 else f"{failures.unmended:,} runs"
        text = f"{more}{runs} failed in the last day and nobody mended "
        text += "it" if failures.unmended == 1 else "them"
        yield Finding("look", "failures", text, f"headrace run why --since {failures.started}")


def waiting_findings(waiting: Sequence[WaitingRun]) -> Iterator[Finding]:
    """Yield what runs that wait for a person mean."""
    if len(waiting) == 1:
        (run,) = waiting
        yield Finding("act", "waiting", f"{run.label} waits for you: {run.reason}", run.command)
    elif waiting:
        text = f"{len(waiting)} runs wait for a person"
        yield Finding("act", "waiting", text, waiting[0].command)
