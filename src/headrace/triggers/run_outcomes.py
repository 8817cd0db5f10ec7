"""Outcomes of runs, as the service tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.failure_cause import failure_cause, is_code_error
from headrace.runs.poller import FINAL
from headrace.triggers.arrival_runs import RunOutcome

if TYPE_CHECKING:
    from headrace.hosted import Services

# More runs than these are looked for in the list of those that are open first.
_ASKED_EACH: Final = 10


def read_outcomes(services: Services, run_ids: Sequence[str]) -> dict[str, RunOutcome]:
    """Return the outcomes of those runs that have ended, by their ids.

    Args:
        services: the services of the target where they are.
        run_ids: the runs.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    from globus_sdk import GlobusAPIError

    outcomes = {}
    going = _open_runs(services) if len(run_ids) > _ASKED_EACH else set()
    for run_id in run_ids:
        if run_id in going:
            continue
        try:
            document = services.read(f"/runs/{run_id}")
        except GlobusAPIError as error:
            if error.http_status != 404:
                raise
            outcomes[run_id] = RunOutcome("GONE", "the service has this run no more")
            continue
        if document["status"] in FINAL:
            outcomes[run_id] = outcome_of(document)
    return outcomes


def outcome_of(document: dict[str, Any]) -> RunOutcome:
    """Return the outcome of a run that has ended."""
    cause = failure_cause(document)
    if cause is None:
        return RunOutcome(str(document["status"]))
    return RunOutcome(str(document["status"]), cause.summary, is_code_error(cause))


def _open_runs(services: Services) -> set[str]:
    query = {"filter_status": "ACTIVE,INACTIVE", "per_page": 100}
    return {str(run["run_id"]) for run in services.read_items("/runs", "runs", query)}
