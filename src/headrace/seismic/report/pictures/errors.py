"""Exceptions of the pictures."""

from __future__ import annotations

from headrace.seismic.errors import SeismicError


class PictureError(SeismicError):
    """A picture that cannot be drawn; the message names it and what was wrong with its data."""
