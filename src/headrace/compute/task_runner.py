"""Runner of one task in a worker: loaded there from its file, without the rest of the package.

A worker may be of another Python, on another node, where nothing of ours is installed; it sees the
endpoint's state directory. Around the function stands what the engine itself has not:

* a file that says which worker runs the task since when, and which keeps a task that was
  cancelled, or given to another host meanwhile, from beginning;
* a guard, a process beside the worker (`task_guard`), that keeps what is printed within bounds
  and ends the worker where a cancelled task does not end by itself;
* the exception as text that every reader can take, whatever its class and message are;
* the worker as it was before, for the next task.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WITHDRAWN = "withdrawn"
_ANSWER_SECONDS = 10.0
_MAX_TRACEBACK = 100_000
# As the facility takes JSON in.
_MAX_DEPTH = 64
_CONTAINERS = (dict, list, tuple)
# The program of the guard, beside this file.
GUARD = "task_guard.py"


class TaskWithdrawn(Exception):
    """The task was cancelled, or given to another host, before it began."""


def run_json(settings: dict[str, Any], code: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Run a task of a flow.

    Args:
        settings: ``task``, ``claims``, ``output``, ``cancelled``, ``grace`` and ``failure``.
        code: the function as it travels.
        args: positional arguments.
        kwargs: keyword arguments.

    Returns:
        What the function returns. Where it raises: an object whose only member is named as
        ``failure`` says and holds the traceback.
    """

    def call() -> Any:
        return _serializer(settings).deserialize(code)(*args, **kwargs)

    try:
        result = _run(settings, call)
    except BaseException as error:  # noqa: BLE001 - nothing of a function ends the worker
        return {settings["failure"]: _traceback_text(error)}
    if _is_deep(result):
        # Whoever writes it as JSON exhausts the stack, and says nothing of the result.
        text = f"the function's result is nested deeper than {_MAX_DEPTH} levels"
        return {settings["failure"]: f"{text}; return flatter values, or write a file"}
    return result


def _is_deep(result: Any) -> bool:
    """Return whether a value is nested too deep; one that contains itself is for the writer."""
    # Each once: what stands in many places would be looked at in all of them.
    level = {id(result): result} if isinstance(result, _CONTAINERS) else {}
    seen: set[int] = set()
    for _ in range(_MAX_DEPTH):
        seen.update(level)
        level = {
            id(inner): inner
            for value in level.values()
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, _CONTAINERS)
        }
    return not seen.issuperset(level)


def run_serialized(settings: dict[str, Any], buffer: str) -> Any:
    """Run a task of a client of the service, whatever it is packed with.

    Args:
        settings: as for `run_json`.
        buffer: function, positional and keyword arguments, packed.

    Raises:
        Exception: what the function raises, or the like with a text that can be sent.
    """

    def call() -> Any:
        function, args, kwargs = _serializer(settings).unpack_and_deserialize(buffer)
        return function(*args, **kwargs)

    try:
        return _run(settings, call)
    except BaseException as error:
        text = "".join(traceback.TracebackException.from_exception(error).format())
        if isinstance(error, Exception) and _printable(text) == text:
            raise
        replaced = _printable_exception(error)
    raise replaced


def _run(settings: dict[str, Any], call: Callable[[], Any]) -> Any:
    claim = _claim(settings)
    try:
        with _restored_state(), _guarded(settings):
            return call()
    finally:
        with contextlib.suppress(OSError):
            claim.unlink()


def _serializer(settings: dict[str, Any]) -> Any:
    from globus_compute_sdk.serialize import ComputeSerializer

    return ComputeSerializer(allowed_deserializer_types=settings.get("deserializers"))


def _claim(settings: dict[str, Any]) -> Path:
    task = settings["task"]
    if (Path(settings["cancelled"]) / task).exists():
        raise TaskWithdrawn("the task was cancelled")
    path: Path = Path(settings["claims"]) / task
    own = {
        "pid": os.getpid(),
        "node": socket.gethostname(),
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "since": time.time(),
    }
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.read_text() == WITHDRAWN:
                raise TaskWithdrawn("another host runs the task") from None
            # Left by a worker that was lost; the task is run again.
            descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(json.dumps(own))
    except OSError:
        pass  # where the directory is not to be seen, or full, the task runs all the same
    return path


