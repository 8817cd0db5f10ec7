"""A connection to the services of a target that any thread may ask, made anew after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from headrace.hosted import Services

T = TypeVar("T")

# Refusals that may pass: logins and consents are given, limits and conflicts go by.
_PASSING: Final = frozenset({401, 403, 407, 408, 409, 423, 425, 429})


class ServiceConnection:
    """Services of a target, which each thread has its own of.

    Args:
        connect: gives the services; asked again after they did not answer.
    """

    def __init__(self, connect: Callable[[], Services]) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._own = threading.local()

    def ask(self, ask: Callable[[Services], T]) -> T:
        """Call with the services of the target, and return the answer.

        Raises:
            HeadraceError: they cannot be asked.
        """
        from globus_sdk import GlobusError

        from headrace.hosted import explain

        services: Services | None = getattr(self._own, "services", None)
        if services is None:
            with self._connecting:
                services = self._connect()
        self._own.services = None
        try:
            answer = ask(services)
        except GlobusError as error:
            raise explain(error) from error
        self._own.services = services
        return answer


def is_final_refusal(error: Exception) -> bool:
    """Return whether a service refuses a request for good, so that it is not asked again."""
    from globus_sdk import GlobusAPIError

    return (
        isinstance(error, GlobusAPIError)
        and 400 <= error.http_status < 500
        and error.http_status not in _PASSING
    )
