"""Calls of CRTomo and CRMod in the ``exe`` folder of a directory."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace.ert.errors import EngineMissing, InversionFailed

_TO_STOP: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def find_program(name: str) -> str:
    """Return the path of a program.

    Args:
        name: its name on PATH, or its path.

    Raises:
        EngineMissing: there is none.
    """
    found = shutil.which(name)
    if found is None:
        raise EngineMissing(
            f"engine crtomo: no program {name}; name it by crtomo and crmod in [crtomo] of "
            "job_scripts/ert.toml"
        )
    return str(Path(found).resolve())


def run_program(program: str, directory: Path, log: Path, threads: int, seconds: float) -> int:
    """Run a program until it ends.

    Args:
        program: its path.
        directory: where it runs.
        log: file for what it prints.
        threads: that it may use.
        seconds: time limit; 0: none.

    Returns:
        Its exit code, which tells little: CRTomo ends with 0 after errors, too.

    Raises:
        InversionFailed: it reached the time limit, or a signal ended it.
        EngineMissing: it cannot be started.
    """
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    name = Path(program).name
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                [program],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise EngineMissing(f"{program}: cannot be started: {error.strerror}") from error
        with _ended_with_us(process):
            try:
                code = process.wait(seconds or None)
            except subprocess.TimeoutExpired:
                raise InversionFailed(
                    f"{name}: ended after {seconds / 60:g} minutes, the time_limit; its last "
                    f"words: {last_words(log)}"
                ) from None
    if code < 0:
        raise InversionFailed(f"{name}: ended by signal {-code}; its last words: {last_words(log)}")
    return code


@contextlib.contextmanager
def _ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a program where the body does not wait for its end, or a signal ends this process."""
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        # Whoever waits for the program holds a lock: here it is ended, and not waited for.
        received.append(number)
        process.kill()

    before = {number: signal.signal(number, stop) for number in _TO_STOP}
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            raise SystemExit(128 + received[0])


def last_words(log: Path, characters: int = 200) -> str:
    """Return the end of what a program printed, in one line."""
    try:
        text = log.read_bytes()[-4096:].decode("utf-8", errors="replace")
    except OSError:
        return "none"
    # It overwrites lines of a terminal by carriage returns.
    words = " ".join(text.replace("\r", "\n").split())
    return words[-characters:] if words else "none"
