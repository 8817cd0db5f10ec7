"""Logs of the project's endpoints and of their workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from headrace.config.errors import ProjectError
from headrace.config.project_config import at_option
from headrace.endpoints.installation import hosted_directory, installed_endpoint, is_hosted
from headrace.project.project import Project

_BLOCK_BYTES: Final = 65_536
# Of the interchange, of workers, and of what blocks printed.
_LOG_SUFFIXES: Final = frozenset({".log", ".out", ".err", ".stdout", ".stderr"})


def has_log_here(project: Project, name: str, target: str) -> bool:
    """Return whether an endpoint's log is on this machine, as it is where it was created here.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
    """
    return is_hosted(project, name, target) or installed_endpoint(project, name, target).exists


def log_lines(project: Project, name: str, target: str, lines: int, *, workers: bool) -> list[str]:
    """Return the end of an endpoint's log.

    Args:
        project: the project.
        name: the endpoint.
        target: the service that it belongs to.
        lines: how many.
        workers: whether those of what runs the tasks are wanted, not its own.

    Raises:
        ProjectError: it runs elsewhere.
    """
    if not is_hosted(project, name, target):
        found = installed_endpoint(project, name, target)
        if not found.exists:
            raise ProjectError(
                f"endpoint {name}: not created on this machine: run `headrace endpoint create "
                f"{name}{at_option(target)}`"
            )
        return list(found.log_lines(lines, workers=workers))
    directory = hosted_directory(project, name)
    paths = [directory / "host.log", directory / "host.out"]
    if workers:
        paths = sorted(_worker_logs(directory), key=lambda path: path.stat().st_mtime)
    texts = ((path, _last_lines(path, lines)) for path in paths if _has_text(path))
    found_lines = [
        f"{path.name}: {line}" if workers else line for path, text in texts for line in text
    ]
    return found_lines[-lines:]


def _last_lines(path: Path, lines: int) -> list[str]:
    """Return the last lines of a file, which may be large, without reading all of it."""
    blocks: list[bytes] = []
    newlines = 0
    with path.open("rb") as stream:
        left = stream.seek(0, os.SEEK_END)
        while left and newlines <= lines:
            size = min(left, _BLOCK_BYTES)
            left = stream.seek(left - size)
            blocks.append(stream.read(size))
            newlines += blocks[-1].count(b"\n")
    return b"".join(reversed(blocks)).decode(errors="replace").splitlines()[-lines:]


def _worker_logs(directory: Path) -> list[Path]:
    found = (directory / "run").glob("*/**/*")
    return [path for path in found if path.suffix in _LOG_SUFFIXES and _has_text(path)]


def _has_text(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