class _Guard:
    """The process beside this worker."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # By the task's id its programs are found and ended; the guard outlives the task.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GC_TASK_")}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name(GUARD))],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        ours.settimeout(_ANSWER_SECONDS)
        self.pid = os.getpid()
        self.link = ours
        self._identity = self._found()

    def _found(self) -> tuple[int, int]:
        status = os.fstat(self.link.fileno())
        return status.st_dev, status.st_ino

    @property
    def intact(self) -> bool:
        """True while the descriptor of the link is still that of the link."""
        try:
            return self._found() == self._identity
        except OSError:
            return False

    @property
    def alive(self) -> bool:
        return self.pid == os.getpid() and self.process.poll() is None

    def begin(self, settings: dict[str, Any], pipes: list[int]) -> None:
        socket.send_fds(self.link, [json.dumps(settings).encode()], pipes)

    def end(self) -> None:
        self.link.send(b"end")
        self.link.recv(10)


_guards: list[_Guard] = []


@contextlib.contextmanager
def _guarded(settings: dict[str, Any]) -> Iterator[None]:
    guard, kept = _start_guard(settings)
    try:
        yield
    finally:
        if guard is not None:
            if not guard.intact:
                # The function has closed what is not its own: the worker's descriptors lead
                # anywhere now, and nothing may be read or written there any more.
                os._exit(1)
            _flush()
            for number, descriptor in kept.items():
                with contextlib.suppress(OSError):
                    os.dup2(descriptor, number)
                    os.close(descriptor)
            _reopen_streams()
            with contextlib.suppress(OSError):
                guard.end()


def _start_guard(settings: dict[str, Any]) -> tuple[_Guard | None, dict[int, int]]:
    """Put the guard in charge of a task; without one the task runs all the same."""
    for _ in range(2):
        try:
            return _redirect_to_guard(settings)
        except OSError as error:
            problem = error
            for guard in _guards:
                guard.process.kill()
            _guards.clear()
    sys.stderr.write(f"task {settings['task']} runs without a guard: {problem}\n")
    return None, {}


def _redirect_to_guard(settings: dict[str, Any]) -> tuple[_Guard, dict[int, int]]:
    pipes: list[int] = []
    try:
        if not _guards or not _guards[0].alive:
            _guards[:] = [_Guard()]
        reading_out, writing_out = os.pipe()
        pipes += [reading_out, writing_out]
        reading_err, writing_err = os.pipe()
        pipes += [reading_err, writing_err]
        _flush()
        _guards[0].begin(settings, [reading_out, reading_err])
        kept = {number: os.dup(number) for number in (1, 2)}
        os.dup2(writing_out, 1)
        os.dup2(writing_err, 2)
    finally:
        for descriptor in pipes:
            os.close(descriptor)
    return _guards[0], kept


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).fflush(None)  # what C and Fortran printed


def _reopen_streams() -> None:
    # A function may have closed or replaced them.
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, f"__{name}__")
        if stream is None or stream.closed:
            stream = os.fdopen(number, "w", buffering=1, closefd=False)
            setattr(sys, f"__{name}__", stream)
        setattr(sys, name, stream)


@contextlib.contextmanager
def _restored_state() -> Iterator[None]:
    environment, path, limit = dict(os.environ), list(sys.path), sys.getrecursionlimit()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    mask = os.umask(0o077)
    os.umask(mask)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        sys.path[:] = path
        os.umask(mask)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        for name, value in environment.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        for number, handler in handlers.items():
            with contextlib.suppress(ValueError, TypeError):
                signal.signal(number, handler)


def _traceback_text(error: BaseException) -> str:
    """Return the traceback from the function's own frame on, as text that can be sent."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    formatted = traceback.TracebackException(type(error), error, frames)
    text = _printable("".join(formatted.format()))
    if len(text) > _MAX_TRACEBACK:
        half = _MAX_TRACEBACK // 2
        omitted = len(text) - 2 * half
        text = f"{text[:half]}\n[... {omitted} characters are left out ...]\n{text[-half:]}"
    return text


def _printable(text: str) -> str:
    plain = text.encode("utf-8", "backslashreplace").decode()
    if plain.isprintable():
        return plain
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in plain
    )


def _printable_exception(error: BaseException) -> Exception:
    """Return an exception of the same name whose text can be sent."""
    last = "".join(traceback.TracebackException.from_exception(error).format_exception_only())
    name, _, message = _printable(last).strip().partition(": ")
    kind = type(name.rpartition(".")[2] or "Exception", (Exception,), {})
    made: Exception = kind(message)
    return made.with_traceback(error.__traceback__)
