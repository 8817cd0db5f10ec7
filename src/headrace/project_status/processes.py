"""Processes that keep a project going: services of the machine, and the heartbeats of all."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headrace._internal.heartbeat_files import heartbeat_path
from headrace.project_status.verdict import Finding
from headrace.runs.describe import format_duration

if TYPE_CHECKING:
    from headrace._internal.heartbeat_files import HeartbeatRecord
    from headrace.background_services import InstalledState


def process_findings(
    services: Sequence[InstalledState],
    heartbeats: Sequence[HeartbeatRecord],
    now: float,
    state_directory: Path | None = None,
) -> Iterator[Finding]:
    """Yield what is the matter with the processes of a project.

    Args:
        services: those that are installed.
        heartbeats: what each process last said of itself.
        now: the time, in seconds since 1970.
        state_directory: where the heartbeats are.
    """
    expected = {each.name for each in services}
    heard = {each.name for each in heartbeats}
    named = set()
    for service in services:
        logs = f"headrace service logs {service.name}"
        if service.state == "unknown":
            yield Finding("look", "services", f"the {service.name}: {service.problem}")
        elif service.state == "elsewhere":
            if service.name not in heard:
                text = f"the {service.name} on {service.host} has never given a sign of life"
                yield Finding("act", "services", text)
        elif service.state != "active":
            named.add(service.name)
            text = f"the service {service.name} should run and does not: it is {service.state}"
            yield Finding("act", "services", text, logs)
    for heartbeat in heartbeats:
        if heartbeat.name not in named:
            yield from _heartbeat_findings(heartbeat, expected, now, state_directory)


def _heartbeat_findings(
    heartbeat: HeartbeatRecord,
    expected: Collection[str],
    now: float,
    state_directory: Path | None,
) -> Iterator[Finding]:
    state = heartbeat.state(now)
    age = format_duration(heartbeat.age(now))
    where = f"{heartbeat.name} on {heartbeat.host} (process {heartbeat.pid})"
    if state == "dead":
        text = f"the {where} is dead: last sign of life {age} ago"
        command = ""
        if heartbeat.name not in expected and state_directory is not None:
            # One that was killed and is not to be started again would be dead for ever.
            text += "; start it again, or remove its heartbeat"
            path = heartbeat_path(state_directory, heartbeat.name, heartbeat.target)
            command = f"rm {shlex.quote(str(path))}"
        yield Finding("act", "heartbeats", text, command)
    elif state == "late":
        yield Finding("look", "heartbeats", f"the {where} is late: last sign of life {age} ago")
    elif state == "stopped" and heartbeat.name in expected:
        text = f"the {heartbeat.name} was stopped {age} ago, and its service has not started it"
        yield Finding("act", "heartbeats", text, "headrace service status")
    elif heartbeat.problem:
        yield Finding("act", "heartbeats", f"the {heartbeat.name}: {heartbeat.problem}")
