"""The monitor's entry in the user's scrontab, beside the entries of others."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from headrace.config.errors import ProjectError
from headrace.endpoints.monitor.heartbeat import monitor_directory
from headrace.project.cron_table import CronTable, marked_entry
from headrace.project.project import Project

_TABLE: Final = CronTable(
    "scrontab",
    "use cron or a systemd timer with `headrace endpoint monitor --once`",
    "endpoint_configs/scrontab",
)


def install_scrontab(project: Project, target: str) -> str:
    """Put the entry into the user's scrontab, in the place of an earlier one.

    Args:
        project: the project; its ``endpoint_configs/scrontab`` is the entry.
        target: where the endpoints belong to.

    Returns:
        The entry.

    Raises:
        ProjectError: no ``scrontab`` here, or it refuses; nothing has changed then.
    """
    lines = _entry_lines(project, target)
    _TABLE.put({_name(project): lines})
    return marked_entry(_name(project), lines)


def remove_scrontab(project: Project) -> bool:
    """Take the entry out of the user's scrontab; say whether there was one.

    Raises:
        ProjectError: no ``scrontab`` here, or it refuses.
    """
    return bool(_TABLE.remove([_name(project)]))


def _entry_lines(project: Project, target: str) -> str:
    path = project.templates_dir / "scrontab"
    try:
        text = path.read_text()
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read: {error.strerror}") from error
    own = Path(sys.executable).parent / "headrace"
    log = monitor_directory(project) / "monitor.log"
    for name, value in {
        "@HEADRACE@": shlex.quote(str(own)),
        "@PROJECT@": shlex.quote(str(project.root)),
        "@LOG@": _output_pattern(log),
        "@PLACE@": target,
    }.items():
        text = text.replace(name, value)
    log.parent.mkdir(parents=True, exist_ok=True)
    return text


def _output_pattern(path: Path) -> str:
    # The name of Slurm's output is a pattern, and an option's value ends at a space.
    pattern = str(path).replace("%", "%%")
    if not any(character in pattern for character in " \t\"'\\#"):
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _name(project: Project) -> str:
    return f"monitor of {project.root}"
