"""Pages of the runs that a selection chooses, by key: each costs the same, whatever lies before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.runs.selection import RunSelector, Selection

PAGE_SIZE: Final = 50
# Runs of one request, the most that services give.
_PART: Final = 100
MOST_LOOKED_AT: Final = 300
"""Runs that are looked at for one page, where the service cannot decide all conditions."""


@dataclass(frozen=True)
class PagePosition:
    """Position at which a page begins.

    Attributes:
        marker: the service's marker of the list's part; empty for its beginning.
        skip: runs of this part that are left out.
    """

    marker: str = ""
    skip: int = 0


@dataclass(frozen=True)
class RunsPage:
    """A page of runs.

    Attributes:
        documents: the runs, the newest first.
        looked_at: runs that were looked at for it.
        following: where the next page begins; None after the last one.
    """

    documents: Sequence[dict[str, Any]]
    looked_at: int
    following: PagePosition | None = None


def read_page(
    services: Services,
    selector: RunSelector,
    selection: Selection,
    position: PagePosition,
    size: int = PAGE_SIZE,
) -> RunsPage:
    """Return a page of the runs that a selection chooses.

    It is shorter than its size where :data:`MOST_LOOKED_AT` runs have no more of them; the search
    goes on with the next page.

    Args:
        services: the services of the target.
        selector: finds runs there.
        selection: the conditions.
        position: where the page begins.
        size: runs of a page at most.

    Raises:
        ProjectError: a flow or an endpoint is unknown.
        GlobusAPIError: the service refuses, such as a marker of another list.
    """
    if selection.ids:
        chosen = selector.select(selection).documents
        return RunsPage(chosen[:size], len(chosen))
    # Of a list that the service decides one request has the page, and no run too much.
    part_size = size if selector.is_decided_by_service(selection) else _PART
    query = {**selector.query(selection), "per_page": part_size}
    marker, skip = position.marker, position.skip
    found: list[dict[str, Any]] = []
    looked_at = 0
    while True:
        answer = services.read("/runs", {**query, **({"marker": marker} if marker else {})})
        part = answer["runs"][skip:]
        kept = [*selector.filtered(part, selection)]
        if len(found) + len(kept) > size:
            kept = kept[: size - len(found)]
            last = kept[-1]["run_id"] if kept else None
            used = 1 + next((n for n, run in enumerate(part) if run["run_id"] == last), -1)
            following = PagePosition(marker, skip + used)
            return RunsPage([*found, *kept], looked_at + used, following)
        found += kept
        looked_at += len(part)
        marker, skip = str(answer.get("marker") or ""), 0
        if not marker:
            return RunsPage(found, looked_at)
        if len(found) == size or looked_at >= MOST_LOOKED_AT:
            return RunsPage(found, looked_at, PagePosition(marker))


def read_some(
    selector: RunSelector, selection: Selection, most: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return runs that a selection chooses, the newest first, and whether there are more.

    Args:
        selector: finds them.
        selection: the conditions.
        most: how many at most.
    """
    chosen: Iterator[dict[str, Any]] = (
        iter(selector.select(selection).documents) if selection.ids else selector.iterate(selection)
    )
    found = [*islice(chosen, most + 1)]
    return found[:most], len(found) > most
