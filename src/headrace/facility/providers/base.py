"""Base class of the facility's own action providers."""

from __future__ import annotations

from typing import Any

from headrace.facility.store.actions import Action, CallLater, FinishAction

__all__ = ["CallLater", "FinishAction", "ProviderBase"]


class ProviderBase:
    """Default implementations of what most providers do alike."""

    def serves(self, url: str) -> bool:
        """Say whether it answers at a URL other than its own: no."""
        del url
        return False

    def resume(self, action: Action) -> None:
        """Do nothing: its actions are never blocked."""

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return nothing: there is no progress to report."""
        del action_id
        return None
