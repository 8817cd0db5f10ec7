"""Monitoring of a host's engines: their workers, versions, and what stops them from working."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from .engine import Engine
from .versions import mismatch, own_versions

log = logging.getLogger("headrace.compute.host")

_SHOWN = 10  # different versions of workers that are reported
_STUCK_SECONDS = 30.0  # seconds that workers have to begin what they were given


@dataclass
class _VersionCheck:
    """Comparison of the versions of an engine's workers with the endpoint's."""

    managers: int = 0
    differing: str = ""
    workers: list[dict[str, str]] = field(default_factory=list)


class EngineMonitor:
    """Monitors engines, and replaces a pool of workers that takes no tasks.

    Args:
        warn: called with a warning in one line; with an empty one when it is over.
        claimed_engines: returns the engines some of whose tasks a worker has started.
    """

    def __init__(
        self, warn: Callable[[str], None], claimed_engines: Callable[[], Collection[Engine]]
    ) -> None:
        self._warn = warn
        self._claimed_engines = claimed_engines
        self._own_versions = own_versions()
        self._version_checks: WeakKeyDictionary[Engine, _VersionCheck] = WeakKeyDictionary()
        self._stuck: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()

    def check(self, engines: Collection[Engine]) -> Mapping[str, Any]:
        """Check every engine once.

        Returns:
            ``managers``, ``workers`` and ``running`` of all together, where there are any,
            ``problem``, why there are no blocks at present, ``versions``, the endpoint's, and
            ``worker_versions``, those that nodes with workers have, as far as they report them.
        """
        status: dict[str, Any] = {}
        for engine in engines:
            if engine.broken:
                continue
            report = engine.report()
            for name, number in report.items():
                status[name] = status.get(name, 0) + number
            self._compare_versions(engine, report.get("managers", 0))
            self._replace_stuck_workers(engine, report.get("running", 0))
        status["problem"] = next((e.problem for e in engines if e.problem), "")
        status["versions"] = self._own_versions
        status["worker_versions"] = self._worker_versions(engines)
        return status

    def _worker_versions(self, engines: Collection[Engine]) -> list[dict[str, str]]:
        """Return the versions of the workers that there are, those of many nodes once."""
        checks = [self._version_checks.get(engine) for engine in engines if not engine.broken]
        found = [
            versions for check in checks if check and check.managers for versions in check.workers
        ]
        return [versions for n, versions in enumerate(found) if versions not in found[:n]][:_SHOWN]

    def version_mismatch(self, engine: Engine) -> str:
        """Return in one line which versions of an engine's workers differ; empty where none."""
        check = self._version_checks.get(engine)
        return check.differing if check is not None else ""

    def _compare_versions(self, engine: Engine, managers: int) -> None:
        check = self._version_checks.setdefault(engine, _VersionCheck())
        if managers <= check.managers:
            check.managers = managers
            return
        check.managers = managers
        check.workers = engine.worker_versions()
        lines = [mismatch(self._own_versions, versions) for versions in check.workers]
        differing = next(filter(None, lines), "")
        if differing != check.differing:
            check.differing = differing
            log.warning("%s", differing or "the workers' versions are the endpoint's now")
            self._warn(differing)

    def _replace_stuck_workers(self, engine: Engine, assigned: int) -> None:
        # A worker that is killed while it takes a task leaves the lock of its pool's queue taken
        # for ever. On this machine a claim is seen at once, so that its absence is proof;
        # elsewhere a file may be late.
        claimed = any(one is engine for one in self._claimed_engines())
        if not engine.local or not engine.claims_tasks or not assigned or claimed:
            self._stuck.pop(engine, None)
        elif time.monotonic() - self._stuck.setdefault(engine, time.monotonic()) > _STUCK_SECONDS:
            log.warning("the workers take no tasks; the pool is replaced")
            self._stuck.pop(engine, None)
            engine.replace_blocks()
