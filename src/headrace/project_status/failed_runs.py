"""The runs that failed lately, read again and again without reading all of them each time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headrace.hosted import Services

# Runs of one question.
_PAGE: Final = 100
# So many new ones of the first page: runs fail by the hundred, and those before are as they were.
_MANY_NEW: Final = 50


class FailedRuns:
    """Documents of the runs that failed last; one thread at a time reads them.

    While many fail at once, only those are read that failed since they were read before. Otherwise
    all are, so that what was removed or retried meanwhile is seen.
    """

    def __init__(self) -> None:
        self._query: Mapping[str, Any] = {}
        self._known: dict[str, dict[str, Any]] = {}

    def read(
        self, services: Services, query: Mapping[str, Any], since: str, limit: int
    ) -> list[dict[str, Any]]:
        """Return the runs, the last one to fail first.

        Args:
            services: the services.
            query: what beside failing chooses runs.
            since: the moment from which on runs count, as the services write times.
            limit: how many to return at the most.
        """
        known = self._known if self._query == query else {}
        found: dict[str, dict[str, Any]] = {}
        new = 0
        asked = {
            **query,
            "filter_status": "FAILED",
            "filter_completion_time": f"{since},",
            "orderby": "completion_time DESC",
            "per_page": _PAGE,
        }
        for run in services.read_items("/runs", "runs", asked):
            at_end_of_page = found and len(found) % _PAGE == 0
            if at_end_of_page and new >= _MANY_NEW and new < len(found):
                earlier = (each for id_, each in known.items() if id_ not in found)
                found |= {
                    str(each["run_id"]): each
                    for each in earlier
                    if str(each["completion_time"]) >= since
                }
                break
            new += str(run["run_id"]) not in known
            found[str(run["run_id"])] = run
            if len(found) >= limit:
                break
        runs = sorted(found.values(), key=lambda run: str(run["completion_time"]), reverse=True)
        self._query = {**query}
        self._known = {str(run["run_id"]): run for run in runs[:limit]}
        return runs[:limit]
