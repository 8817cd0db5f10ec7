"""The SDK's clients: a transport without proxies to this machine, and a facility's clients."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import urlsplit

import globus_sdk
import requests
from globus_sdk.exc import GlobusConnectionError
from globus_sdk.transport import RequestsTransport, RetryConfig
from globus_sdk.transport.default_retry_checks import (
    check_retry_after_header,
    check_transient_error,
)
from globus_sdk.transport.representation_providers import (
    RequestsJsonProvider,
    RequestsRepresentationProvider,
)

from headrace._internal.loopback import LOOPBACK
from headrace._internal.lost_answers import is_refused_connection
from headrace.hosted.errors import NoAnswerError, unreachable
from headrace.hosted.services import Clients

ClientT = TypeVar("ClientT", bound=globus_sdk.BaseClient)


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


class _LocalClient(globus_sdk.BaseClient):
    """Client that fails at once when nothing answers, and retries only where the service asks."""

    def _register_standard_retry_checks(self, retry_config: RetryConfig) -> None:
        retry_config.checks.register_many_checks([check_retry_after_header, check_transient_error])

    def request(self, *args: Any, **kwargs: Any) -> globus_sdk.GlobusHTTPResponse:
        try:
            return super().request(*args, **kwargs)
        except GlobusConnectionError as error:
            found = unreachable(self.base_url)
            if not is_refused_connection(error):
                raise NoAnswerError(str(found)) from error
            raise found from error


class LocalFlows(_LocalClient, globus_sdk.FlowsClient):
    """Flows and runs of a facility."""


class LocalCompute(_LocalClient, globus_sdk.ComputeClientV3):
    """Functions and endpoints of a facility."""


class LocalComputeV2(_LocalClient, globus_sdk.ComputeClientV2):
    """Task and endpoint states of a facility."""


class LocalTransfer(_LocalClient, globus_sdk.TransferClient):
    """Collections of a facility."""


class LocalFlow(_LocalClient, globus_sdk.SpecificFlowClient):
    """Starts runs of one flow of a facility."""


def make_clients(url: str, token: str) -> Clients:
    """Return the clients of a facility.

    Args:
        url: base URL of its API.
        token: bearer token.
    """
    authorizer = globus_sdk.AccessTokenAuthorizer(token)
    # SpecificFlowClient takes no address, but like every client respects that of its class.
    flow_class = type("LocalFlow", (LocalFlow,), {"base_url": url})

    def make_flow(flow_id: str) -> globus_sdk.SpecificFlowClient:
        client: globus_sdk.SpecificFlowClient = flow_class(
            flow_id, authorizer=authorizer, transport=Transport(), retry_config=_retries()
        )
        return client

    return Clients(
        flows=_make_client(LocalFlows, url, authorizer),
        compute=_make_client(LocalCompute, url, authorizer),
        compute_v2=_make_client(LocalComputeV2, url, authorizer),
        transfer=_make_client(LocalTransfer, url, authorizer),
        make_flow=make_flow,
    )


def _make_client(
    kind: type[ClientT], url: str, authorizer: globus_sdk.AccessTokenAuthorizer
) -> ClientT:
    return kind(base_url=url, authorizer=authorizer, transport=Transport(), retry_config=_retries())


def _retries() -> RetryConfig:
    return RetryConfig(max_retries=2, max_sleep=0.5, transient_error_status_codes=(429, 503))
