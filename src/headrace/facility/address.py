"""Where a facility is reached: a file in the state directory that its owner alone can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from headrace.facility.errors import FacilityError
from headrace.facility.settings import state_directory
from headrace.files import write_private


@dataclass(frozen=True)
class Address:
    """How to reach a facility.

    Attributes:
        url: base URL of its API, without a slash at the end.
        token: bearer token.
        pid: its process.
        started: when that process was started, in seconds since 1970: tells it from a later
            process with the same number.
    """

    url: str
    token: str
    pid: int
    started: float

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def address_path(root: Path) -> Path:
    """Returns the file that holds the address of the project's facility."""
    return state_directory(root) / "facility.json"


def write_address(root: Path, address: Address) -> None:
    """Stores the address."""
    write_private(address_path(root), json.dumps(asdict(address)))


def read_address(root: Path) -> Address | None:
    """Returns the address of the last facility of this project, running or not.

    Raises:
        FacilityError: the file is not readable as an address.
    """
    path = address_path(root)
    try:
        return Address(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise FacilityError(
            f"{path}: not a facility's address ({error}); remove the file and start it again"
        ) from error


def find_address(root: Path) -> Address | None:
    """Returns the address of the project's facility, where one is running."""
    address = read_address(root)
    return address if address is not None and address.alive else None
