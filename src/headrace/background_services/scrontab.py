"""Services as one entry of the user's scrontab: a batch job of Slurm that is started again.

Sources: scrontab(1), sbatch(1), scancel(1), squeue(1). The services of a project share one job, for
watch and monitor reach the facility on its own machine only. The next job of an entry begins when
the one before has ended, at the next minute.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from headrace.background_services.cron_runner import log_file
from headrace.background_services.definition import BackgroundService
from headrace.background_services.manager import ServiceStatus, failure_text, run_program
from headrace.config.errors import ProjectError
from headrace.project.cron_table import CronTable
from headrace.project.targets import FACILITY_SERVICE_VARIABLE

TEMPLATE_NAME: Final = "scrontab_services"
"""File of ``endpoint_configs`` whose lines ``#SCRON`` are those of the services' job."""

_TABLE: Final = CronTable(
    "scrontab",
    "keep the commands in a terminal multiplexer",
    f"endpoint_configs/{TEMPLATE_NAME} (account, qos, constraint, time)",
)
_OPTIONS: Final = ("#SCRON --time=1-00:00:00", "#SCRON --cpus-per-task=1")
_NAMES: Final = "# services: "
_DISABLED: Final = "#DISABLED"


class ScrontabManager:
    """The scrontab of the user."""

    name = "scrontab"

    def install(self, services: Sequence[BackgroundService]) -> list[str]:
        """Write the entry, with the services that it has already, and end the job of before."""
        group = _group(services[0])
        names = dict.fromkeys([*_names(_TABLE.find(group)), *(each.name for each in services)])
        _TABLE.put({group: _entry_lines(services[0], list(names))})
        _cancel(group)
        return [
            "Slurm starts their job at the next minute, and again when it ends or reaches its "
            "time limit; `squeue --me` shows it",
            f"account, qos and time limit: lines #SCRON in endpoint_configs/{TEMPLATE_NAME}",
        ]

    def remove(self, services: Sequence[BackgroundService]) -> list[str]:
        """Take the services out of the entry, and end the job of before."""
        if not services:
            return []
        group = _group(services[0])
        before = _names(_TABLE.find(group))
        removed = [service.name for service in services if service.name in before]
        kept = [name for name in before if name not in removed]
        if not removed:
            return []
        if kept:
            _TABLE.put({group: _entry_lines(services[0], kept)})
        else:
            _TABLE.remove([group])
        _cancel(group)
        return removed

    def status(self, service: BackgroundService) -> ServiceStatus:
        """Return whether the entry is there, and the state of its job."""
        group = _group(service)
        entry = _TABLE.find(group)
        if service.name not in _names(entry):
            return ServiceStatus(service.name, group, "not installed")
        if any(line.startswith(_DISABLED) for line in (entry or "").splitlines()):
            # Slurm does so when somebody cancels the job; it starts none any more.
            return ServiceStatus(service.name, group, "cancelled")
        state, since = _job_state(group)
        return ServiceStatus(service.name, group, state, since)

    def log_command(self, service: BackgroundService, lines: int, follow: bool) -> Sequence[str]:
        """Return the command that shows the end of the service's log."""
        follows = ("--follow=name", "--retry") if follow else ()
        return ("tail", "--lines", str(lines), *follows, str(log_file(service)))


def _group(service: BackgroundService) -> str:
    return f"{service.id.removesuffix(service.name)}services"


def _names(entry: str | None) -> list[str]:
    """Return the names of the services of an entry."""
    lines = (entry or "").splitlines()
    found = [line.removeprefix(_NAMES).split() for line in lines if line.startswith(_NAMES)]
    return found[0] if found else []


def _entry_lines(service: BackgroundService, names: Sequence[str]) -> str:
    program = (
        *(str(Path(sys.executable).with_name("headrace")), "service", "run", *names),
        *service.location,
    )
    # What the others need besides is given to each where it is run.
    environment = [
        f"{name}={value}"
        for name, value in sorted(service.environment.items())
        if name != FACILITY_SERVICE_VARIABLE
    ]
    words = ["env", *environment, *program] if environment else [*program]
    output = str(log_file(service).with_name("scrontab.out"))
    if any(character in word for word in (*words, output) for character in "\n%"):
        raise ProjectError(
            f"scrontab cannot hold a line break, nor a percent sign, which it may take for another "
            f"character: {words!r}"
        )
    options = [
        *_site_options(service.root),
        f"#SCRON --job-name={_group(service)}",
        "#SCRON --dependency=singleton",
        # What the services write has logs of its own, which are rotated.
        "#SCRON --open-mode=truncate",
        f'#SCRON --output="{output}"' if " " in output else f"#SCRON --output={output}",
    ]
    log_file(service).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return "\n".join([f"{_NAMES}{' '.join(names)}", *options, f"* * * * * {shlex.join(words)}"])


def _site_options(root: Path) -> list[str]:
    path = root / "endpoint_configs" / TEMPLATE_NAME
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return [*_OPTIONS]
    except (OSError, ValueError) as error:
        raise ProjectError(f"{path}: cannot be read: {error}") from error
    wrong = [line for line in lines if line.strip() and not line.startswith("#")]
    if wrong:
        raise ProjectError(
            f"{path}: {wrong[0]!r}: only lines #SCRON and comments go here; the command is "
            "headrace's own"
        )
    return [line for line in lines if line.startswith("#SCRON")]


def _job_state(group: str) -> tuple[str, str]:
    """Return the state of the entry's job, and when it began."""
    user = os.environ.get("USER") or str(os.getuid())
    done = run_program(
        ("squeue", "--noheader", f"--user={user}", f"--name={group}", "--format=%T %S")
    )
    if done.returncode != 0:
        raise ProjectError(f"squeue: {failure_text(done)}")
    jobs = [line.split() for line in done.stdout.splitlines() if line.strip()]
    for state, *since in jobs:
        if state == "RUNNING":
            return "active", " ".join(since)
    return (jobs[0][0].lower(), "") if jobs else ("inactive", "")


def _cancel(group: str) -> None:
    """End the job that runs the services of before; that there is none is no fault."""
    user = os.environ.get("USER") or str(os.getuid())
    command = ("scancel", "--quiet", f"--user={user}", f"--name={group}")
    # Sites may ask for a confirmation for jobs of an entry; older versions do not know it.
    if run_program((*command, "--cron")).returncode != 0:
        run_program(command)
