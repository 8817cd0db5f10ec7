"""Diagnosis of one thing that a run needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Health = Literal["good", "warning", "bad", "not checked"]


@dataclass(frozen=True)
class Diagnosis:
    """Diagnosis of one thing.

    Attributes:
        subject: the thing, such as ``endpoint simulation``.
        health: how it is.
        message: what is the matter, and the way out; what was seen where all is well.
    """

    subject: str
    health: Health
    message: str

    def document(self) -> dict[str, Any]:
        """Return the diagnosis as JSON shows it."""
        return {"what": self.subject, "health": self.health, "words": self.message}
