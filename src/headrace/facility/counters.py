"""Counters of a facility since its start, for those who draw rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from headrace.facility.providers.addresses import (
    COMPUTE_V2,
    COMPUTE_V3,
    EXPRESSION_EVAL,
    HELLO_WORLD,
    SEARCH_INGEST,
    TRANSFER,
    TRANSFER_ACTIONS,
)
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT, CREATE_WEB_INPUT

_NAMES: Final = {
    **{f"{TRANSFER}{name}": f"transfer/{name}" for name in TRANSFER_ACTIONS},
    **dict.fromkeys((*COMPUTE_V2, COMPUTE_V3), "compute"),
    EXPRESSION_EVAL: "expression_eval",
    HELLO_WORLD: "hello_world",
    SEARCH_INGEST: "search/ingest",
    CREATE_WEB_INPUT: "web_input/create",
    AWAIT_WEB_INPUT: "web_input/await",
}


class FacilityCounters:
    """Counters of one facility; counted by the thread that writes the store, read by any.

    Attributes:
        events: events that were added to runs.
        actions: actions that ended, by their provider's name and their status.
        transferred_bytes: bytes of transfers that ended.
        core_hours: core hours that tasks reported, by the id of their endpoint.
    """

    def __init__(self) -> None:
        self.events = 0
        self.actions: Counter[tuple[str, str]] = Counter()
        self.transferred_bytes = 0
        self.core_hours: dict[str, float] = {}

    def count_action(self, provider: str, status: str, details: Any) -> None:
        """Count an action that has ended.

        Args:
            provider: URL of its provider.
            status: its status.
            details: what the provider answered.
        """
        self.actions[provider_name(provider), status] += 1
        moved = details.get("bytes_transferred") if isinstance(details, Mapping) else None
        if isinstance(moved, int) and moved > 0:
            self.transferred_bytes += moved

    def count_core_hours(self, endpoint_id: str, hours: float) -> None:
        """Count the core hours that the tasks of an action reported."""
        self.core_hours[endpoint_id] = self.core_hours.get(endpoint_id, 0.0) + hours


def provider_name(url: str) -> str:
    """Return the short name of a provider; ``other`` of those that people add, however many."""
    return _NAMES.get(url.rstrip("/"), _NAMES.get(url, "other"))
