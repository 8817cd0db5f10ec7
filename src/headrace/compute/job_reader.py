"""Reader of the output of a task's batch jobs, where they ran.

:func:`headrace_job_output` is registered as it stands here, and runs at endpoints under any
Python: it uses the standard library alone.
"""

from __future__ import annotations

import inspect

from .wire_text import source_code

NAME = "headrace_job_output"


def headrace_job_output(
    task_id: str, directories: list[str], limit: int
) -> list[dict[str, object]]:
    """Return the ends of the output of a task's batch jobs.

    Args:
        task_id: the task.
        directories: absolute paths; a job's directory is one of them, or lies directly below one.
        limit: number of bytes of each stream.

    Returns:
        For each job ``directory`` and, of ``stdout`` and ``stderr``, the ``text`` at the end and
        the ``size`` of all of it.
    """
    import os
    from pathlib import Path

    records = ("submission.json", "outcome.json", "host.json")

    def belongs(directory: Path) -> bool:
        for name in records:
            try:
                with (directory / name).open("rb") as stream:
                    if task_id.encode() in stream.read(100_000):
                        return True
            except OSError:
                continue
        return False

    def end_of(path: Path) -> dict[str, object]:
        try:
            with path.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - limit))
                return {"size": size, "text": stream.read(limit).decode("utf-8", "replace")}
        except OSError:
            return {"size": 0, "text": ""}

    def below(parent: Path) -> list[Path]:
        try:
            with os.scandir(parent) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:
            return []
        return [parent / name for name in names[:1000]]

    found: list[Path] = []
    for parent in map(Path, directories):
        for directory in (parent, *below(parent)):
            if directory not in found and belongs(directory):
                found.append(directory)
    return [
        {
            "directory": str(directory),
            "stdout": end_of(directory / "stdout"),
            "stderr": end_of(directory / "stderr"),
        }
        for directory in found
    ]


def reader_code() -> str:
    """Return the reader as the text that is registered."""
    return source_code(NAME, inspect.getsource(headrace_job_output))
