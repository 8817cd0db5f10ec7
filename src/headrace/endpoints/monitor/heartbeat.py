"""The monitor's heartbeat: its file, a fragment for a status page, and the check of its age."""

from __future__ import annotations

import html
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headrace._internal.files import write_whole
from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace.config.errors import ProjectError
from headrace.config.project_config import at_option
from headrace.project.project import Project

# Seconds within which cron, or Slurm's, starts the next check.
_ONCE_SECONDS: Final = 1800.0
_LONGEST_CHECK: Final = 900.0


def monitor_directory(project: Project) -> Path:
    """Return the directory with the records and the heartbeat of the monitor."""
    from headrace.facility import state_directory

    return state_directory(project.root) / "monitor"


def make_monitor_heartbeat(
    project: Project, target: str, interval: float | None, now: Callable[[], float]
) -> HeartbeatWriter:
    """Return the writer of the monitor's heartbeat among those of all processes.

    Args:
        project: the project.
        target: where its endpoints belong to.
        interval: seconds between two checks; None of one check, which others follow.
        now: the time, in seconds since 1970.
    """
    from headrace.facility import state_directory

    return HeartbeatWriter(
        state_directory(project.root),
        "monitor",
        target,
        # A check may take long: canaries wait in queues.
        late_after=_ONCE_SECONDS if interval is None else 2 * interval + _LONGEST_CHECK,
        dead_after=2 * _ONCE_SECONDS if interval is None else 4 * interval + 2 * _LONGEST_CHECK,
        stays=interval is not None,
        now=now,
    )


def heartbeat_file(project: Project) -> Path:
    """Return the file that the monitor writes at the end of every check."""
    return monitor_directory(project) / "heartbeat.json"


def write_heartbeat(project: Project, rows: Sequence[Mapping[str, Any]], now: float) -> None:
    """Write the sign of life and the fragment.

    Args:
        project: the project.
        rows: the check's result, an object for each endpoint.
        now: the time, in seconds since 1970.
    """
    moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    document = {
        "time": moment,
        "unix": now,
        "project": project.name,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "endpoints": list(rows),
    }
    path = heartbeat_file(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1) + "\n")
    write_whole(path.with_name("status.html"), status_fragment(project.name, rows, moment))


def status_fragment(name: str, rows: Sequence[Mapping[str, Any]], moment: str) -> str:
    """Return the endpoints' states as a piece of HTML for a status page."""
    lines = "".join(
        "<tr class='headrace-{health}'>"
        "<td>{name}</td><td>{health}</td><td>{message}</td></tr>\n".format(
            **{key: html.escape(str(row[key]), quote=True) for key in ("name", "health", "message")}
        )
        for row in rows
    )
    return (
        f"<table class='headrace-endpoints'><caption>Endpoints of {html.escape(name)}, "
        f"<time>{moment}</time></caption>\n"
        f"<tr><th>Endpoint</th><th>State</th><th>What happened</th></tr>\n{lines}</table>\n"
    )


def check_heartbeat(
    path: Path, max_age: float, now: float, target: str = "local"
) -> dict[str, Any]:
    """Check that a monitor elsewhere still works.

    Args:
        path: its heartbeat, on a shared file system or copied here.
        max_age: the age from which it counts as dead, in seconds.
        now: the time, in seconds since 1970.
        target: whose endpoints it monitors, for the command that installs it.

    Returns:
        ``age_seconds``, ``host``, ``time`` and ``endpoints``.

    Raises:
        ProjectError: it is missing, too old, or not a heartbeat.
    """
    advice = (
        "look for the entry with `scrontab -l` (a cancelled one is commented out as #DISABLED) "
        "or `crontab -l`, and install it anew with "
        f"`headrace endpoint monitor --install-scrontab{at_option(target)}`"
    )
    try:
        document = json.loads(path.read_text())
        age = now - float(document["unix"])
        heartbeat = {
            "age_seconds": round(age),
            "host": str(document["host"]),
            "time": str(document["time"]),
            "endpoints": list(document["endpoints"]),
        }
    except FileNotFoundError as error:
        raise ProjectError(f"{path}: no heartbeat: the monitor has never run; {advice}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProjectError(f"{path}: not a heartbeat of the monitor ({error})") from error
    if age > max_age:
        raise ProjectError(
            f"{path}: the monitor on {heartbeat['host']} was last heard of {age / 60:.0f} min ago "
            f"({heartbeat['time']}); {advice}"
        )
    return heartbeat
