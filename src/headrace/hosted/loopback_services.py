"""Services of a facility on this machine; what only reads does without globus-sdk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace._internal.json_get import get_json
from headrace._internal.loopback import LOOPBACK
from headrace.hosted.errors import HostedError
from headrace.hosted.services import Services

if TYPE_CHECKING:
    from headrace.hosted.services import Clients, Query


def services_at(url: str, token: str) -> Services:
    """Return the services of a facility.

    Args:
        url: base URL of its API; a loopback address.
        token: bearer token.

    Raises:
        HostedError: the URL is not on this machine.
    """
    if urlsplit(url).hostname not in LOOPBACK:
        raise HostedError(f"{url}: not on this machine; a facility is reached over loopback only")

    def make() -> Clients:
        from headrace.hosted.sdk_clients import make_clients

        return make_clients(url, token)

    def get(path: str, query: Query) -> dict[str, Any] | None:
        status, document = get_json(url, token, path, query) or (0, {})
        return document if status == 200 else None

    def get_once(path: str, query: Query, seconds: float) -> tuple[int, dict[str, Any]] | None:
        return get_json(url, token, path, query, timeout=seconds)

    return Services(url, make, get, get_once)
