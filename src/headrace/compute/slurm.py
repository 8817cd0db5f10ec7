"""The few questions this room asks Slurm."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterable

from .errors import ComputeError

COMMANDS = ("sbatch", "squeue", "scancel")
_TIMEOUT = 30.0


class Slurm:
    """A cluster's queue, as this user sees it.

    Args:
        conf: path of ``slurm.conf``; empty: the machine's.
    """

    def __init__(self, conf: str = "") -> None:
        self._environment = {**os.environ, **({"SLURM_CONF": conf} if conf else {})}

    def jobs(self) -> dict[str, str]:
        """This user's jobs that are waiting or running: name by job id.

        Raises:
            ComputeError: Slurm does not answer.
        """
        out = self._run("squeue", "--noheader", f"--user={os.getuid()}", "--format=%i|%j")
        pairs = (line.strip().partition("|") for line in out.splitlines() if line.strip())
        return {job: name for job, _, name in pairs}

    def scripts(self) -> dict[str, str]:
        """This user's jobs that are waiting or running: path of the batch script by job id.

        Raises:
            ComputeError: Slurm does not answer.
        """
        out = self._run("squeue", "--noheader", f"--user={os.getuid()}", "--format=%i|%o")
        pairs = (line.strip().partition("|") for line in out.splitlines() if line.strip())
        return {job: script for job, _, script in pairs}

    def cancel(self, jobs: Iterable[str]) -> None:
        """Cancel jobs.

        Raises:
            ComputeError: Slurm does not answer.
        """
        self._run("scancel", *jobs)

    def end(self, label: str, limit: float = 20.0) -> list[str]:
        """Cancel the jobs of a host and wait until they are out of the queue.

        Args:
            label: what the names of the host's jobs contain. Names decide, not recorded ids:
                a job whose id was never recorded has one too, and ids are used again.
            limit: seconds to wait.

        Returns:
            The jobs that were cancelled.

        Raises:
            ComputeError: Slurm does not answer, or the jobs do not end.
        """
        cancelled: dict[str, None] = {}
        begun = time.monotonic()
        pause = 0.1
        while ours := [job for job, name in self.jobs().items() if label in name]:
            fresh = [job for job in ours if job not in cancelled]
            if fresh:
                self.cancel(fresh)
                cancelled.update(dict.fromkeys(fresh))
            if time.monotonic() - begun > limit:
                raise ComputeError(f"Slurm jobs {', '.join(ours)} do not end; look with squeue")
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        return list(cancelled)

    def _run(self, command: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [command, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ComputeError(f"{command}: {error}") from error
        if done.returncode != 0:
            raise ComputeError(f"{command}: {' '.join(done.stderr.split()) or done.returncode}")
        return done.stdout


def missing_commands() -> list[str]:
    """Slurm's commands that are not on PATH."""
    return [command for command in COMMANDS if shutil.which(command) is None]
