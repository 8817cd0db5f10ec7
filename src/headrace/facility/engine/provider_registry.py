"""Which action provider answers at which address."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.facility.store.actions import ActionProvider


class ProviderRegistry:
    """The action providers of a facility, by URL."""

    def __init__(self) -> None:
        self._by_url: dict[str, ActionProvider] = {}
        self._others: list[ActionProvider] = []

    def register(self, providers: Sequence[ActionProvider]) -> None:
        """Say which providers there are; the first that serves a URL has it."""
        self._by_url = {_canonical(provider.url): provider for provider in providers}
        self._others = [*providers]

    def find(self, url: str) -> ActionProvider | None:
        """Return the provider of a URL, or None."""
        known = self._by_url.get(_canonical(url))
        if known is not None:
            return known
        return next((provider for provider in self._others if provider.serves(url)), None)

    @property
    def urls(self) -> list[str]:
        """The URLs that a flow may name."""
        return sorted(self._by_url)


def _canonical(url: str) -> str:
    return url.rstrip("/")
