"""Failures of requests by whether what was asked for may have been done all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from globus_sdk import GlobusError


_NOT_DONE: Final = "SERVICE_UNAVAILABLE"
"""Code by which a facility says with a 503 that it has done nothing, and may later."""


def may_have_been_done(error: GlobusError) -> bool:
    """Return whether a failure leaves open whether the service did what it was asked for.

    A connection was lost, a proxy lost the service behind it or waited too long for it, or the
    service failed somewhere on the way.

    Args:
        error: the failure of a request; one that only reads does nothing.
    """
    from globus_sdk import GlobusAPIError, NetworkError

    if isinstance(error, NetworkError):
        return not is_refused_connection(error)
    if not isinstance(error, GlobusAPIError):
        return False
    if error._underlying_response.request.method in ("GET", "HEAD"):
        return False
    # That the disk of a collection says no is an answer of the service itself.
    is_refusal = (error.code or "").startswith("ExternalError")
    if error.http_status == 503:
        return error.code != _NOT_DONE
    return error.http_status >= 500 and not is_refusal


def is_refused_connection(error: BaseException) -> bool:
    """Return whether an error of a request says that nothing was sent: nobody listens there.

    Args:
        error: the error; those that led to it are looked at, too.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
