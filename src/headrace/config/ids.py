"""Ids of things that a project names and nobody else has registered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

# Most commands ask for no id, and uuid, with the digests that it needs, takes longer to import
# than the configuration to read.
if TYPE_CHECKING:
    from uuid import UUID


@cache
def local_id(kind: str, name: str) -> str:
    """Return the id that a named thing has at the facility.

    Args:
        kind: ``collection`` or ``endpoint``.
        name: its name in ``headrace.toml``.

    Returns:
        A UUID, the same for the same kind and name on every machine.
    """
    from uuid import uuid5

    return str(uuid5(_namespace(), f"{kind}:{name}"))


def is_uuid(value: str) -> bool:
    """Return whether ``value`` reads as a UUID."""
    from uuid import UUID

    try:
        UUID(value)
    except ValueError:
        return False
    return True


@cache
def _namespace() -> UUID:
    from uuid import NAMESPACE_DNS, uuid5

    return uuid5(NAMESPACE_DNS, "headrace.local")
