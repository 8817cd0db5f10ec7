"""Registry of the action providers, by URL."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from headrace.facility.store.actions import FAILED, Action, FacilityProvider, FinishAction
from headrace.facility.store.faults import is_transient
from headrace.facility.supervision import describe

logger = logging.getLogger(__name__)


class ProviderRegistry:
    """The action providers of a facility, by URL."""

    def __init__(self) -> None:
        self._by_url: dict[str, FacilityProvider] = {}
        self._others: list[FacilityProvider] = []

    def register(self, providers: Sequence[FacilityProvider]) -> None:
        """Register all providers; the first that serves a URL is the one that is found."""
        self._by_url = {_canonical(provider.url): provider for provider in providers}
        self._others = [*providers]

    def find(self, url: str) -> FacilityProvider | None:
        """Return the provider of a URL, or None."""
        known = self._by_url.get(_canonical(url))
        if known is not None:
            return known
        return next((provider for provider in self._others if provider.serves(url)), None)

    def begin(self, action: Action, finish: FinishAction) -> None:
        """Have an action's provider begin the work; end the action where it cannot.

        Args:
            action: the action.
            finish: stores the end of the action.
        """
        try:
            provider = self.find(action.provider)
            if provider is None:
                raise LookupError(f"this facility has no action provider {action.provider}")
            provider.begin(action)
        except Exception as error:
            if is_transient(error):
                raise
            logger.exception("action %s of %s", action.id, action.provider)
            description = f"the work could not be started: {type(error).__name__}: {error}"
            details = {"code": "ActionProviderError", "description": description}
            finish(action.id, FAILED, details)

    def progress(self, action: Action) -> Any:
        """Return an active action's progress, as far as its provider reports it."""
        try:
            provider = self.find(action.provider)
            return provider.progress(action.id) if provider is not None else None
        except Exception as error:
            logger.exception("the progress of action %s", action.id)
            return {"description": f"the progress is not known: {describe(error)}"}

    @property
    def urls(self) -> list[str]:
        """The URLs that a flow may name."""
        return sorted(self._by_url)


def _canonical(url: str) -> str:
    return url.rstrip("/")
