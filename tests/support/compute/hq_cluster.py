"""A HyperQueue of a test's own: the real one where ``hq`` is on PATH, else a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.repository import SUPPORT
from tests.support.waiting import wait_until

# Asked once: a test's PATH may have the stand-in in it.
_REAL = shutil.which("hq")
STAND_IN = SUPPORT / "compute" / "hq_stand_in.py"


class HqCluster:
    """A server and one worker, on this machine.

    Args:
        directory: where its state is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.real = _REAL is not None
        self.path = os.environ["PATH"]
        self._started: list[subprocess.Popen[bytes]] = []
        directory.mkdir()
        if self.real:
            self._start("server", "start")
            wait_until(lambda: self._ask("server", "info") == 0, "the server of HyperQueue")
            self._worker = self._start("worker", "start", "--cpus=4", "--on-server-lost=stop")
            return
        program = directory / "bin" / "hq"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
        program.chmod(0o755)
        self.path = f"{program.parent}:{self.path}"
        (directory / "access.json").write_text("{}")

    def variables(self) -> dict[str, str]:
        """Return the variables by which ``hq`` is found, and finds its server."""
        return {"PATH": self.path, "HQ_SERVER_DIR": str(self.directory)}

    def lose_worker(self) -> None:
        """Lose the worker, with all that runs there."""
        if self.real:
            self._worker.kill()
        else:
            self._ask("lose-worker")

    def stop(self) -> None:
        """Stop everything that was started."""
        if self.real:
            self._ask("server", "stop")
            for process in self._started:
                process.kill()
                process.wait()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.variables()}
        process = subprocess.Popen(
            ["hq", *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._started.append(process)
        return process

    def _ask(self, *words: str) -> int:
        environment = {**os.environ, **self.variables()}
        return subprocess.run(
            ["hq", *words], env=environment, capture_output=True, check=False
        ).returncode
