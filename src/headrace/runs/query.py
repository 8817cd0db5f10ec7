"""Find, resume and retry runs, and read their logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.near_names import did_you_mean
from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid
from headrace.config.project_config import at_option
from headrace.project.project import Project
from headrace.runs.describe import login_command, required_scopes

if TYPE_CHECKING:
    from headrace.hosted import Services

_SEARCH_LIMIT = 1000
# null is a result too.
NO_RESULT: Final = object()


def list_runs(
    project: Project,
    target: str,
    services: Services,
    *,
    limit: int = 20,
    flow: str | None = None,
    status: str | None = None,
) -> list[dict[str, Any]]:
    """Return run documents, the newest first.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        limit: how many at most.
        flow: only runs of this flow of the project.
        status: only runs with this status.

    Raises:
        ProjectError: the flow is unknown or not deployed.
    """
    query: dict[str, Any] = {"orderby": "start_time DESC", "per_page": min(limit, 100)}
    if flow is not None:
        project.flow(flow)
        from headrace.runs.launch import deployed_flow

        query["filter_flow_id"] = deployed_flow(project, target, flow).id
    if status is not None:
        query["filter_status"] = status.upper()
    return list(islice(services.read_items("/runs", "runs", query), limit))


def find_run(services: Services, name: str) -> str:
    """Return the id of a run.

    Args:
        services: the services of the target where it runs.
        name: the id, the beginning of the id of one of the last 1,000 runs, or ``last``.

    Raises:
        ProjectError: no run or more than one begins like this.
    """
    if is_uuid(name):
        return name
    query = {"orderby": "start_time DESC", "per_page": 1 if name == "last" else 100}
    runs = services.read_items("/runs", "runs", query)
    newest = list(islice(runs, 1 if name == "last" else _SEARCH_LIMIT))
    ids = [str(run["run_id"]) for run in newest]
    found = ids if name == "last" else [run_id for run_id in ids if run_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} runs begin" if found else "no run begins"
    problem = "there are no runs yet" if name == "last" else f"{what} with {name!r}"
    near = "" if found or name == "last" else _suggestion(name, newest)
    raise ProjectError(f"{problem}: {near}see `headrace run list`")


def _suggestion(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Return which run may be meant by what is the beginning of no run's id."""
    called = next((run["run_id"] for run in runs if run.get("label") == name), None)
    if called is not None:
        return f"the newest run with this label is {called}; "
    near = did_you_mean(name, ["last", *(str(run["run_id"])[: len(name)] for run in runs)])
    return f"{near} " if near else ""


def run_log(
    services: Services, run_id: str, *, limit: int | None = None, reverse: bool = False
) -> list[dict[str, Any]]:
    """Return the entries of a run's log.

    Args:
        services: the services of the target where it runs.
        run_id: the run.
        limit: how many at most; all by default.
        reverse: the newest first.
    """
    query = {"limit": 100, "reverse_order": reverse}
    return list(islice(services.read_items(f"/runs/{run_id}/log", "entries", query), limit))


def run_definition(services: Services, run_id: str) -> dict[str, Any]:
    """Return the definition that a run executes, whatever became of its flow.

    The entry for retries, which `headrace deploy` makes at the hosted service, is left out.
    """
    from headrace.flowlang.resume_entry import without_resume_entry

    return without_resume_entry(services.read(f"/runs/{run_id}/definition")["definition"])


def resume_run(services: Services, target: str, run_id: str) -> dict[str, Any]:
    """Resume a run that waits, and returns its document.

    Args:
        services: the services of the target where it is.
        target: ``local`` or ``globus``.
        run_id: the run.

    Raises:
        HostedError: it waits for a consent that the present login has not given; exit code 4,
            and the command that gives it.
        GlobusAPIError: it does not wait.
    """
    from headrace.hosted import HostedError, lacks_consent

    run = services.read(f"/runs/{run_id}")
    flow_id = str(run["flow_id"])
    scopes = required_scopes(run.get("details") or {})
    if target != "local" and scopes and lacks_consent(flow_id, scopes):
        raise HostedError(
            f"run {run_id} waits for a consent that is still missing: "
            f"run `{login_command(scopes)}`, then "
            f"`headrace run resume {run_id}{at_option(target)}`",
            exit_code=4,
        )
    document: dict[str, Any] = services.flow(flow_id).resume_run(run_id).data
    return document


def retry_run(
    services: Services,
    target: str,
    run_id: str,
    *,
    state: str | None = None,
    result: Any = NO_RESULT,
    latest: bool = False,
    label: str | None = None,
    request_id: str = "",
    asked_at: datetime | None = None,
) -> dict[str, Any]:
    """Start a run that goes on where another ended, and returns its document.

    The hosted service begins a flow at its start: there the entry that `headrace deploy` made leads
    on to the state (`headrace.runs.hosted_retry`).

    Args:
        services: the services of the target where it ran.
        target: ``local`` or ``globus``.
        run_id: the run, which has ended.
        state: where to begin; by default the state that the run ended in.
        result: the state's output as a person gives it, an Action's ``details``; the new run
            begins after the state then.
        latest: whether the flow's present definition is used instead of the run's own; at the
            hosted service it always is.
        label: the new run's label; the old one's by default.
        request_id: names the request: one run takes this one up for it, however often it is sent.
        asked_at: when the request was sent before, where nobody knows what became of it.

    Raises:
        NoAnswerError: the service may not list yet what became of it.
        ProjectError: the target cannot do it.
        GlobusAPIError: the run goes on, or was never in the state.
    """
    if target != "local":
        from headrace.flowlang.runs import SuppliedResult
        from headrace.runs.hosted_retry import retry_hosted_run

        # The hosted service runs a flow as it is now, `latest` or not.
        supplied = None if result is NO_RESULT else SuppliedResult(result)
        return retry_hosted_run(
            *(services, run_id),
            state=state,
            supplied=supplied,
            label=label,
            request_id=request_id,
            asked_at=asked_at,
        )
    from uuid import uuid4

    # Sent again after a lost answer, the same request starts nothing more.
    body: dict[str, Any] = {"latest": latest, "request_id": request_id or str(uuid4())}
    if state is not None:
        body["state"] = state
    if result is not NO_RESULT:
        body["result"] = result
    if label is not None:
        body["label"] = label
    document: dict[str, Any] = services.flows.post(f"/runs/{run_id}/retry", data=body).data
    return document
