"""Calls that must not be made twice, at a service that may fail for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

from headrace._internal.backoff import backoff_seconds
from headrace._internal.lost_answers import may_have_been_done

if TYPE_CHECKING:
    from globus_sdk import BaseClient, GlobusError

T = TypeVar("T")

_TRANSIENT: Final = frozenset({429, 500, 502, 503, 504})
_TRIES: Final = 6
_LONGEST_PAUSE: Final = 60.0


def create_once(
    client: BaseClient,
    call: Callable[[], T],
    find: Callable[[], T | None],
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Make a call whose answer may be lost, and never makes it twice where it had its effect.

    The SDK repeats a call that was answered with an error or not at all. One that creates
    something would create it again; so what it made is looked for first.

    Args:
        client: the client that the call goes through; it repeats nothing meanwhile.
        call: the call.
        find: looks for what an earlier call made.
        pause: waits so many seconds.

    Raises:
        GlobusError: a failure after six tries, or at once one that does not pass by itself: the
            first one after which the call may have had its effect, the last one where there is
            none.
    """
    from globus_sdk import GlobusError

    unclear: GlobusError | None = None
    for number in range(_TRIES):
        try:
            with client.retry_config.tune(max_retries=0):
                return call()
        except GlobusError as error:
            if unclear is None and may_have_been_done(error):
                unclear = error
            passes = _passes(error)
            if not passes and unclear is None:
                raise
            failure = error
        is_last = not passes or number == _TRIES - 1
        if not is_last:
            pause(_seconds(failure, number))
        try:
            found = find()
        except GlobusError as error:
            # That it cannot be looked for says nothing of what was done.
            raise unclear or failure from error
        if found is not None:
            return found
        if is_last:
            raise unclear or failure
    raise AssertionError("the last try returns or raises")


def _passes(error: GlobusError) -> bool:
    from globus_sdk import GlobusAPIError, NetworkError

    if isinstance(error, GlobusAPIError):
        return error.http_status in _TRANSIENT
    return isinstance(error, NetworkError)


def _seconds(error: Any, number: int) -> float:
    wanted = (getattr(error, "headers", None) or {}).get("Retry-After", "")
    if str(wanted).isdigit():
        return min(float(wanted), _LONGEST_PAUSE)
    # With a random part: many clients that failed together must not come back together.
    return backoff_seconds(number, 0.5, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311
