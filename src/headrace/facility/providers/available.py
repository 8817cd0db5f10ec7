"""Addresses of the action providers that every facility has."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.flowlang.providers import is_flow


def is_served(url: str, allowed: Iterable[str] = ()) -> bool:
    """Say whether a facility answers at an address.

    Args:
        url: the address.
        allowed: addresses of other providers that the project allows.
    """
    address = url.rstrip("/")
    return address in _built_in() or is_flow(address) or any(_same(address, one) for one in allowed)


def _built_in() -> frozenset[str]:
    from headrace.facility.providers import compute, expression_eval, hello_world, search, transfer

    return frozenset(
        {
            *(f"{transfer.BASE}{name}" for name in _TRANSFERS),
            *compute.V2_URLS,
            compute.V3_URL,
            expression_eval.URL,
            hello_world.URL,
            search.URL,
        }
    )


_TRANSFERS = (
    "transfer",
    "delete",
    "ls",
    "mkdir",
    "stat",
    "collection_info",
    "manage_permission",
)


def _same(address: str, allowed: str) -> bool:
    allowed = allowed.rstrip("/")
    return address == allowed or address.startswith(f"{allowed}/")
