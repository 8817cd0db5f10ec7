"""Search for the run that carries a tag."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.hosted import Services


def find_tagged(
    services: Services, tag: str, since: datetime, *, flow_id: str = "", label: str = ""
) -> dict[str, Any] | None:
    """Return the run that carries a tag, None where there is none.

    A facility has an index of tags. The hosted service has none: the runs that it can narrow down
    are looked through, all of them.

    Args:
        services: the services of the target where it is.
        tag: the tag, which one run has at most.
        since: when it can have been started at the earliest.
        flow_id: the flow that it is a run of; empty where that is not known.
        label: its label; empty where that is not known.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    query: dict[str, Any] = {"per_page": 100}
    if services.is_facility:
        query["filter_tag"] = tag
    else:
        query["filter_start_time"] = f"{since.astimezone(UTC).isoformat()},"
        query["orderby"] = "start_time DESC"
        query |= {"filter_flow_id": flow_id} if flow_id else {}
        query |= {"filter_label": label} if label else {}
    runs = services.read_items("/runs", "runs", query)
    return next((run for run in runs if tag in (run.get("tags") or ())), None)


def tagged_runs(services: Services, tags: Collection[str], since: datetime) -> dict[str, str]:
    """Return the ids of the runs that carry some tags, by tag, from one look through all runs.

    Args:
        services: the services of the target where they are.
        tags: the tags, each of which one run has at most.
        since: when they can have been started at the earliest.

    Raises:
        GlobusAPIError: the service refuses.
        NetworkError: it does not answer.
    """
    query = {
        "filter_start_time": f"{since.astimezone(UTC).isoformat()},",
        "orderby": "start_time DESC",
        "per_page": 100,
    }
    found: dict[str, str] = {}
    for run in services.read_items("/runs", "runs", query):
        found |= {tag: str(run["run_id"]) for tag in run.get("tags") or () if tag in tags}
        if len(found) == len(tags):
            break
    return found
