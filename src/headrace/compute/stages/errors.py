"""What can go wrong with a stage."""

from __future__ import annotations


class StageError(Exception):
    """A stage that cannot be run, or did not do its work, told in one line."""
