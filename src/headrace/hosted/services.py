"""Clients of the services at one target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK

if TYPE_CHECKING:
    from globus_sdk import (
        ComputeClientV2,
        ComputeClientV3,
        FlowsClient,
        SpecificFlowClient,
        TransferClient,
    )


@dataclass(frozen=True)
class Services:
    """Services at one target, through globus-sdk's own clients.

    Not to be shared between threads: each makes its own.

    Attributes:
        flows: flows and runs.
        compute: functions and endpoints, and tasks submitted.
        compute_v2: endpoints' states, and results of tasks.
        transfer: collections and what is in them.
        make_flow: makes the client of one flow.
        url: base URL of the Flows service.
    """

    flows: FlowsClient
    compute: ComputeClientV3
    compute_v2: ComputeClientV2
    transfer: TransferClient
    make_flow: Callable[[str], SpecificFlowClient]
    url: str

    @property
    def is_facility(self) -> bool:
        """True if these are a facility's, which the environment can name in the place of Globus's.

        The hosted ones are on no machine of their users.
        """
        return urlsplit(self.url).hostname in LOOPBACK

    def flow(self, flow_id: str) -> SpecificFlowClient:
        """Return the client that starts and resumes the runs of one flow."""
        return self.make_flow(flow_id)
