"""Wrapping of tasks for the workers of an endpoint: the function inside of `task_runner`."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from . import task_guard, task_runner
from .models import TaskSpec
from .task_output import OUTPUT
from .wire_text import source_code

# Seconds that a cancelled task has to end by itself.
GRACE_SECONDS: Final = 10.0
_PLAIN_SOURCE: Final = "globus_compute_sdk.serialize.concretes.PureSourceTextInspect"
_NAME: Final = "run_task"
_STUB: Final = '''def run_task(path, entry, settings, *arguments):
    """Run the task by the runner, a file beside the engine's."""
    import importlib.util
    import sys

    module = sys.modules.get("headrace_task_runner")
    if module is None or module.__file__ != path:
        spec = importlib.util.spec_from_file_location("headrace_task_runner", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules["headrace_task_runner"] = module
    return getattr(module, entry)(settings, *arguments)
'''


@dataclass(frozen=True)
class SupervisionPaths:
    """Directories through which a host and its workers report tasks to each other.

    Attributes:
        claims: has a file for each task that runs.
        output: has a directory for each task that printed something.
        cancelled: has a file for each cancelled task.
        failure: name of the member that marks a failure, not a result; nobody can guess it.
    """

    claims: Path
    output: Path
    cancelled: Path
    failure: str = field(default_factory=lambda: f"failure-{secrets.token_hex(8)}")


def supervision_paths(state_dir: Path, host_id: str, cancelled: Path) -> SupervisionPaths:
    """Return the paths of a host, its claims' directory made."""
    claims = state_dir / "claims" / host_id
    claims.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SupervisionPaths(claims, state_dir / OUTPUT, cancelled)


class TaskWrapper:
    """Wraps tasks for the workers of one engine.

    Args:
        directory: the engine's run directory, which its workers see.
        paths: of the host.
        deserializers: what the engine reads tasks with; all where empty.
        serializer: the SDK's, with JSON for data.
    """

    def __init__(
        self, directory: Path, paths: SupervisionPaths, deserializers: list[str], serializer: Any
    ) -> None:
        self._paths = paths
        self._deserializers = deserializers
        self._serializer = serializer
        self._runner = directory / "task_runner.py"
        self._code = source_code(_NAME, _STUB)
        shutil.copyfile(task_runner.__file__, self._runner)
        shutil.copyfile(task_guard.__file__, self._runner.with_name(task_runner.GUARD))

    @property
    def claims_tasks(self) -> bool:
        """True where a worker claims a task before it calls its function."""
        return not self._deserializers or _PLAIN_SOURCE in self._deserializers

    def serialize(self, task: TaskSpec) -> str:
        """Return the text that is sent to a worker for a task."""
        pack = self._serializer.pack_buffers
        if not self.claims_tasks:
            return self._plain(task)
        if task.serialized_arguments:
            buffer = pack([task.function_code]) + task.serialized_arguments
            arguments: list[Any] = ["run_serialized", self._settings(task), buffer]
        else:
            arguments = ["run_json", self._settings(task), task.function_code]
            arguments += [task.args, task.kwargs]
        runner_arguments = self._serializer.serialize([str(self._runner), *arguments])
        return str(pack([self._code, runner_arguments, self._serializer.serialize({})]))

    def _plain(self, task: TaskSpec) -> str:
        pack = self._serializer.pack_buffers
        if task.serialized_arguments:
            return str(pack([task.function_code])) + task.serialized_arguments
        parts = [self._serializer.serialize(part) for part in (task.args, task.kwargs)]
        return str(pack([task.function_code, *parts]))

    def _settings(self, task: TaskSpec) -> dict[str, Any]:
        return {
            "task": task.task_id,
            "claims": str(self._paths.claims),
            "output": str(self._paths.output),
            "cancelled": str(self._paths.cancelled),
            "grace": GRACE_SECONDS,
            "failure": self._paths.failure,
            "deserializers": self._deserializers or None,
        }
