"""Number and ids of the runs that a selection chooses, without their documents."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from headrace._internal.text_pattern import MAX_PATTERN_LENGTH, MAX_PATTERNS

if TYPE_CHECKING:
    from headrace.hosted import Services

MOST: Final = 10_000
"""Runs that a facility tells of at once."""

_PATH: Final = "/batch/runs/matching"
# Bytes of an address, of which a facility takes 65,536 with the headers.
_MAX_QUERY: Final = 32_000


@dataclass(frozen=True)
class SelectionMatch:
    """The runs that a selection chooses, the newest first.

    Attributes:
        ids: their ids.
        statuses: how many have each status.
        flow_titles: how many are of each flow.
        documents: documents of the first of them.
        has_more: whether there are more than were wanted.
    """

    ids: Sequence[str]
    statuses: Counter[str]
    flow_titles: Counter[str]
    documents: Sequence[Mapping[str, Any]] = ()
    has_more: bool = False


def match_of(documents: Sequence[Mapping[str, Any]], has_more: bool, shown: int) -> SelectionMatch:
    """Return what documents say of runs.

    Args:
        documents: of the runs.
        has_more: whether there are more.
        shown: how many documents are wanted.
    """
    return SelectionMatch(
        [str(each["run_id"]) for each in documents],
        Counter(str(each["status"]) for each in documents),
        Counter(str(each.get("flow_title")) for each in documents),
        documents[:shown],
        has_more,
    )


def can_be_asked(patterns: Mapping[str, Sequence[str]]) -> bool:
    """Return whether a facility takes so many and so long patterns.

    Args:
        patterns: as those of `matching_query`.
    """
    return (
        all(
            len(texts) <= MAX_PATTERNS and all(len(text) <= MAX_PATTERN_LENGTH for text in texts)
            for texts in patterns.values()
        )
        # They stand in the address of a request, as all that it reads before a body.
        and len(quote(json.dumps({**patterns}))) <= _MAX_QUERY
    )


def matching_query(
    query: Mapping[str, Any],
    patterns: Mapping[str, Sequence[str]],
    *,
    held: bool,
    unmended: bool,
) -> dict[str, Any]:
    """Return the query of a facility for the runs of a selection.

    Args:
        query: that of the list of the runs.
        patterns: patterns of ``tags``, ``labels`` and ``causes``.
        held: only runs that are held.
        unmended: only runs that no run has taken up.
    """
    given = {kind: [*texts] for kind, texts in patterns.items() if texts}
    asked = {name: value for name, value in query.items() if name != "per_page"}
    asked |= {"filter_held": str(held).lower(), "filter_unmended": str(unmended).lower()}
    return {**asked, **({"patterns": json.dumps(given)} if given else {})}


def read_matching(services: Services, query: Mapping[str, Any]) -> SelectionMatch | None:
    """Return what a facility says; None where it is of a release that cannot.

    Args:
        services: the services.
        query: as `matching_query` makes it, with ``limit`` and ``shown``.

    Raises:
        GlobusAPIError: it refuses.
    """
    from headrace.hosted import sdk

    try:
        found = services.read(_PATH, query)
    except sdk().GlobusAPIError as error:
        if error.http_status not in (404, 501):
            raise
        return None
    return SelectionMatch(
        found["run_ids"],
        Counter(found["statuses"]),
        Counter(found["flow_titles"]),
        found["runs"],
        bool(found["has_more"]),
    )
