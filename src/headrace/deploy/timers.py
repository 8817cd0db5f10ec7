"""Timers of the hosted Timers service, each of which starts the runs of one flow.

A changed timer is deleted and created anew, in two steps: never are there two of one. One whose
creation was answered but not recorded is found again by its name, and replaced.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from headrace.config.lock_file import DeployedTimer, Lock
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services

_WORKING = ("new", "loaded", "active")


@dataclass(frozen=True)
class HostedTimer:
    """A timer as a project wants it.

    Attributes:
        name: its name in the project.
        flow: name of the flow.
        schedule: the service's schedule, without its start.
        start: the first time, ISO 8601; asked when it is created.
        template: input, label and tags, names not resolved.
        body: makes of them what the service sends, with ids of the lock file.
        note: what the service does otherwise than the schedule says; "" nothing.
        left: why the service cannot have it, and the watch starts its runs; "" where it can.
        is_paused: whether a person has paused its trigger.
    """

    name: str
    flow: str
    schedule: Mapping[str, Any]
    start: Callable[[], str]
    template: Mapping[str, Any]
    body: Callable[[Lock], Mapping[str, Any]]
    note: str = ""
    left: str = ""
    is_paused: bool = False

    def sha256(self, flow_id: str) -> str:
        """Return the hash of what is deployed."""
        members = [self.flow, flow_id, self.schedule, self.template]
        return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()


class TimerStep(NamedTuple):
    """One thing that is done with a timer.

    Attributes:
        name: its name in the project.
        change: what is done.
        reason: why, in a few words.
        sha256: hash of what is deployed.
        id: its id at the service, where it has one already.
        is_paused: whether a timer that is created is to start no runs yet.
    """

    name: str
    change: Literal["create", "delete", "unchanged"]
    reason: str
    sha256: str
    id: str | None = None
    is_paused: bool = False


def timer_name(project: Project, name: str) -> str:
    """Return the name by which a timer of the project is found again at the service."""
    return f"headrace:{project.name}/{name}"


def plan_timers(
    project: Project,
    target: str,
    services: Services,
    timers: Sequence[HostedTimer],
    chosen: Callable[[str], bool],
) -> list[TimerStep]:
    """Return the steps by which the service gets the timers, as the project has them.

    Args:
        project: the project.
        target: ``globus``; elsewhere there is no such service.
        services: the services there.
        timers: the timers of the project.
        chosen: says whether a timer is to be deployed.
    """
    deployed = project.lock().at(target)
    wanted = {timer.name: timer for timer in timers if not timer.left}
    steps = [
        TimerStep(timer.name, "unchanged", f"left to the watch: {timer.left}", "")
        for timer in timers
        if timer.left and chosen(timer.name)
    ]
    if target != "globus" or not (wanted or deployed.timers):
        return steps
    remote = {str(job["job_id"]): job for job in services.timers.list_jobs()["jobs"]}
    for name in sorted({*wanted, *deployed.timers}):
        if not chosen(name):
            continue
        timer, entry = wanted.get(name), deployed.timers.get(name)
        strays = [
            job_id
            for job_id, job in remote.items()
            if job.get("name") == timer_name(project, name) and not (entry and job_id == entry.id)
        ]
        steps += [
            TimerStep(name, "delete", "created and not recorded", "", stray) for stray in strays
        ]
        if timer is None:
            if entry is not None:
                why = "its trigger is no timer for the service any more"
                steps.append(TimerStep(name, "delete", why, entry.sha256, entry.id))
            continue
        flow = deployed.flows.get(timer.flow)
        sha256 = timer.sha256(flow.id if flow else "")
        there = entry is not None and entry.id in remote
        job = _read(entry.id, services) if entry and there else None
        why = _difference(entry, sha256, job)
        paused = "paused" if timer.is_paused or _is_paused(job) else ""
        if entry is not None and not why:
            words = "; ".join(filter(None, (paused, timer.note)))
            steps.append(TimerStep(name, "unchanged", words, sha256, entry.id))
            continue
        if entry is not None and there:
            steps.append(TimerStep(name, "delete", why, entry.sha256, entry.id))
        words = "; ".join(filter(None, (why or "new", paused, timer.note)))
        steps.append(TimerStep(name, "create", words, sha256, is_paused=bool(paused)))
    return steps


def create_timer(
    timer: HostedTimer,
    project: Project,
    services: Services,
    target: str,
    *,
    is_paused: bool = False,
) -> DeployedTimer:
    """Create a timer.

    Args:
        timer: the timer.
        project: the project.
        services: the services.
        target: where.
        is_paused: whether it is to start no runs yet.

    Raises:
        GlobusAPIError: the service refuses.
    """
    from globus_sdk import FlowTimer, RecurringTimerSchedule

    from headrace.config.errors import ProjectError

    lock = project.lock()
    flow = lock.at(target).flows.get(timer.flow)
    if flow is None:
        raise ProjectError(f"timer {timer.name!r}: flow {timer.flow!r} is not deployed at {target}")
    wanted = FlowTimer(
        flow_id=flow.id,
        name=timer_name(project, timer.name),
        schedule=RecurringTimerSchedule(**timer.schedule, start=timer.start()),
        body=dict(timer.body(lock)),
    )
    job_id = str(services.timers.create_timer(wanted)["timer"]["job_id"])
    if is_paused:
        services.timers.pause_job(job_id)
    # As it is read at the next plan, which may be otherwise than the answer to the creation.
    there = remote_hash(_read(job_id, services))
    return DeployedTimer(job_id, timer.sha256(flow.id), there)


def delete_timer(timer_id: str, services: Services) -> None:
    """Delete a timer; nothing happens where somebody was faster."""
    from globus_sdk import GlobusAPIError

    try:
        services.timers.delete_job(timer_id)
    except GlobusAPIError as error:
        if error.http_status != 404:
            raise


def remote_hash(job: Mapping[str, Any]) -> str:
    """Return the hash of what the service has of a timer."""
    names = ("name", "schedule", "interval", "stop_after", "callback_url", "callback_body")
    members = {name: job.get(name) for name in names}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()


def _read(job_id: str, services: Services) -> Mapping[str, Any]:
    return dict(services.timers.get_job(job_id).data)


def _is_paused(job: Mapping[str, Any] | None) -> bool:
    """Return whether a person made a timer inactive; the service does so for other reasons, too."""
    reason = job.get("inactive_reason") if job else None
    return isinstance(reason, Mapping) and reason.get("cause") == "user"


def _difference(entry: DeployedTimer | None, sha256: str, job: Mapping[str, Any] | None) -> str:
    """Return why a timer is to be created anew; "" if it need not."""
    if entry is None:
        return ""
    if job is None:
        return "not there any more"
    if entry.sha256 != sha256:
        return "source changed"
    if job.get("status") not in (None, *_WORKING) and not _is_paused(job):
        return f"it is {job['status']} there: {job.get('inactive_reason') or 'no reason is given'}"
    return "" if entry.remote_sha256 == remote_hash(job) else "changed there by somebody"
