"""Checks of requests that may take long, in threads of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread

# A check may take seconds; so many requests wait for one at once.
_CHECKS_AT_ONCE: Final = 4


T = TypeVar("T")


async def run_check(check: Callable[..., T], *arguments: Any) -> T:
    """Run a check outside the event loop, and outside the threads of other requests."""
    return await to_thread.run_sync(partial(check, *arguments), limiter=_check_limiter())


@lru_cache(maxsize=1)
def _check_limiter() -> CapacityLimiter:
    return CapacityLimiter(_CHECKS_AT_ONCE)
