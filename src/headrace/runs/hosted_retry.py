"""Retry of a run at the hosted service, which begins every run at its flow's start.

Flows that `headrace deploy` put there have an entry for it (`headrace.flowlang.resume_entry`): a
new run gets the payload of the state that it goes on at, worked out from the old run's log. Where
that is not possible it is said in one line, and why.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from headrace._internal.json_check import json_size
from headrace.config.errors import ProjectError
from headrace.runs.launch import (
    REQUEST_TAG_PREFIX,
    PreparedRun,
    RunOptions,
    check_input,
    send,
)
from headrace.runs.poller import FINAL, parse_time
from headrace.runs.retry_chains import RETRY_TAG_PREFIX

if TYPE_CHECKING:
    from headrace.flowlang.runs import SuppliedResult
    from headrace.hosted import Services

# Machines of the service may differ by so much.
_CLOCK_ERROR: Final = timedelta(minutes=10)
_NO_CREATOR: Final = f"urn:globus:auth:identity:{UUID(int=0)}"


@dataclass(frozen=True)
class ResumePoint:
    """A point at which a new run takes up another.

    Attributes:
        body: the new run's input.
        state: the state where it begins, or after it; None: the flow's start.
        note: why it begins at the start although another state was meant; empty otherwise.
    """

    body: Mapping[str, Any]
    state: str | None
    note: str = ""


def retry_hosted_run(
    services: Services,
    run_id: str,
    *,
    state: str | None = None,
    supplied: SuppliedResult | None = None,
    label: str | None = None,
    request_id: str = "",
    asked_at: datetime | None = None,
) -> dict[str, Any]:
    """Start a run that goes on where another ended, and return its document.

    Args:
        services: the services where it ran.
        run_id: the run, which has ended.
        state: where to begin; by default the state that the run ended in.
        supplied: the state's output as a person gives it.
        label: the new run's label; the old one's by default.
        request_id: names the request: one run takes this one up for it, however often it is sent.
        asked_at: as of `RunOptions`.

    Raises:
        ProjectError: it goes on, or cannot be taken up there; the message says what can be done.
        GlobusAPIError: the service refuses.
    """
    run = services.read(f"/runs/{run_id}")
    if run["status"] not in FINAL:
        raise ProjectError(f"run {run_id} has not ended: it is {run['status']}")
    point = _resume_point(services, run, state, supplied)
    flow = PreparedRun(str(run.get("flow_title")), str(run["flow_id"]), "globus", point.body)
    tags = [tag for tag in run.get("tags") or () if not tag.startswith(REQUEST_TAG_PREFIX)]
    # By this the chain of retries is found again, which the service does not keep.
    options = RunOptions(
        label or run.get("label"),
        [*tags, f"{RETRY_TAG_PREFIX}{run_id}"],
        monitors=run.get("run_monitors") or (),
        managers=run.get("run_managers") or (),
        # One name may stand for the retries of many runs.
        request_id=f"{request_id} {run_id}" if request_id else "",
        earliest=_ended_at(run),
        asked_at=asked_at,
    )
    document = send(flow, services, options, wait_for_service=True)
    retry: dict[str, Any] = {"run_id": run_id, "state": point.state}
    return {**document, "retry_of": {**retry, **({"note": point.note} if point.note else {})}}


def _ended_at(run: Mapping[str, Any]) -> datetime | None:
    """Return when a run had not been taken up yet, to look through no more runs than needed."""
    ended = parse_time(run.get("completion_time"))
    return None if ended is None else ended - _CLOCK_ERROR


def _resume_point(
    services: Services,
    run: Mapping[str, Any],
    state: str | None,
    supplied: SuppliedResult | None,
) -> ResumePoint:
    from headrace.flowlang import limits
    from headrace.flowlang.resume_entry import (
        has_resume_entry,
        resume_input,
        without_resume_entry,
        without_resume_member,
    )

    run_id = str(run["run_id"])
    flow = services.read(f"/flows/{run['flow_id']}")
    definition = flow.get("definition")
    if not isinstance(definition, Mapping) or not has_resume_entry(definition):
        why = "the flow was deployed without an entry for retries"
        advice = "deploy its next change"
        if flow.get("flow_starters"):
            why += ", as others may start it"
            advice = "set `starters_may_resume` in its flow.toml and deploy"
        if state is not None or supplied is not None:
            raise ProjectError(
                f"run {run_id}: the hosted service begins a flow at its start only, and {why}: "
                f"{advice}, or retry without --from and --result"
            )
        return ResumePoint(_input(services, run_id), None, f"{why}, so it begins at its start")
    own = without_resume_entry(definition)
    again = state is None and run["status"] == "SUCCEEDED"
    if supplied is None and (again or state == own["StartAt"]):
        return ResumePoint(_input(services, run_id), state)
    advice = (
        f"`headrace run retry {run_id} --from {own['StartAt']} --at globus` begins at its start"
    )
    schema = flow.get("input_schema") or {}
    body, name, going_on, payload = _state_of(services, run, own, schema, state, supplied, advice)
    if going_on == own["StartAt"] and payload == body:
        return ResumePoint(body, name)
    wanted = resume_input(body, going_on, payload)
    if (size := json_size(wanted)) > limits.PAYLOAD_LIMIT:
        raise ProjectError(
            f"run {run_id}: its input with the payload of state {name} has {size} bytes, and the "
            f"service takes {limits.PAYLOAD_LIMIT}: {advice}"
        )
    if schema != without_resume_member(schema):
        check_input(str(run.get("flow_title")), wanted, schema)
    return ResumePoint(wanted, name)


def _state_of(
    services: Services,
    run: Mapping[str, Any],
    present: Mapping[str, Any],
    schema: Mapping[str, Any],
    state: str | None,
    supplied: SuppliedResult | None,
    advice: str,
) -> tuple[dict[str, Any], str, str, dict[str, Any]]:
    """Return a run's input, the state meant, the state where it goes on, and that one's payload."""
    from headrace.flowlang import FlowLanguageError, parse_flow
    from headrace.flowlang.payload import Payload
    from headrace.flowlang.resume_entry import without_resume_entry
    from headrace.flowlang.runs import (
        ACTIVE,
        LogReplayError,
        Phase,
        RetryError,
        RunState,
        read_run_from_log,
        start_retry,
    )

    run_id = str(run["run_id"])
    try:
        before = without_resume_entry(services.read(f"/runs/{run_id}/definition")["definition"])
        entries = services.read_items(f"/runs/{run_id}/log", "entries", {"limit": 100})
        found = read_run_from_log(before, parse_flow(before), entries, schema)
        if state is None and run["status"] == "SUCCEEDED":
            raise RetryError("the run has succeeded; say from which state it shall begin")
        name = state or found.last
        if name not in found.entered:
            been = ", ".join(found.entered) or "none"
            raise RetryError(f"the run was never in a state {name!r}; it was in: {been}")
        entered = RunState(1, ACTIVE, name, Phase.ENTER, found.entered[name])
        flow = parse_flow(dict(present))
        _, after = start_retry(flow, entered, run_id, time.time(), _NO_CREATOR, supplied)
    except LogReplayError as error:
        raise ProjectError(
            f"run {run_id}: the payload of its state cannot be had: {error}; {advice}"
        ) from error
    except FlowLanguageError as error:
        raise ProjectError(f"run {run_id}: {error}") from error
    going_on = "" if after.status != ACTIVE else after.state
    payload: Payload = after.payload
    return found.body, name, going_on, payload.value


def _input(services: Services, run_id: str) -> dict[str, Any]:
    """Return the input of a run, without the member by which it took up another one."""
    from headrace.flowlang.resume_entry import RESUME_MEMBER

    entries = services.read(f"/runs/{run_id}/log", {"limit": 1})["entries"]
    details = (entries[0].get("details") or {}) if entries else {}
    if "input" not in details:
        raise ProjectError(f"run {run_id}: its log does not show its input: start the flow anew")
    return {name: value for name, value in details["input"].items() if name != RESUME_MEMBER}
