"""The clusters that jobs of this user were submitted to, where Slurm has several."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Final

# A cluster to which nothing was submitted for so long is not asked any more.
_FORGOTTEN_SECONDS: Final = 60 * 86_400.0


def cache_directory() -> Path:
    """Return the directory for what all processes of a user know of the scheduler."""
    base = os.environ.get("HEADRACE_SLURM_CACHE")
    return Path(base) if base else Path.home() / ".cache/headrace/slurm"


def known_clusters() -> tuple[str, ...]:
    """Return the clusters to ask; the first is this machine's own, by an empty name."""
    oldest = time.time() - _FORGOTTEN_SECONDS
    try:
        files = sorted((cache_directory() / "clusters").iterdir())
        names = [file.name for file in files if file.stat().st_mtime > oldest]
    except OSError:
        names = []
    return ("", *names)


def remember_cluster(name: str) -> None:
    """Remember a cluster that sbatch has named, where that is possible."""
    if name and "/" not in name and not name.startswith("."):
        with contextlib.suppress(OSError):
            directory = cache_directory() / "clusters"
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            (directory / name).touch()
