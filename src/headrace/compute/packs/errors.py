"""Errors of packs."""

from __future__ import annotations


class PackError(Exception):
    """A pack that cannot be run at all; the message is one line."""


class MemberError(Exception):
    """A member that cannot be run, or whose outputs are not as declared; the others can.

    Args:
        category: the cause, in the words of :class:`~..attempts.failure_causes.FailureCause`.
        message: one line.
    """

    def __init__(self, category: str, message: str) -> None:
        super().__init__(message)
        self.category = category
