"""Errors of stages."""

from __future__ import annotations


class StageError(Exception):
    """A stage that cannot be run, or failed; the message is one line."""
