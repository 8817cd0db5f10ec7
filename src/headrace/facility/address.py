"""Address of a facility: a file in the state directory that its owner alone can read."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from headrace._internal.files import only_one, write_private
from headrace._internal.mounts import file_system, is_remote
from headrace.facility.errors import FacilityError
from headrace.facility.settings import check_owner, state_directory

_LOCK_NAME = "facility.lock"


@dataclass(frozen=True)
class Address:
    """Address and process of a facility.

    Attributes:
        url: base URL of its API, without a slash at the end.
        token: bearer token.
        pid: its process.
        started: when that process was started, in seconds since 1970: distinguishes it from a later
            process with the same number.
        host: name of the machine that it runs on; empty where an earlier headrace wrote it.
    """

    url: str
    token: str
    pid: int
    started: float
    host: str = ""

    @property
    def on_this_host(self) -> bool:
        """True if its process is one of this machine's."""
        return self.host in ("", socket.gethostname())

    @property
    def is_alive(self) -> bool:
        """True if the process is there, on this machine."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def address_path(root: Path) -> Path:
    """Return the file that holds the address of the project's facility."""
    return state_directory(root) / "facility.json"


def write_address(root: Path, address: Address) -> None:
    """Store the address."""
    write_private(address_path(root), json.dumps(asdict(address)))


def read_address(root: Path) -> Address | None:
    """Return the address of the last facility of this project, running or not.

    Raises:
        FacilityError: the file is not readable as an address.
    """
    path = address_path(root)
    try:
        return Address(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        check_owner(path.parent)
        raise FacilityError(
            f"{path}: {error.strerror}: give yourself access to it (chmod u+rw)"
        ) from error
    except OSError as error:
        raise FacilityError(
            f"{path}: {error.strerror}: bring its disk back; `headrace facility down` ends the "
            "facility meanwhile"
        ) from error
    except (ValueError, TypeError) as error:
        if find_process(root) is None:
            return None  # what it said is of no use any more; the next start writes it anew
        raise FacilityError(
            f"{path}: not a facility's address ({error}): stop the facility, which runs, with "
            "`headrace facility down`, and start it again"
        ) from error


def find_address(root: Path) -> Address | None:
    """Return the address of the project's facility, where one is running on this machine.

    Raises:
        FacilityError: it runs on another machine, as far as can be known from here; or the state
            is a copy of another project's, whose facility runs.
    """
    address = read_address(root)
    if address is None:
        return None
    if not address.on_this_host:
        check_other_host(root, address)
        return None
    if not address.is_alive:
        return None
    _refuse_copied_state(root, address)
    return address


def _refuse_copied_state(root: Path, address: Address) -> None:
    """Refuse the facility of another project, from which this one was copied with its state."""
    served = _served_root(address.pid)
    if served is None or served == root:
        return
    state = state_directory(root)
    try:
        if state_directory(served).samefile(state):
            return
    except (FacilityError, OSError):
        return  # it was moved here, or is another account's: nobody has two of them
    raise FacilityError(
        f"{state}: a copy of the state of {served}, whose facility is running (process "
        f"{address.pid}): remove {state}, and this project gets a facility of its own; or, to go "
        f"on here with what is in it, end that one first: `headrace facility down -C {served}`"
    )


def _served_root(pid: int) -> Path | None:
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return None
    return Path(words[3]) if words[1:3] == ["-m", "headrace.facility"] and words[3:] else None


def find_process(root: Path) -> psutil.Process | None:
    """Return the process that serves a project on this machine, whatever its files say."""
    wanted = ["-m", "headrace.facility", str(root)]
    for process in psutil.process_iter(["cmdline", "uids", "status"]):
        try:
            mine = process.info["uids"].real == os.getuid() and process.pid != os.getpid()
            found = (process.info["cmdline"] or [])[1:4] == wanted
            if mine and found and process.info["status"] != psutil.STATUS_ZOMBIE:
                return process
        except (psutil.Error, AttributeError):
            continue
    return None


def running_root(directory: Path) -> Path | None:
    """Return the root of a project of which a facility runs here, by any directory in it.

    It reads no file of the project: its disk may be away.
    """
    for root in (directory, *directory.parents):
        if find_process(root) is not None:
            return root
    return None


def runs_on_another_host(root: Path) -> bool:
    """Say whether another machine has started the project's last facility."""
    address = read_address(root)
    return address is not None and not address.on_this_host


def check_other_host(root: Path, address: Address) -> None:
    """Look whether the facility that another machine has started may still run.

    The lock of the store says so where all machines see it: on a local disk, such as that of
    containers with names of their own. On a network file system it may hold for one machine only,
    so that such a facility is never taken for dead.

    Raises:
        FacilityError: it may run.
    """
    state = state_directory(root)
    if not is_remote(file_system(state)):
        with only_one(state / _LOCK_NAME) as free:
            if free:
                return
    seconds = max(0.0, time.time() - address_path(root).stat().st_mtime)
    raise FacilityError(
        f"{root}: its facility runs on {address.host} (process {address.pid}, last sign of life "
        f"{_ago(seconds)} ago): use it there, or stop it there with `headrace facility down`; if "
        f"{address.host} is gone for good: `headrace facility up --take-over`"
    )


def touch_address(root: Path) -> None:
    """Touch the address, so that other machines see that the facility lives."""
    os.utime(address_path(root))


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
