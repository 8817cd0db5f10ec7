"""Ids of things that a project names and nobody else has registered."""

from __future__ import annotations

import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "headrace.local")


def local_id(kind: str, name: str) -> str:
    """Return the id that a named thing has at the facility.

    Args:
        kind: ``collection`` or ``endpoint``.
        name: its name in ``headrace.toml``.

    Returns:
        A UUID, the same for the same kind and name on every machine.
    """
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{name}"))


def is_uuid(value: str) -> bool:
    """Return whether ``value`` reads as a UUID."""
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True
