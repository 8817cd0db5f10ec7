"""A real Flux instance of a test's own, where ``flux`` is on PATH."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.waiting import wait_until


class FluxInstance:
    """Two brokers on this machine, as two nodes.

    Args:
        directory: where its state is.
    """

    real = True

    def __init__(self, directory: Path) -> None:
        if shutil.which("flux") is None:
            pytest.skip("no flux on PATH")
        directory.mkdir()
        self._address = directory / "address"
        hold = f'echo "$FLUX_URI" >{self._address}.new; mv {self._address}.new {self._address}'
        self._process = subprocess.Popen(
            ["flux", "start", "--test-size=2", "bash", "-c", f"{hold}; exec sleep infinity"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._address.exists, "the instance of Flux", 60)

    def variables(self) -> dict[str, str]:
        """Return the variables by which the instance is found."""
        return {"FLUX_URI": self._address.read_text().strip()}

    def lose_worker(self) -> None:
        """Lose the second node, with all that runs there."""
        answer = subprocess.run(
            ["flux", "exec", "-r", "1", "flux", "getattr", "broker.pid"],
            env={**os.environ, **self.variables()},
            capture_output=True,
            text=True,
            check=True,
        )
        os.kill(int(answer.stdout), signal.SIGKILL)

    def stop(self) -> None:
        """Stop everything that was started; brokers may outlive the program that started them."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
