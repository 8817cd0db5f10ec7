"""A change of many runs by one request, which both services take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headrace.hosted import Services

RUNS_OF_A_REQUEST: Final = 500
"""Runs of one request at most."""


def send_change(
    services: Services,
    run_ids: Sequence[str],
    *,
    status: str = "",
    add_tags: Sequence[str] = (),
    remove_tags: Sequence[str] = (),
) -> None:
    """Ask for a change of runs; those that have ended stay as they are.

    Args:
        services: the services of the target where they are.
        run_ids: the runs, :data:`RUNS_OF_A_REQUEST` at most.
        status: ``cancel``, ``hold`` or ``release``; empty for a change of tags alone.
        add_tags: tags that they get.
        remove_tags: tags that they lose.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    body: dict[str, Any] = {"filters": {"run_ids": list(run_ids)}}
    if status:
        body["set"] = {"status": status}
    if add_tags:
        body["add"] = {"tags": list(add_tags)}
    if remove_tags:
        body["remove"] = {"tags": list(remove_tags)}
    services.flows.post("/batch/runs", data=body)


def cancel_runs(services: Services, run_ids: Sequence[str]) -> None:
    """Ask for the end of any number of runs, by a request for some hundred of them each.

    Args:
        services: the services of the target where they are.
        run_ids: the runs.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    for first in range(0, len(run_ids), RUNS_OF_A_REQUEST):
        send_change(services, run_ids[first : first + RUNS_OF_A_REQUEST], status="cancel")
