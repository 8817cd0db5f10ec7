"""Runs that have ended, in the order in which they did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.poller import parse_time

if TYPE_CHECKING:
    from headrace.hosted import Services

_PAGE: Final = 100


def newest_completion(services: Services, flow_ids: Sequence[str]) -> datetime | None:
    """Return when the run of some flows that ended last did; None where none has.

    Args:
        services: the services of the target where they are.
        flow_ids: ids of the flows there.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    query = _query(flow_ids, datetime(1970, 1, 1, tzinfo=UTC), "DESC") | {"per_page": 1}
    newest = next(services.read_items("/runs", "runs", query), None)
    return None if newest is None else parse_time(newest["completion_time"])


def ended_runs(
    services: Services, flow_ids: Sequence[str], since: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Yield the documents of runs that have ended, some at a time, those that ended first first.

    Both services have an index for it. One that ended may be visible a little later than another
    that ended after it.

    Args:
        services: the services of the target where they are.
        flow_ids: ids of the flows there.
        since: when they ended at the earliest, by the service's clock.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    runs = services.read_items("/runs", "runs", _query(flow_ids, since, "ASC"))
    while page := [*islice(runs, _PAGE)]:
        yield page


def output_of(document: Mapping[str, Any]) -> Any:
    """Return the output in the document of a run; None where it has none."""
    details = document.get("details")
    return details.get("output") if isinstance(details, Mapping) else None


def _query(flow_ids: Sequence[str], since: datetime, order: str) -> dict[str, Any]:
    return {
        "filter_flow_id": ",".join(flow_ids),
        "filter_completion_time": f"{since.astimezone(UTC).isoformat()},",
        "orderby": f"completion_time {order}",
        "per_page": _PAGE,
    }
