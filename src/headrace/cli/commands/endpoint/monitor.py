"""``headrace endpoint monitor``."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import canary_deadline_option, project_options, seconds_option
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, display_table
from headrace.cli.termio.notes import note
from headrace.cli.termio.signals import Stopped, describe_interrupt
from headrace.cli.termio.tables import Field

if TYPE_CHECKING:
    from headrace.endpoints.monitor import EndpointMonitor, EndpointReport

_MAX_AGE = 1800.0
_ALONE = "another monitor of this project is at work; nothing to do"


@click.command
@click.argument("names", metavar="[ENDPOINT]...", nargs=-1, shell_complete=completion.endpoints)
@click.option("--once", is_flag=True, help="One check, for cron, scrontab or a systemd timer.")
@click.option("--canary", is_flag=True, help="Also run a task that does nothing at every endpoint.")
@canary_deadline_option
@seconds_option("--interval", 300.0, "Time between two checks.")
@click.option(
    "--watchdog",
    is_flag=False,
    flag_value="",
    metavar="[HEARTBEAT]",
    help="Check instead that the project's processes (facility, watch, monitor) work, by the "
    "heartbeats in the state directory; with a file heartbeat.json only that monitor.",
)
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="NAME",
    help="With --watchdog: a process that must work; by default those of installed services and "
    "those that were not stopped. May be repeated.",
)
@click.option(
    "--max-age",
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="With --watchdog: maximum age of a heartbeat (of a file 1800, else as each process says).",
)
@click.option(
    "--install-scrontab", is_flag=True, help="Let Slurm run the monitor periodically (scrontab)."
)
@click.option("--remove-scrontab", is_flag=True, help="Remove the entry from the scrontab.")
@project_options
def monitor_command(
    names: tuple[str, ...],
    once: bool,
    canary: bool,
    deadline: float,
    interval: float,
    watchdog: str | None,
    expected: tuple[str, ...],
    max_age: float | None,
    install_scrontab: bool,
    remove_scrontab: bool,
) -> int:
    """Monitor the endpoints of this machine: restart failed ones, and notify people.

    Where headrace.toml has [scratch] keep or [results] keep, it also removes once a day what
    headrace gc would.
    Notifications are configured in headrace.toml under [notify]. With --once the exit code is 1
    when an endpoint needs an intervention, with --watchdog when a process is dead.
    """
    if expected and watchdog != "":
        raise click.UsageError("--expect goes with --watchdog, without a file")
    if watchdog == "":
        return _watch_processes(expected, max_age)
    if watchdog is not None:
        _watch_the_monitor(Path(watchdog), _MAX_AGE if max_age is None else max_age)
        return 0
    if install_scrontab or remove_scrontab:
        _scrontab(install_scrontab)
        return 0
    from headrace.endpoints.monitor import EndpointMonitor

    session = current()
    watching = EndpointMonitor(
        session.project(),
        session.target,
        names,
        canary_seconds=deadline if canary else None,
        interval=None if once else interval,
    )
    with watching.exclusive() as alone:
        if not alone:
            note(_ALONE)
            return 0
        try:
            while True:
                reports = _check(watching)
                if once:
                    return 0 if all(report.ok for report in reports) else 1
                # Many monitors must not ask the service at the same moment.
                time.sleep(interval * random.uniform(0.9, 1.1))  # noqa: S311 - no secret
        except Stopped as stopped:
            if once:
                raise
            watching.close()
            note(
                f"monitor: {describe_interrupt(stopped)[0]}; nobody watches over the endpoints now"
            )
            return 0


def _check(watching: EndpointMonitor) -> list[EndpointReport]:
    reports = watching.check()
    display(
        [report.document() for report in reports],
        "\n".join(map(_line, reports)) or "No endpoint was created on this machine.",
        ("name", "health", "action", "message"),
    )
    for line in watching.scratch_removal.new_lines():
        note(line)
    return reports


def _line(report: EndpointReport) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    words = f"{report.health}: {report.message}" if report.message else report.health
    return f"{moment} {report.name} {words}"


def _watch_processes(expected: tuple[str, ...], max_age: float | None) -> int:
    from headrace.project_status.watchdog import Watchdog

    session = current()
    reports = Watchdog(session.project(), session.target, expected, max_age).check()
    fields = (
        Field("process", key="name"),
        Field("state", key="state"),
        Field("what is known", key="message"),
    )
    display_table([report.document() for report in reports], fields, "No process is expected.")
    return 1 if any(report.is_dead for report in reports) else 0


def _watch_the_monitor(path: Path, max_age: float) -> None:
    from headrace.endpoints.monitor import check_heartbeat
    from headrace.errors import HeadraceError
    from headrace.notifications import Notification, send_notification

    try:
        heartbeat = check_heartbeat(path, max_age, time.time(), current().target)
    except HeadraceError as error:
        try:
            settings = current().project().config.notify
        except HeadraceError:
            settings = {}  # it may run where there is no project
        silent = Notification(
            "headrace: the monitor is silent",
            str(error),
            "urgent",
            key="monitor/silent",
            time=time.time(),
        )
        send_notification(settings, silent)
        raise
    words = f"The monitor on {heartbeat['host']} was heard of {heartbeat['age_seconds']} s ago."
    display(heartbeat, words, ("age_seconds", "host"))


def _scrontab(install: bool) -> None:
    from headrace.endpoints import monitor as monitoring

    session = current()
    if install:
        entry = monitoring.install_scrontab(session.project(), session.target)
        display({"installed": entry}, f"Installed:\n{entry}".rstrip())
        return
    removed = monitoring.remove_scrontab(session.project())
    display({"removed": removed}, "Removed." if removed else "There was no entry.")
