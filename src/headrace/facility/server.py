"""The facility's process: everything put together, served on loopback until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import psutil
import uvicorn

from headrace.facility.actions import Actions
from headrace.facility.address import Address, read_address, write_address
from headrace.facility.api import Backend, make_app
from headrace.facility.endpoints import Endpoints
from headrace.facility.engine import Engine
from headrace.facility.errors import FacilityError
from headrace.facility.flows import Flows
from headrace.facility.identity import local_identity
from headrace.facility.providers import (
    HelloWorldProvider,
    TaskRunner,
    compute_providers,
    transfer_providers,
)
from headrace.facility.runs import Runs
from headrace.facility.settings import SettingsFile, state_directory
from headrace.facility.store import Store
from headrace.facility.tasks import Functions
from headrace.files import private_directory

logger = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again before endpoints are stopped."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Lock:
    """Keeps a second facility away from a store.

    Attributes:
        stream: the locked file; the lock ends with it.
    """

    stream: IO[str]


def take_lock(root: Path) -> Lock:
    """Takes the state directory for this process.

    Raises:
        FacilityError: another process has it.
    """
    path = private_directory(state_directory(root)) / "facility.lock"
    stream = path.open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise FacilityError(
            f"{path.parent}: another facility works on this state; "
            "use it, or stop it with `headrace facility down`"
        ) from error
    return Lock(stream)


def serve(root: Path) -> None:
    """Serves the project at ``root`` until SIGTERM or SIGINT.

    Raises:
        FacilityError: another facility works on the same state, or the store cannot be used.
    """
    lock = take_lock(root)
    directory = state_directory(root)
    before = read_address(root)
    listener = _listen(before)
    token = before.token if before else secrets.token_urlsafe(32)
    host, port = listener.getsockname()
    url = f"http://{host}:{port}"

    settings = SettingsFile(root)
    store = Store(directory / "facility.db", os.environ.get("HEADRACE_SYNCHRONOUS", "FULL"))
    identity = local_identity()
    actions = Actions(store)
    engine = Engine(store, identity)
    runner = TaskRunner(store, settings, engine.finish_action, actions.begun)
    endpoints = Endpoints(root, settings, runner.on_event)
    runner.use(endpoints)
    transfers, close_transfers = transfer_providers(settings, engine.finish_action, actions.begun)
    backend = Backend(
        engine=engine,
        flows=Flows(store),
        runs=Runs(store),
        actions=actions,
        functions=Functions(store),
        endpoints=endpoints,
        settings=settings,
        identity=identity,
        base_url=url,
    )
    config = uvicorn.Config(
        make_app(backend, token), log_config=None, access_log=False, lifespan="off"
    )
    server = _Server(config)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        logger.info("stopping on signal %d", number)
        server.should_exit = True

    # What an earlier facility left running must end before its tasks are begun again.
    endpoints.reap()
    hello = HelloWorldProvider(engine.finish_action)
    engine.start([*transfers, *compute_providers(runner), hello])
    process = psutil.Process()
    write_address(root, Address(url, token, process.pid, process.create_time()))
    logger.info("serving %s at %s", root, url)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        runner.close()
        close_transfers()
        engine.stop()
        endpoints.stop()
        store.close()
        lock.stream.close()
        logger.info("stopped")


def _listen(before: Address | None) -> socket.socket:
    # Clients that were following a run find a restarted facility where it was.
    wanted = int(before.url.rpartition(":")[2]) if before else 0
    for port in (wanted, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            listener.close()
            if port == 0:
                raise
            continue
        listener.listen(128)
        return listener
    raise FacilityError("no port on 127.0.0.1 can be had; stop what holds them all")
