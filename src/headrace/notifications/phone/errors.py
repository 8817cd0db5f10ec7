"""Errors of notifications on a phone."""

from __future__ import annotations

from headrace.errors import HeadraceError


class PhoneError(HeadraceError):
    """Phone that is not paired, or a service for phones that refuses or does not answer."""


class PhoneServiceError(PhoneError):
    """Service for phones that refuses, or does not answer.

    Attributes:
        status: the HTTP status of its answer; 0 where there is none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
