"""The monitor's entry in the user's scrontab, beside the entries of others."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from headrace.config.errors import ProjectError
from headrace.endpoints.monitor.heartbeat import monitor_directory
from headrace.project.project import Project

_SECONDS: Final = 60.0
# What `scrontab -l` says where there is none; the exit code does not show it.
_EMPTY: Final = "no crontab"


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
    entry = scrontab_entry(project, target)
    _write(_without(_read(), project) + entry)
    return entry


def remove_scrontab(project: Project) -> bool:
    """Take the entry out of the user's scrontab; say whether there was one.

    Raises:
        ProjectError: no ``scrontab`` here, or it refuses.
    """
    before = _read()
    after = _without(before, project)
    if after == before:
        return False
    _write(after)
    return True


def scrontab_entry(project: Project, target: str) -> str:
    """Return the entry, between the two lines that mark it.

    Raises:
        ProjectError: the project has no ``endpoint_configs/scrontab``.
    """
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
    begin, end = _marks(project)
    return f"{begin}\n{text.strip()}\n{end}\n"


def _output_pattern(path: Path) -> str:
    # The name of Slurm's output is a pattern, and an option's value ends at a space.
    pattern = str(path).replace("%", "%%")
    if not any(character in pattern for character in " \t\"'\\#"):
        return pattern
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _marks(project: Project) -> tuple[str, str]:
    return (
        f"# headrace monitor of {project.root}: begin",
        f"# headrace monitor of {project.root}: end",
    )


def _without(text: str, project: Project) -> str:
    begin, end = _marks(project)
    kept, inside = [], False
    for line in text.splitlines():
        if line.strip() == begin:
            inside = True
        elif line.strip() == end and inside:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ProjectError(
            f"the scrontab has the line {begin!r} but not its end: put it right with `scrontab -e`"
        )
    return "".join(f"{line}\n" for line in kept)


def _read() -> str:
    done = _scrontab(["-l"], None)
    if done.returncode == 0:
        return done.stdout
    if _EMPTY in done.stderr.lower():
        return ""
    raise ProjectError(f"scrontab -l: {' '.join(done.stderr.split()) or done.returncode}")


def _write(text: str) -> None:
    done = _scrontab(["-"], text)
    if done.returncode != 0:
        raise ProjectError(
            f"scrontab refused the entry: {' '.join(done.stderr.split()) or done.returncode}; "
            "see endpoint_configs/scrontab"
        )


def _scrontab(arguments: list[str], text: str | None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("scrontab")
    if program is None:
        raise ProjectError(
            "there is no scrontab on this machine; use cron or a systemd timer with "
            "`headrace endpoint monitor --once`"
        )
    try:
        return subprocess.run(
            [program, *arguments],
            input=text if text is not None else "",
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProjectError(f"scrontab: {error}") from error
