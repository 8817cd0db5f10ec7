"""Whether a facility serves Compute to clients of their own, and by which broker."""

from __future__ import annotations

import json
import os
import secrets
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from headrace.facility.errors import FacilityError
from headrace.facility.settings import state_directory
from headrace.files import write_private

# Where the Compute SDK and the endpoint look for a service on their own machine; it is fixed.
SDK_PORT = 5000
PRIVATE_BROKER = "rabbitmq"


@dataclass(frozen=True)
class ComputeSettings:
    """How the Compute service is offered.

    Attributes:
        port: further port on 127.0.0.1 to answer at; 0 for none. The Compute SDK and real
            endpoints know 5000 only.
        broker: ``rabbitmq`` for a private one, an ``amqp://`` URL for a given one, or nothing.
    """

    port: int = 0
    broker: str = ""


@dataclass(frozen=True)
class ClientCredentials:
    """What a client logs in with; made once, kept in the state directory.

    Attributes:
        client_id: a UUID.
        client_secret: its secret.
    """

    client_id: str
    client_secret: str


def compute_settings(root: Path) -> ComputeSettings:
    """Returns what was chosen for the project at ``root``; the environment comes first.

    ``HEADRACE_COMPUTE_PORT`` and ``HEADRACE_BROKER`` stand for the two fields. A port alone
    brings the private broker with it.

    Raises:
        FacilityError: a value is of no use.
    """
    stored = ComputeSettings()
    path = _settings_path(root)
    try:
        if path.exists():
            stored = ComputeSettings(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise FacilityError(f"{path}: cannot be read ({error}); remove the file") from error
    text = os.environ.get("HEADRACE_COMPUTE_PORT", str(stored.port))
    if not text.isdigit() or int(text) > 65535:
        raise FacilityError(f"HEADRACE_COMPUTE_PORT={text}: must be a port number, such as 5000")
    broker = os.environ.get("HEADRACE_BROKER", stored.broker)
    if not broker and int(text):
        broker = PRIVATE_BROKER
    if broker and broker != PRIVATE_BROKER and not broker.startswith(("amqp://", "amqps://")):
        # Not repeated in the message: it may hold a password.
        raise FacilityError(f"HEADRACE_BROKER: must be {PRIVATE_BROKER!r} or an amqp:// URL")
    return ComputeSettings(int(text), broker)


def write_compute_settings(root: Path, settings: ComputeSettings) -> None:
    """Stores how the facility of the project at ``root`` shall serve Compute from now on."""
    write_private(_settings_path(root), json.dumps(asdict(settings)))


def client_credentials(root: Path) -> ClientCredentials:
    """Returns the credentials of the facility's clients; makes them at the first call.

    Raises:
        FacilityError: the file that holds them cannot be read.
    """
    path = state_directory(root) / "compute_client.json"
    try:
        return ClientCredentials(**json.loads(path.read_text()))
    except FileNotFoundError:
        made = ClientCredentials(str(uuid.uuid4()), secrets.token_urlsafe(32))
        write_private(path, json.dumps(asdict(made)))
        return made
    except (OSError, ValueError, TypeError) as error:
        raise FacilityError(f"{path}: cannot be read ({error}); remove the file") from error


def _settings_path(root: Path) -> Path:
    return state_directory(root) / "compute_service.json"
