"""HTTP transport of the SDK's clients: never through a proxy to this machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from globus_sdk.transport import RequestsTransport

from headrace._internal.loopback import LOOPBACK


class _Session(requests.Session):
    """Leaves proxies and ``.netrc`` of the environment aside for hosts of this machine."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        self.trust_env = urlsplit(str(request.url)).hostname not in LOOPBACK
        return super().send(request, **kwargs)


class Transport(RequestsTransport):
    """The SDK's transport, with a session that reaches this machine directly."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session.close()
        self.session = _Session()
