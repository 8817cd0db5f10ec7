"""What status and log documents leave out: members that the flow's author marked as private."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

PRIVATE_PREFIX = "_private"


def without_private(value: Any, names: Collection[str] = ()) -> Any:
    """Copies a JSON value without its private members.

    Args:
        value: any JSON value.
        names: names that are private besides those that begin with ``_private``.
    """
    if isinstance(value, dict):
        return {
            key: without_private(item, names)
            for key, item in value.items()
            if key not in names and not key.startswith(PRIVATE_PREFIX)
        }
    if isinstance(value, list):
        return [without_private(item, names) for item in value]
    return value
