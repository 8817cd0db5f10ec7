"""Output of a run's tasks and batch jobs: its end as it grows, and all of it page by page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from headrace._internal.terminal_text import terminal_text
from headrace.config import ProjectError
from headrace.endpoints.output_reader import read_jobs_here
from headrace.runs.job_output import NOT_ASKED, OutputPart, RunTask, Stream, read_output, tasks_of
from headrace.web.errors import NotHere, PageMissing
from headrace.web.page import Page, Part
from headrace.web.pages.run.reading import RunReading, read_run
from headrace.web.views.texts import shortened

if TYPE_CHECKING:
    from headrace.web.view import View

END_BYTES: Final = 64_000
"""Bytes of each stream that the run's page shows, from its end."""
_PAGE_BYTES: Final = 64_000
# Of a state with very many.
_MOST_TASKS: Final = 3
_MOST_JOBS: Final = 4
# Of the list of all.
_MOST_LISTED: Final = 100
_MOST_FILES: Final = 200
_ENDPOINT_SECONDS: Final = 10.0
_SECONDS: Final = 1.0
_STREAMS: Final = ("stdout", "stderr")


def load_output(view: View) -> Mapping[str, Any]:
    """Return what the tasks of a state printed: of that one that somebody chose, or the last."""
    reading = read_run(view)
    chosen = view.query.get("state") or None
    tasks = _tasks(reading, chosen)
    if not tasks:
        return {"state": "", "parts": [], "more": 0, "can_ask": False}
    state = tasks[-1].state
    tasks = [task for task in tasks if task.state == state]
    is_asked = view.query.get("ask") == "1"
    shown = tasks[-_MOST_TASKS:]
    parts = view.site.shared.get(
        ("output", reading.run.id, state, is_asked),
        _ENDPOINT_SECONDS if is_asked else _SECONDS,
        lambda before: _read(view, shown, is_asked=is_asked),
    )
    return {
        "state": shortened(state, 120),
        "parts": parts,
        "more": len(tasks) - len(shown),
        "can_ask": any(part["note"] == NOT_ASKED for part in parts),
        "ask": f"{_address(reading)}?{urlencode({'state': state, 'ask': '1'})}#output",
    }


def _address(reading: RunReading) -> str:
    return f"runs/{reading.run.id}"


def _tasks(reading: RunReading, state: str | None) -> list[RunTask]:
    try:
        return tasks_of(reading.run, reading.entries, state)
    except ProjectError:
        return []  # it has none, or none yet


def _read(view: View, tasks: Sequence[RunTask], *, is_asked: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for task in tasks:
        parts = view.ask(
            lambda services, task=task: read_output(  # type: ignore[misc]
                *(view.project, view.target, services, task),
                deadline=_ENDPOINT_SECONDS,
                ask_endpoint=is_asked,
                limit=END_BYTES,
            )
        )
        own, jobs = parts[0], parts[1:]
        found.append(_shown(own, max(0, len(jobs) - _MOST_JOBS)))
        found += [_shown(job, 0) for job in jobs[-_MOST_JOBS:]]
    return found


def _shown(part: OutputPart, jobs_left: int) -> dict[str, Any]:
    return {
        "task_id": shortened(part.task_id, 60),
        "endpoint": shortened(part.endpoint, 100),
        "job": part.job,
        "streams": [_stream(name, getattr(part, name), part.job) for name in _STREAMS],
        "traceback": terminal_text(part.traceback[-END_BYTES:], multiline=True),
        "note": part.note,
        "jobs_left": jobs_left,
    }


def _stream(name: str, stream: Stream, job: str) -> dict[str, Any]:
    # A text of control characters alone is four times as long when they are written out.
    text = terminal_text(stream.text[-END_BYTES:], multiline=True)[-END_BYTES:]
    return {
        "name": name,
        "text": text,
        "size": stream.size,
        "is_cut": stream.size > len(text.encode("utf-8", "replace")),
        "has_file": bool(job),
    }


def _load_file(view: View) -> Mapping[str, Any]:
    """Return a part of a stream of a batch job, whose directory its task names."""
    reading = read_run(view)
    task_id, job = view.query.get("task", ""), view.query.get("job", "")
    if not task_id:
        return _files(reading)
    name, at = view.query.get("stream", "stdout"), view.query.get("at", "0")
    if name not in _STREAMS:
        raise PageMissing(f"a job has the streams {' and '.join(_STREAMS)}")
    task = next((each for each in _tasks(reading, None) if each.task_id == task_id), None)
    if task is None:
        raise PageMissing(f"run {reading.run.id} has no task {shortened(task_id, 60)}")
    known = [str(each["directory"]) for each in read_jobs_here(task_id, task.directories, 0)]
    if job not in known:
        raise NotHere(
            "this job's files are not on this machine, or not of this run: on the machine where "
            "it ran they are in its directory"
        )
    first = int(at) if at.isdecimal() and len(at) < 16 else 0
    data, size = _part_of(Path(job) / name, first)

    def address(start: int) -> str:
        query = {"task": task_id, "job": job, "stream": name, "at": str(start)}
        return f"{_address(reading)}/output?{urlencode(query)}"

    end = first + len(data)
    return {
        "files": None,
        "title": f"{name} of a job",
        "run_id": reading.run.id,
        "label": shortened(reading.run.label, 120),
        "path": str(Path(job) / name),
        "text": terminal_text(data.decode("utf-8", "replace"), multiline=True),
        "first": first,
        "end": end,
        "size": size,
        "earlier": address(max(0, first - _PAGE_BYTES)) if first else None,
        "later": address(end) if end < size else None,
        "last": address(max(0, size - _PAGE_BYTES)) if end < size else None,
    }


def _files(reading: RunReading) -> Mapping[str, Any]:
    """Return the streams of all jobs of a run whose directories are on this machine."""
    files = []
    for task in _tasks(reading, None)[-_MOST_LISTED:]:
        for job in read_jobs_here(task.task_id, task.directories, 0):
            for name in _STREAMS:
                size = job[name]["size"]
                query = {"task": task.task_id, "job": str(job["directory"]), "stream": name}
                address = f"{_address(reading)}/output?{urlencode(query)}"
                if size:
                    path = str(Path(query["job"]) / name)
                    files.append((shortened(task.state, 120), path, size, address))
    title = f"Output of {shortened(reading.run.label, 120)}"
    label = shortened(reading.run.label, 120)
    return {"title": title, "run_id": reading.run.id, "label": label, "files": files[-_MOST_FILES:]}


def _part_of(path: Path, first: int) -> tuple[bytes, int]:
    """Return some bytes of a file, from a line's beginning to a line's end where it has lines.

    A link is not followed: what a job wrote is a file of its own.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(min(first, size))
            data = stream.read(_PAGE_BYTES)
    except OSError as error:
        raise PageMissing(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) == _PAGE_BYTES and (cut := data.rfind(b"\n") + 1):
        data = data[:cut]
    return data, size


OUTPUT_PART: Final = Part(
    "output", "run/output.html", load_output, topics=("run:{run}",), every=3.0
)
OUTPUT_PAGE: Final = Page(
    name="run_output",
    path="/runs/{run}/output",
    title="Output",
    template="run/file.html",
    load=_load_file,
)
