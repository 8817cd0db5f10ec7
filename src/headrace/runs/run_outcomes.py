"""Outcomes of runs, as the service tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.failure_category import LOST, failure_category
from headrace.runs.failure_cause import failure_cause, is_code_error
from headrace.runs.poller import FINAL

if TYPE_CHECKING:
    from headrace.hosted import Services

# More runs than these are looked for in the list of those that are open first.
_ASKED_EACH: Final = 10


@dataclass(frozen=True)
class RunOutcome:
    """Outcome of a run.

    Attributes:
        status: ``SUCCEEDED``, ``FAILED``, ``ENDED``, or ``GONE`` where the service has it no more.
        cause: why it failed, in one line.
        is_code_error: whether the cause is an error of the code, which a retry meets again.
        category: the kind of its failure, as `failure_category` names it; empty where it did not
            fail, or the kind is not known.
    """

    status: str
    cause: str = ""
    is_code_error: bool = False
    category: str = ""


def read_outcomes(services: Services, run_ids: Sequence[str]) -> dict[str, RunOutcome]:
    """Return the outcomes of those runs that have ended, by their ids.

    Args:
        services: the services of the target where they are.
        run_ids: the runs.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    outcomes = {}
    going = _open_runs(services) if len(run_ids) > _ASKED_EACH else set()
    for run_id in run_ids:
        if run_id in going:
            continue
        document = read_run_if_known(services, run_id)
        if document is None:
            outcomes[run_id] = gone_outcome()
        elif document["status"] in FINAL:
            outcomes[run_id] = outcome_of(document)
    return outcomes


def read_run_if_known(services: Services, run_id: str) -> dict[str, Any] | None:
    """Return the document of a run; None where the service has it no more.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    from globus_sdk import GlobusAPIError

    try:
        return services.read(f"/runs/{run_id}")
    except GlobusAPIError as error:
        if error.http_status != 404:
            raise
        return None


def gone_outcome() -> RunOutcome:
    """Return the outcome of a run that the service has no more."""
    return RunOutcome("GONE", "the service has this run no more", category=LOST)


def outcome_of(document: Mapping[str, Any]) -> RunOutcome:
    """Return the outcome of a run that has ended."""
    status = str(document["status"])
    cause = failure_cause(document)
    if cause is None:
        return RunOutcome(status, category=failure_category(document))
    category = failure_category(document)
    return RunOutcome(status, cause.summary, is_code_error(cause), category)


def _open_runs(services: Services) -> set[str]:
    query = {"filter_status": "ACTIVE,INACTIVE", "per_page": 100}
    return {str(run["run_id"]) for run in services.read_items("/runs", "runs", query)}
