"""What tests of endpoints share: collecting events, and finding processes by a mark."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from globus_compute_sdk.serialize import PureSourceTextInspect

from headrace.compute import EndpointSpec, TaskEvent, TaskSpec
from tests.support.repository import REPOSITORY

MARK = "HEADRACE_TEST_MARK"


class Events:
    """Collects events; call it with one, wait for those of a task."""

    def __init__(self) -> None:
        self._seen: list[TaskEvent] = []
        self._changed = threading.Condition()

    def __call__(self, event: TaskEvent) -> None:
        with self._changed:
            self._seen.append(event)
            self._changed.notify_all()

    def of(self, task_id: str) -> list[TaskEvent]:
        with self._changed:
            return [e for e in self._seen if e.task_id == task_id]

    def wait(self, task_id: str, *kinds: str, timeout: float = 120.0) -> TaskEvent:
        """Wait for a final event of the task, or for one of ``kinds``."""
        wanted = kinds or ("done", "failed")

        def found() -> TaskEvent | None:
            return next((e for e in self.of(task_id) if e.kind in wanted), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, timeout)
        event = found()
        assert event is not None, f"no {wanted} of {task_id} after {timeout} s: {self.of(task_id)}"
        return event


def wire(function: Callable[..., Any]) -> str:
    """The text with which the SDK sends a function."""
    return str(PureSourceTextInspect().serialize(function))


def task(function: Callable[..., Any], *args: Any, **kwargs: Any) -> TaskSpec:
    return TaskSpec(str(uuid.uuid4()), wire(function), list(args), kwargs)


def spec(state_dir: Path, template: str = "local", **options: Any) -> EndpointSpec:
    folder = REPOSITORY / "endpoint_configs" / template
    return EndpointSpec("tested", str(uuid.uuid4()), folder, options, state_dir, REPOSITORY)


def marked(value: str, variable: str = MARK) -> list[str]:
    """This user's processes that were started with ``variable=value``, this one left out."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.uids().real != os.getuid() or process.pid == os.getpid():
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(variable) == value:
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; zombies do not."""
    return psutil.wait_procs(
        [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE], timeout=0
    )[1]
