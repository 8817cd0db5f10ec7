"""Addresses of the action providers that every facility has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from headrace.facility.providers import addresses
from headrace.flowlang.providers import is_flow

_BUILT_IN: Final = frozenset(
    {
        *(f"{addresses.TRANSFER}{name}" for name in addresses.TRANSFER_ACTIONS),
        *addresses.COMPUTE_V2,
        addresses.COMPUTE_V3,
        addresses.EXPRESSION_EVAL,
        addresses.HELLO_WORLD,
        addresses.SEARCH_INGEST,
    }
)


def is_served(url: str, allowed: Iterable[str] = ()) -> bool:
    """Say whether a facility answers at an address.

    Args:
        url: the address.
        allowed: addresses of other providers that the project allows.
    """
    address = url.rstrip("/")
    return address in _BUILT_IN or is_flow(address) or any(_same(address, one) for one in allowed)


def _same(address: str, allowed: str) -> bool:
    allowed = allowed.rstrip("/")
    return address == allowed or address.startswith(f"{allowed}/")
