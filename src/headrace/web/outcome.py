"""Outcome of an action."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """Outcome of an action.

    Attributes:
        message: what was done, in one line.
        to: relative address, from the site's root, of the page that is shown then; the action's
            own page by default.
        subject: what it was done to, for the audit record.
        later: the outcome where it takes longer than a browser waits; `message` says what is under
            way, and the record has the outcome as soon as there is one.
    """

    message: str
    to: str | None = None
    subject: str = ""
    later: Future[Done] | None = None
