"""Clients of the services at one target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK

if TYPE_CHECKING:
    from globus_sdk import (
        ComputeClientV2,
        ComputeClientV3,
        FlowsClient,
        SpecificFlowClient,
        TimersClient,
        TransferClient,
    )

Query = Mapping[str, Any]
Get = Callable[[str, Query], dict[str, Any] | None]
GetOnce = Callable[[str, Query, float], tuple[int, dict[str, Any]] | None]


@dataclass(frozen=True)
class Clients:
    """globus-sdk's own clients of the services at one target.

    Attributes:
        flows: flows and runs.
        compute: functions and endpoints, and tasks submitted.
        compute_v2: endpoints' states, and results of tasks.
        transfer: collections and what is in them.
        make_flow: makes the client of one flow.
        make_timers: makes the client of timers; None at a facility, which has none.
    """

    flows: FlowsClient
    compute: ComputeClientV3
    compute_v2: ComputeClientV2
    transfer: TransferClient
    make_flow: Callable[[str], SpecificFlowClient]
    make_timers: Callable[[], TimersClient] | None = None


@dataclass(frozen=True)
class Services:
    """Services at one target.

    Not to be shared between threads: each makes its own.

    Attributes:
        url: base URL of the Flows service.
        make_clients: makes the clients, which are imported and made when one is asked for.
        get: reads a document without them where it can; None where it cannot, for whatever reason:
            the clients are asked then, whose errors and retries are those of all other requests.
        get_once: asks a facility once, for so many seconds; None where these are no facility's.
    """

    url: str
    make_clients: Callable[[], Clients]
    get: Get = lambda path, query: None
    get_once: GetOnce | None = None

    @cached_property
    def _clients(self) -> Clients:
        return self.make_clients()

    @property
    def flows(self) -> FlowsClient:
        """The client of flows and runs."""
        return self._clients.flows

    @property
    def compute(self) -> ComputeClientV3:
        """The client of functions and endpoints, to which tasks are submitted."""
        return self._clients.compute

    @property
    def compute_v2(self) -> ComputeClientV2:
        """The client of endpoints' states, and of results of tasks."""
        return self._clients.compute_v2

    @property
    def transfer(self) -> TransferClient:
        """The client of collections and what is in them."""
        return self._clients.transfer

    @cached_property
    def timers(self) -> TimersClient:
        """The client of timers, for which a consent of its own is needed.

        Raises:
            HostedError: the target has no timers, or somebody must log in.
        """
        from headrace.hosted.errors import HostedError

        make = self._clients.make_timers
        if make is None:
            raise HostedError(f"{self.url}: has no timers; `headrace watch` starts their runs")
        return make()

    @property
    def is_facility(self) -> bool:
        """True if these are a facility's, which the environment can name in the place of Globus's.

        The hosted ones are on no machine of their users.
        """
        return urlsplit(self.url).hostname in LOOPBACK

    def flow(self, flow_id: str) -> SpecificFlowClient:
        """Return the client that starts and resumes the runs of one flow."""
        client = self._flow_clients.get(flow_id)
        if client is None:
            # Kept, and its connection with it: a watch starts many runs of few flows.
            client = self._flow_clients[flow_id] = self._clients.make_flow(flow_id)
        return client

    @cached_property
    def _flow_clients(self) -> dict[str, SpecificFlowClient]:
        return {}

    def read(self, path: str, query: Query | None = None) -> dict[str, Any]:
        """Return a document of the Flows service.

        Args:
            path: its path, such as ``/runs``.
            query: parameters of the query.

        Raises:
            GlobusAPIError: the service refuses.
            NetworkError: it does not answer.
            HostedError: the facility does not answer.
        """
        found = self.get(path, query or {})
        if found is None:
            found = dict(self.flows.get(path, query_params=dict(query or {})).data)
        return found

    def ask_once(self, path: str, query: Query, seconds: float) -> tuple[int, dict[str, Any]]:
        """Return the status and the document with which a facility answers: 200, or 404.

        Args:
            path: the path.
            query: parameters of the query.
            seconds: how long to wait for the answer at most; it is asked for once.

        Raises:
            HostedError: it does not answer in time, or refuses.
        """
        from headrace.hosted.errors import HostedError, unreachable

        if self.get_once is None:
            raise HostedError(f"{self.url}: is no facility, and has no {path}")
        found = self.get_once(path, query, seconds)
        if found is None:
            raise unreachable(self.url)
        if found[0] not in {200, 404}:
            detail = found[1].get("error")
            text = detail.get("detail") if isinstance(detail, dict) else None
            raise HostedError(f"GET {self.url}{path}: {found[0]} {text or ''}".strip())
        return found

    def read_compute(self, path: str) -> dict[str, Any]:
        """Return a document of the Compute service; see :meth:`read`."""
        found = self.get(path, {})
        return dict(self.compute_v2.get(path).data or {}) if found is None else found

    def read_items(
        self, path: str, key: str, query: Query | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the items of a list of the Flows service, page after page; see :meth:`read`.

        Args:
            path: the list's path.
            key: the member of its documents that has the items.
            query: parameters of the query.
        """
        wanted = dict(query or {})
        while True:
            page = self.read(path, wanted)
            yield from page[key]
            # Lists of web inputs have the marker alone.
            if not page.get("has_next_page", page.get("marker") is not None):
                return
            wanted["marker"] = page["marker"]
