"""Schedulers and clusters that jobs of this user were submitted to, as all processes know them."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Final

from ..scheduler import Ability, BatchJobError, Scheduler, get_scheduler

# A cluster to which nothing was submitted for so long is not asked any more.
_FORGOTTEN_SECONDS: Final = 60 * 86_400.0


def cache_directory() -> Path:
    """Return the directory for what all processes of a user know of schedulers."""
    base = os.environ.get("HEADRACE_SCHEDULER_CACHE")
    return Path(base) if base else Path.home() / ".cache/headrace/scheduler"


def known_schedulers() -> list[Scheduler]:
    """Return the schedulers to ask for jobs of this user: the default one comes first.

    One that cannot be loaded on this machine, or whose commands are not on its PATH, is left out.
    """
    found: dict[str, Scheduler] = {}
    for name in ("", *_recent_names(_submitted_directory())):
        with contextlib.suppress(BatchJobError):
            scheduler = get_scheduler(name)
            if not scheduler.missing_commands():
                found.setdefault(scheduler.name, scheduler)
    return list(found.values())


def known_clusters(scheduler: Scheduler) -> tuple[str, ...]:
    """Return the clusters to ask; the first is this machine's own, by an empty name."""
    if Ability.CLUSTERS not in scheduler.abilities:
        return ("",)
    return ("", *_recent_names(_submitted_directory() / scheduler.name))


def remember_submission(scheduler: Scheduler, cluster: str) -> None:
    """Remember where a job was submitted to, where that is possible.

    Args:
        scheduler: the scheduler.
        cluster: the cluster that it has named; empty: this machine's.
    """
    with contextlib.suppress(OSError):
        directory = _submitted_directory() / scheduler.name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(directory)
        if cluster and "/" not in cluster and not cluster.startswith("."):
            (directory / cluster).touch()


def _submitted_directory() -> Path:
    return cache_directory() / "submitted"


def _recent_names(directory: Path) -> list[str]:
    oldest = time.time() - _FORGOTTEN_SECONDS
    try:
        files = sorted(directory.iterdir())
        return [file.name for file in files if file.stat().st_mtime > oldest]
    except OSError:
        return []
