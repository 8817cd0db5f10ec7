"""Legs of simulations in tests: inputs, programs that are killed, and what GROMACS's tools read."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import wait_until

SETTINGS = """\
[gromacs]
mdrun_arguments = ["-reprod"]
checkpoint_minutes = 0.002

[openmm]
platform = "CPU"
properties = { Threads = 1 }
checkpoint_minutes = 0.002
"""


@dataclass(frozen=True)
class Member:
    """A simulation whose legs have a directory each.

    Attributes:
        root: the directory of all.
        engine: name of the engine.
    """

    root: Path
    engine: str

    def leg(self, number: int) -> Path:
        """The directory of a leg, with the state of the leg before as it would be transferred."""
        path = self.root / f"leg-{number}"
        if number > 1 and not (path / "previous").exists():
            shutil.copytree(self.root / f"leg-{number - 1}" / "state", path / "previous")
        return path

    def words(self, number: int, *arguments: str) -> list[str]:
        """The program of a leg, as its job script calls it."""
        settings = self.root / "md.toml"
        if not settings.exists():
            settings.write_text(SETTINGS)
        code = "import sys; from headrace.md.program import main; sys.exit(main())"
        previous = f"leg-{number - 1}" if number > 1 else ""
        return [
            *(sys.executable, "-c", code, str(self.leg(number)), "--engine", self.engine),
            *("--settings", str(settings), f"--previous={previous}", *arguments),
        ]

    def run(self, number: int, *arguments: str) -> dict[str, object]:
        """Runs a leg to its end, and returns what it told."""
        done = subprocess.run(
            self.words(number, *arguments), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout.splitlines()[-1])
        assert isinstance(told, dict)
        return told

    def run_killed(self, number: int, *arguments: str) -> int:
        """Starts a leg and kills it when it has written a checkpoint of its own.

        Returns:
            How the program ended.
        """
        state = self.leg(number) / "state"
        before = _checkpoint_stamp(state)
        program = subprocess.Popen(
            self.words(number, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(
            lambda: program.poll() is not None or _checkpoint_stamp(state) not in (before, 0),
            "a checkpoint",
            interval=0.005,
        )
        program.send_signal(signal.SIGKILL)
        return program.wait()

    def start(self, number: int, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a leg, and returns when it has written a checkpoint."""
        state = self.leg(number) / "state"
        program = subprocess.Popen(
            self.words(number, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        wait_until(lambda: _checkpoint_stamp(state) != 0, "a checkpoint")
        return program

    def files(self, pattern: str) -> list[Path]:
        """Files of all legs' parts in the order of time."""
        return sorted(self.root.glob(f"leg-*/parts/{pattern}"))


def _checkpoint_stamp(state: Path) -> int:
    """What the newest checkpoint is; 0 where there is none."""
    found = [*state.glob("run*.cpt"), *state.glob("checkpoint.json")]
    try:
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        return hash(newest.read_bytes())
    except (ValueError, FileNotFoundError):
        return 0  # none, or renamed at this moment


def frames_by_gromacs(paths: Sequence[Path]) -> list[int]:
    """The steps of trajectories' frames, as `gmx dump` reads them."""
    return [step for path in paths for step in _steps(path)]


def _steps(path: Path) -> Iterator[int]:
    if path.stat().st_size == 0:
        return
    done = subprocess.run(
        ["gmx", "-quiet", "dump", "-f", str(path)], capture_output=True, text=True, check=True
    )
    for found in re.finditer(r"natoms=.*?step=\s*(\d+)", done.stdout):
        yield int(found[1])
