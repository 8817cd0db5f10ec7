"""A file system in memory that is mounted at a directory, unmounted and mounted again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


class MountedDisk:
    """A file system in memory; the test is skipped where nothing can be mounted.

    Attributes:
        place: where it is shown, or not.
        aside: where it lies all the time.
    """

    def __init__(self, place: Path, aside: Path) -> None:
        if sys.platform != "linux" or os.geteuid() != 0:
            pytest.skip("only root mounts")
        self.place = place
        self.aside = aside
        for directory in (place, aside):
            directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", str(aside)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"nothing can be mounted: {done.stderr.decode().strip()}")
        self.attach()

    def attach(self) -> None:
        """Show at its place what lies on it."""
        subprocess.run(["mount", "--bind", self.aside, self.place], check=True)

    def detach(self) -> None:
        """Show at its place the empty directory below."""
        subprocess.run(["umount", "-l", self.place], check=True)

    def close(self) -> None:
        for place in (self.place, self.aside):
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)
