"""HTTP transport of the SDK's clients: never through a proxy to this machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from globus_sdk.transport import RequestsTransport
from globus_sdk.transport.representation_providers import (
    RequestsJsonProvider,
    RequestsRepresentationProvider,
)

from headrace._internal.loopback import LOOPBACK


class _Session(requests.Session):
    """Leaves proxies and ``.netrc`` of the environment aside for hosts of this machine."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.trust_env = urlsplit(str(request.url)).hostname not in LOOPBACK
        return super().send(request, **kwargs)


class _StandardJson(RequestsJsonProvider):
    """JSON by the standard library, also where orjson is installed, which the SDK would take.

    orjson sends a number that is none as null, refuses integers of more than 64 bits, and reads
    them as doubles.
    """

    def encode(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None,
        data: Any,
        headers: dict[str, str],
    ) -> requests.Request:
        """Return a request whose body `requests` writes."""
        request = RequestsRepresentationProvider.encode(self, method, url, params, data, headers)
        if data is not None:
            prepared: Any = request.data
            request.json, request.data = prepared, []
        return request

    def decode_body(self, response: requests.Response) -> Any:
        """Return the document of an answer."""
        return response.json()


class Transport(RequestsTransport):
    """The SDK's transport, with a session that reaches this machine directly."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session.close()
        self.session = _Session()
        self.representation_providers["json"] = _StandardJson()
