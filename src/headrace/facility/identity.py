"""Identity of the account that runs a facility."""

from __future__ import annotations

import getpass
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any

# Identities of a facility are its own; the namespace keeps them apart from Globus Auth's.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "identities.headrace.local")


@dataclass(frozen=True)
class Identity:
    """A person at a facility.

    Attributes:
        id: a UUID, the same for the same user name and host.
        username: ``user@host``.
    """

    id: str
    username: str

    @property
    def urn(self) -> str:
        """The identity as principal."""
        return f"urn:globus:auth:identity:{self.id}"

    def context(self, flow_id: str, run_id: str) -> dict[str, Any]:
        """Return what ``$._context`` shows to a run."""
        moment = int(time.time())
        return {
            "flow_id": flow_id,
            "run_id": run_id,
            "username": self.username,
            "email": self.username,
            "user_id": self.urn,
            "identities": [self.urn],
            "token_info": {"exp": moment + 172800, "iat": moment, "nbf": moment},
        }


def local_identity() -> Identity:
    """Return the identity of the account that runs this process."""
    username = f"{getpass.getuser()}@{socket.gethostname()}"
    return Identity(str(uuid.uuid5(_NAMESPACE, username)), username)
