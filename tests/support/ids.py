"""Ids for tests: the same for the same name, and nowhere written down."""

from __future__ import annotations

import uuid


def an_id(name: str) -> str:
    """Returns a UUID for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://example.org/{name}"))
