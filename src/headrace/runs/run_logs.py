"""Logs of many runs, by few requests where the service has one for many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace.project.project import Project
from headrace.runs.parallel_requests import ParallelRequests

if TYPE_CHECKING:
    from headrace.hosted import Services

T = TypeVar("T")

Entries = list[dict[str, Any]]
# Runs whose logs are read by one request of a facility.
_RUNS_OF_A_REQUEST: Final = 50


def read_log(services: Services, run_id: str) -> Entries:
    """Return a run's log, all of it.

    Args:
        services: the services of the target where it is.
        run_id: the run.
    """
    return list(services.read_items(f"/runs/{run_id}/log", "entries", {"limit": 100}))


def map_logs(
    project: Project, target: str, run_ids: Sequence[str], function: Callable[[str, Entries], T]
) -> Iterator[T]:
    """Yield what a function returns for each of some runs and its log, in their order.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        run_ids: the runs.
        function: called with the id of a run and its log.
    """
    size = _RUNS_OF_A_REQUEST if target == "local" else 1
    parts = [run_ids[first : first + size] for first in range(0, len(run_ids), size)]

    def read(services: Services, part: Sequence[str]) -> list[T]:
        found: dict[str, Entries] = {}
        if len(part) > 1:
            found = services.read("/batch/runs/logs", {"run_ids": ",".join(part)})["logs"]
        return [
            function(run_id, found[run_id] if run_id in found else read_log(services, run_id))
            for run_id in part
        ]

    for answers in ParallelRequests(project, target).map(read, parts):
        yield from answers
