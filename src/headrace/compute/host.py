"""The process that hosts an endpoint's engines: ``python -m headrace.compute.host STATE_DIR``.

It speaks JSON lines with the process that started it: commands come on standard input, events
leave on standard output. Both are moved to private descriptors first, so that neither a library
nor a worker can read or write there. When the commands end, whoever started it is gone: it ends
everything it started, batch jobs too, and then itself.

Commands: ``start`` (first), ``submit``, ``cancel``, ``withdraw``, ``stop``.
Events: ``ready``, ``refused`` (nothing was started), ``task``, ``withdrawn``, ``status``,
``warning``.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from headrace._internal.transient_errors import is_transient

from .engine_host import EngineHost
from .errors import ComputeError, TemporaryError
from .host_process import EXIT_TEMPORARY_FAILURE
from .models import TaskSpec
from .template_rendering import read_environment

log = logging.getLogger("headrace.compute.host")

_LOG_BYTES = 5_000_000


class _EndOfCommands(Exception):
    """Nobody sends commands any more, or a signal asks to end."""


def _take_pipes(state_dir: Path) -> tuple[int, int]:
    """Move commands and events off the standard descriptors; a file takes what is printed."""
    commands, events = os.dup(0), os.dup(1)  # not inherited by children
    out_path = state_dir / "host.out"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if out_path.exists() and out_path.stat().st_size > _LOG_BYTES:
        flags |= os.O_TRUNC
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(out_path, flags, 0o600)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(nothing)
    os.close(out)
    return commands, events


def _log_to(path: Path) -> None:
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("headrace").setLevel(logging.INFO)


def _read(commands: int) -> Iterator[dict[str, Any]]:
    with os.fdopen(commands, encoding="utf-8") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)
    raise _EndOfCommands


def _end_by_signal(_number: int, _frame: object) -> None:
    raise _EndOfCommands


def _serve(host: EngineHost, commands: Iterator[dict[str, Any]]) -> None:
    host.start()
    for command in commands:
        if command["command"] == "submit":
            task = command["task"]
            task["function_code"] = sys.intern(task["function_code"])  # in memory once
            host.submit(TaskSpec(**task))
        elif command["command"] == "cancel":
            host.cancel(command["task_id"])
        elif command["command"] == "withdraw":
            host.retire(command["task_ids"])
        elif command["command"] == "stop":
            return


def main() -> None:
    """Host an endpoint until the commands end."""
    state_dir = Path(sys.argv[1])
    try:
        commands_fd, events = _take_pipes(state_dir)
        _log_to(state_dir / "host.log")
    except OSError as error:
        os._exit(EXIT_TEMPORARY_FAILURE if is_transient(error) else 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the facility
    signal.signal(signal.SIGTERM, _end_by_signal)
    commands = _read(commands_fd)
    code = 0
    try:
        first = next(commands)
    except _EndOfCommands:
        return
    host = EngineHost(first, state_dir, events)
    try:
        path = os.environ["PATH"]
        os.environ.update(read_environment(Path(first["template"])))
        if os.environ["PATH"] != path:
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        _serve(host, commands)
    except _EndOfCommands:
        log.info("nobody sends commands any more")
    except ComputeError as error:
        transient = isinstance(error, TemporaryError)
        host.emit({"event": "refused", "error": str(error), "transient": transient})
        code = 1
    except (OSError, MemoryError) as error:
        log.exception("the host cannot work")
        code = EXIT_TEMPORARY_FAILURE if is_transient(error) else 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        host.close()
    logging.shutdown()
    os._exit(code)  # the engines' threads may hang, and all they had is ended


if __name__ == "__main__":
    main()
