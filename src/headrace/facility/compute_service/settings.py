"""Settings of the facility's Compute service: port, broker, client credentials."""

from __future__ import annotations

import json
import os
import secrets
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from headrace._internal.files import write_private
from headrace._internal.loopback import bypass_proxies
from headrace.facility.errors import FacilityError
from headrace.facility.settings import state_directory

# Where the Compute SDK and the endpoint look for a service on their own machine; it is fixed.
SDK_PORT = 5000
PRIVATE_BROKER = "rabbitmq"
# Every service that globus-sdk and globus-cli look up by name. One that was left out would be
# looked for at its real host, with this facility's token.
SERVICES = (
    "ACTIONS",
    "APP",
    "AUTH",
    "COMPUTE",
    "FLOWS",
    "GROUPS",
    "NEXUS",
    "SEARCH",
    "TIMER",
    "TRANSFER",
)


@dataclass(frozen=True)
class ComputeSettings:
    """Settings of the Compute service.

    Attributes:
        port: further port on 127.0.0.1 to answer at; 0 for none. The Compute SDK and real
            endpoints know 5000 only.
        broker: ``rabbitmq`` for a private one, an ``amqp://`` URL for a given one, or nothing.
    """

    port: int = 0
    broker: str = ""


@dataclass(frozen=True)
class ClientCredentials:
    """Credentials of clients; made once, kept in the state directory.

    Attributes:
        client_id: a UUID.
        client_secret: its secret.
    """

    client_id: str
    client_secret: str


def compute_settings(root: Path) -> ComputeSettings:
    """Return the settings of the project at ``root``; the environment comes first.

    ``HEADRACE_COMPUTE_PORT`` and ``HEADRACE_BROKER`` stand for the two fields. A port alone
    brings the private broker with it.

    Raises:
        FacilityError: a value is of no use.
    """
    stored = _stored(root)
    text = os.environ.get("HEADRACE_COMPUTE_PORT", str(stored.port))
    if not text.isdigit() or int(text) > 65535:
        raise FacilityError(f"HEADRACE_COMPUTE_PORT={text}: must be a port number, such as 5000")
    broker = os.environ.get("HEADRACE_BROKER", stored.broker)
    if not broker and int(text):
        broker = PRIVATE_BROKER
    _check_broker(broker, "HEADRACE_BROKER")
    return ComputeSettings(int(text), broker)


def store_compute_settings(root: Path, serve: bool, broker: str = "") -> bool:
    """Store whether the facility of the project at ``root`` shall serve Compute from now on.

    Args:
        root: the project's root.
        serve: whether real endpoints and the Compute SDK are served.
        broker: ``amqp://`` URL of the broker; a private one where empty.

    Returns:
        Whether that is a change.

    Raises:
        FacilityError: the URL is none.
    """
    wanted = ComputeSettings(SDK_PORT, broker or PRIVATE_BROKER) if serve else ComputeSettings()
    _check_broker(wanted.broker, "--broker")
    if wanted == _stored(root):
        return False
    write_private(_settings_path(root), json.dumps(asdict(wanted)))
    return True


def client_environment(root: Path, url: str) -> dict[str, str]:
    """Return the variables that lead the Globus CLI, the SDK and ``headrace --at globus`` here.

    The client's secret is among them.

    Args:
        root: the project's root.
        url: base URL of its facility.
    """
    credentials = client_credentials(root)
    return {
        **_addresses(url),
        **{
            f"{program}_CLIENT_{name}": value
            for program in ("GLOBUS_CLI", "GLOBUS", "GLADIER")
            for name, value in (
                ("ID", credentials.client_id),
                ("SECRET", credentials.client_secret),
            )
        },
    }


def missing_requirements(root: Path) -> str:
    """Return in one line what real endpoints and the SDK's Executor need and is missing here.

    The SDK's Client and hosted endpoints work without.
    """
    from headrace.facility.compute_service.private_broker import missing_broker

    return missing_broker() if compute_settings(root).broker == PRIVATE_BROKER else ""


def compute_environment(root: Path) -> dict[str, str]:
    """Return the variables that lead ``globus-compute-endpoint`` and the Compute SDK here.

    The client's secret is among them.

    Raises:
        FacilityError: the facility does not serve Compute.
    """
    settings = compute_settings(root)
    if not settings.port:
        raise FacilityError(
            f"the facility of {root} does not serve real endpoints: "
            "run `headrace facility up --compute`"
        )
    credentials = client_credentials(root)
    return {
        "GLOBUS_COMPUTE_CLIENT_ID": credentials.client_id,
        "GLOBUS_COMPUTE_CLIENT_SECRET": credentials.client_secret,
        "GLOBUS_COMPUTE_USER_DIR": str(state_directory(root) / "globus_compute"),
        # The Compute SDK knows this name, globus-sdk does not: it has an address for each service.
        "GLOBUS_SDK_ENVIRONMENT": "local",
        **_addresses(f"http://127.0.0.1:{settings.port}"),
    }


def worker_environment(root: Path, url: str) -> dict[str, str]:
    """Return the variables that lead a Globus client in a function of a hosted endpoint here.

    The client's secret is among them. Without `headrace facility up --compute` the Compute SDK
    finds nothing on this machine, and goes to no other.

    Args:
        root: the project's root.
        url: base URL of its facility.
    """
    if compute_settings(root).port:
        return {**client_environment(root, url), **compute_environment(root)}
    credentials = client_credentials(root)
    return {
        **client_environment(root, url),
        "GLOBUS_COMPUTE_CLIENT_ID": credentials.client_id,
        "GLOBUS_COMPUTE_CLIENT_SECRET": credentials.client_secret,
        "GLOBUS_COMPUTE_USER_DIR": str(state_directory(root) / "globus_compute"),
        "GLOBUS_SDK_ENVIRONMENT": "local",
    }


def client_credentials(root: Path) -> ClientCredentials:
    """Return the credentials of the facility's clients; make them at the first call.

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


def _addresses(url: str) -> dict[str, str]:
    """Return the variables that lead each service's clients to a URL, and past any proxy."""
    base = f"{url.rstrip('/')}/"
    direct = {
        "no_proxy": os.environ.get("no_proxy", ""),
        "NO_PROXY": os.environ.get("NO_PROXY", ""),
    }
    bypass_proxies(direct)
    return {**{f"GLOBUS_SDK_SERVICE_URL_{name}": base for name in SERVICES}, **direct}


def _stored(root: Path) -> ComputeSettings:
    path = _settings_path(root)
    try:
        return ComputeSettings(**json.loads(path.read_text()))
    except FileNotFoundError:
        return ComputeSettings()
    except (OSError, ValueError, TypeError) as error:
        raise FacilityError(f"{path}: cannot be read ({error}); remove the file") from error


def _check_broker(broker: str, source: str) -> None:
    if broker and broker != PRIVATE_BROKER and not broker.startswith(("amqp://", "amqps://")):
        # Not repeated in the message: it may hold a password.
        raise FacilityError(f"{source}: must be {PRIVATE_BROKER!r} or an amqp:// URL")


def _settings_path(root: Path) -> Path:
    return state_directory(root) / "compute_service.json"
