"""Running SPECFEM's programs, and saying in one line why one did not do its work."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from headrace.seismic.errors import ModelRefused, SolverError

_ERROR_LINE = re.compile(
    r"error|stop|abort|unstable|blew up|cannot|could not|not found|invalid|wrong|killed"
    r"|segmentation|must ",
    re.I,
)
# What it says when a simulation became unstable.
_OF_THE_MODEL = re.compile(r"unstable|blew up|not finite", re.I)
# What compilers, launchers and SPECFEM say of every failure.
_EMPTY_WORDS = re.compile(
    r"^(error stop \d*|stop \d*|error detected, aborting.*|stop error, program ended.*"
    r"|backtrace.*|program received .*|please check.*|#\d+ .*|[-=*# ]*)$",
    re.I,
)
# SPECFEM stops with exit code 0 on the errors that it finds itself.
_GAVE_UP = ("Error detected, aborting MPI", "program ended in exit_MPI")
# Of an MPI that this process itself may run under; a program with its own would join it.
_MPI_VARIABLES = ("PMI_", "PMI2_", "PMIX_", "OMPI_", "HYDI_", "HYDRA_", "MPIR_CVAR_", "MPI_LOCAL")
_PR_SET_PDEATHSIG = 1
_MAX_BYTES = 200_000
_MAX_MESSAGE = 200


def run_program(
    command: Sequence[str], directory: Path, log: Path, timeout: float | None = None
) -> None:
    """Run a program in a directory and wait for its end.

    Args:
        command: its words.
        directory: where it works.
        log: file for all that it prints.
        timeout: seconds after which it is ended; None: never.

    Raises:
        SolverError: it cannot be started, did not end in time, was killed, or ended with an exit
            code that is not 0; the message has the line of its log that says why.
    """
    with log.open("wb") as stream:
        try:
            process = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_environment(),
                preexec_fn=_end_with_parent,
            )
        except OSError as error:
            raise SolverError(f"{command[0]}: cannot be started: {error.strerror}") from None
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise SolverError(
                f"{_name(command)} did not end within {timeout:g} s; log: {log}"
            ) from None
        finally:
            _end_group(process)
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        raise failure(command, directory, log, f"was killed ({name})")
    if code > 0:
        raise failure(command, directory, log, f"ended with exit code {code}")


def failure(command: Sequence[str], directory: Path, log: Path, what: str) -> SolverError:
    """Return an error that says what a program did and what it said.

    Args:
        command: its words.
        directory: where it worked.
        log: what it printed.
        what: what it did, for example ``ended with exit code 1``.
    """
    said = reason_in(directory, log)
    message = f"it says: {said}" if said else "it says nothing"
    kind = ModelRefused if _OF_THE_MODEL.search(f"{what} {said}") else SolverError
    return kind(f"{_name(command)} {what}; {message}; log: {log}")


def reason_in(directory: Path, log: Path) -> str:
    """Return the line that says best why a program failed: of its error files, else of its log."""
    written = sorted((directory / "OUTPUT_FILES").glob("error_message*.txt"))
    for path in [*written, log]:
        lines = [line.strip(" *\t") for line in _tail(path).splitlines()]
        lines = [line for line in lines if line and not _EMPTY_WORDS.match(line)]
        errors = [line for line in lines if _ERROR_LINE.search(line)]
        for line in errors[-1:] or lines[-1:]:
            return " ".join(line.split())[:_MAX_MESSAGE]
    return ""


def says_it_failed(log: Path) -> bool:
    """Return whether a log reports an error at which SPECFEM stopped."""
    said = _tail(log)
    return any(words in said for words in _GAVE_UP)


def _tail(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _MAX_BYTES))
        return stream.read().decode(errors="replace")


def _name(command: Sequence[str]) -> str:
    return Path(command[-1]).name


def _environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(_MPI_VARIABLES)
    }


def _end_with_parent() -> None:
    # A parent that is killed cannot end it; it would write into the next attempt's files.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # A launcher's children must not go on writing after it.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
