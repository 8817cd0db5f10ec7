"""``headrace facility status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record

_FIELDS = (
    Field("URL", lambda status: status["url"]),
    Field("Process", lambda status: status["pid"]),
    Field("Answers", lambda status: _answers(status)),
    Field("Since", lambda status: datetime.fromtimestamp(status["started"], UTC)),
    Field("Memory", lambda status: f"{status['memory_bytes'] / 1e6:.0f} MB"),
    Field("Parked runs", lambda status: status["parked_runs"]),
    Field("Log", lambda status: status["log"]),
)


_NOT_RUNNING = "Not running: start it with `headrace facility up`."


@click.command
@project_options
def status_command() -> int:
    """Show whether the facility is running and healthy.

    The exit code is 1 when it is not running, does not answer, or has a problem.
    """
    from headrace.facility import facility_status

    found = facility_status(current().root())
    display(
        {"running": found is not None, **(found or {})},
        lambda: _status_text(found) if found else _NOT_RUNNING,
        ("running", "url", "pid"),
    )
    return 0 if found and found["well"] else 1


def _answers(status: dict[str, Any]) -> str:
    if not status["answers"]:
        return "no"
    return "yes" if status["well"] else "yes, but something is the matter with it"


def _status_text(status: dict[str, Any]) -> str:
    lines = [record(status, _FIELDS)]
    lines += [f"Problem: {problem}" for problem in status["problems"]]
    lines += [f"Note: {notice}" for notice in status["notices"]]
    return "\n".join(lines)
