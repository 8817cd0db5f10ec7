"""Messages between an engine and its workers: a task as it is sent, its result or its failure."""

from __future__ import annotations

import re
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, load_json
from headrace._internal.terminal_text import terminal_text

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


_JSON_IDENTIFIER = "11\n"  # globus_compute_sdk's JSONData
_RULE = re.compile(r"^[+\-]{20,}$")
_FRAME = re.compile(r'^\s+File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_EXCEPTION = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_LOSS = re.compile(r"errors\.(WorkerLost|ManagerLost)\b")
# The message of an exception may be as long as a file.
_MAX_LINE = 20_000

_MEANINGS = {
    "WorkerLost": "the worker that ran the task died (killed, out of memory, or os._exit)",
    "VersionMismatch": "the workers' versions are not those of the endpoint; install the same",
    "ManagerLost": "the node that ran the task was lost (block ended, walltime, or node failure)",
}


class NotJSON(ValueError):
    """A result that is not a JSON value."""


def read_result(data: str) -> object:
    """Read a function's result from the engine's text.

    Args:
        data: serialised by the worker as JSON. Nothing else is read: other serialisations can
            run code.

    Returns:
        The value.

    Raises:
        NotJSON: it is serialised otherwise, or holds NaN, infinities, text that is not Unicode.
    """
    if not data.startswith(_JSON_IDENTIFIER):
        raise NotJSON("the result was not sent as JSON")
    try:
        return load_json(data.removeprefix(_JSON_IDENTIFIER), "the result")
    except InvalidValue as error:
        raise NotJSON(str(error)) from None


def is_worker_loss(text: str) -> bool:
    """Return whether an error of the engine says that the worker or its node was lost."""
    return _LOSS.search(text) is not None


def failure_text(result: object, key: str) -> str | None:
    """Return the traceback that a worker sent in the place of a result; None where it is one.

    Args:
        result: what the worker sent.
        key: name of the only member, which holds a traceback.
    """
    if isinstance(result, dict) and set(result) == {key}:
        return str(result[key])
    return None


def failure_line(text: str) -> str:
    """Reduce a traceback to the line that helps.

    Args:
        text: the traceback as the engine gives it.

    Returns:
        One line: the exception, its message and the function's line.
    """
    lines = [line for line in text.splitlines() if not _RULE.match(line)]
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call")]
    block = lines[starts[-1] + 1 :] if starts else lines
    location = ""
    message_at = 0
    for number, line in enumerate(block):
        if frame := _FRAME.match(line):
            if frame["file"] == "<string>":  # the function's own source text
                location = f" (line {frame['line']} of {frame['function']})"
            message_at = number + 1
        elif starts and line[:1].isspace():
            message_at = number + 1
        elif starts:
            break
    tail = " ".join(" ".join(block[message_at:]).split())
    match = _EXCEPTION.match(tail)
    name = match["name"].rsplit(".", 1)[-1] if match else ""
    message = (match["message"] or "") if match else ""
    return one_line(_explain(name, message, tail, text) + location)


def _explain(name: str, message: str, tail: str, text: str) -> str:
    if name in _MEANINGS:
        return f"{_MEANINGS[name]}: {message}"
    if name == "SerializationError" and "All strategies failed" in message:
        causes = re.findall(r"^[ \t]*\| (\w+): (.+)$", text, re.MULTILINE)
        reason = next((m for n, m in reversed(causes) if n != "ExceptionGroup"), message)
        return f"the function's result is not JSON: {reason}; return numbers, text, lists or dicts"
    if tail.startswith("MaxResultSizeExceeded("):
        sizes = re.findall(r"\d+", tail)
        about = f": {sizes[0]} bytes, at most {sizes[1]}" if len(sizes) > 1 else ""
        return f"the function's result is too large{about}; write a file and return its path"
    if name in ("BadStateException", "TooManyJobFailuresError"):
        return f"the endpoint's workers could not start or were lost: {_block_failure(text)}"
    if name in ("ModuleNotFoundError", "ImportError") and message:
        return f"{name}: {message}; install it where the workers run, or activate it in worker_init"
    if not name:
        return tail or "the task failed without a message"
    return f"{name}: {message}" if message else name


def _block_failure(text: str) -> str:
    code = re.search(r"EXIT CODE: (\S+)", text)
    parts = [f"exit code {code[1]}"] if code else []
    for stream in ("STDERR", "STDOUT"):
        if found := re.search(rf"{stream}: (.+?)(?:\n\t[A-Z ]+:|\nError \d+:|\Z)", text, re.DOTALL):
            words = [s.strip() for s in found[1].splitlines() if s.strip() and not _RULE.match(s)]
            if words:
                parts.append(" / ".join(words[-3:]))
                break
    else:
        if found := re.search(r"Error 1:\n\t(.+?)(?:\n\tEXIT CODE|\n-{20}|\Z)", text, re.DOTALL):
            parts.append(" ".join(found[1].split()))
    return "; ".join(parts) or "no message; see the worker logs"


def one_line(text: str) -> str:
    """Put text on one line that no terminal takes for commands.

    Of a very long one the middle is left out, and the line gives the number of its characters.
    """
    line = terminal_text(" ".join(text.split()))
    omitted = len(line) - _MAX_LINE
    if omitted <= 0:
        return line
    half = _MAX_LINE // 2
    return f"{line[:half]} [... {omitted} characters are left out ...] {line[-half:]}"
