"""Server process of a facility: its parts, served on loopback until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import psutil
import uvicorn
from anyio import to_thread

from headrace._internal.files import private_directory
from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace._internal.systemd_notify import notify_ready, notify_stopping
from headrace._internal.terminal_text import terminal_text
from headrace.facility.address import Address, read_address, touch_address, write_address
from headrace.facility.api import Backend, make_app
from headrace.facility.api.change_waiters import ChangeWaiters
from headrace.facility.api.connections import (
    IDLE_SECONDS,
    connection_limits,
    limited_protocol,
    thread_limit,
)
from headrace.facility.compute_service.settings import compute_settings
from headrace.facility.container import make_container
from headrace.facility.errors import FacilityError
from headrace.facility.parts import start_parts, stop_parts
from headrace.facility.scraping import prepare_scraping
from headrace.facility.settings import state_directory
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, damaged_text, fault_of, unavailable_text
from headrace.facility.store.flows import FlowTable
from headrace.facility.supervision import GIVE_UP_TICKS, Health, Heartbeat, describe

logger = logging.getLogger(__name__)


# How long requests under way may take when the facility stops.
_LAST_REQUESTS_SECONDS = 5
_ENDING_SECONDS = 0.2
# How far SQLite waits for the disk; the first is the default.
_SYNCHRONOUS = ("FULL", "EXTRA", "NORMAL", "OFF")
# Its heartbeat is written twice a minute.
_LATE_SECONDS = 180.0
# How long the parts may take to stop before the process is ended all the same.
_LONGEST_END_SECONDS = 60.0


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to this module, so that endpoints are stopped first."""

    def __init__(self, config: uvicorn.Config, health: Health, waiters: ChangeWaiters) -> None:
        super().__init__(config)
        self._waiters = waiters
        self._heartbeat = Heartbeat("API")
        health.add_heartbeat(self._heartbeat)

    async def on_tick(self, counter: int) -> bool:
        """Beat ten times a second, as long as the event loop is not blocked."""
        self._heartbeat.beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End with the requests under way; those that wait for changes are answered now."""
        self._waiters.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(root: Path) -> None:
    """Serve the project at ``root`` until SIGTERM, SIGINT or SIGHUP.

    Raises:
        FacilityError: another facility works on the same state, or the store cannot be used.
    """
    path = private_directory(state_directory(root)) / "facility.db"
    try:
        _serve_store(root, path)
    except sqlite3.Error as error:
        if fault_of(error) is StoreFault.DAMAGED:
            raise FacilityError(damaged_text(path, error)) from error
        raise FacilityError(unavailable_text(path, error)) from error


def _serve_store(root: Path, path: Path) -> None:
    ending = threading.Event()

    def end(reason: str) -> None:
        logger.critical("the facility ends: %s", reason)
        ending.set()
        threading.Thread(target=_end_hard, name="end", daemon=True).start()

    health = Health(end)
    threading.excepthook = partial(_thread_ended, health)
    store = Store(path, _synchronous(), health)
    try:
        _serve_with(root, store, health, ending)
    finally:
        # A start that fails closes it too: a store that is left open is checked for damage.
        store.close()
    if health.fatal_reason:
        raise FacilityError(health.fatal_reason)


def _serve_with(root: Path, store: Store, health: Health, ending: threading.Event) -> None:
    before = read_address(root)
    listener = _listen(before)
    chosen = compute_settings(root)
    listeners = [listener, *_listen_for_compute(chosen.port)]
    token = before.token if before else secrets.token_urlsafe(32)
    host, port = listener.getsockname()
    url = f"http://{host}:{port}"

    container = make_container(root, store, url, token)
    metrics = prepare_scraping(state_directory(root), listener.getsockname())
    config = _uvicorn_config(container.backend, token, metrics)
    server = _Server(config, health, container.backend.change_waiters)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        logger.info("stopping on signal %d", number)
        server.should_exit = True

    # Before a run is advanced: nothing that happens to one is missed.
    parts = start_parts(container.part_context())
    broker = container.start(chosen.broker)
    process = psutil.Process()
    address = Address(url, token, process.pid, process.create_time(), socket.gethostname())
    write_address(root, address)
    heartbeat = HeartbeatWriter(
        state_directory(root),
        "facility",
        "local",
        late_after=_LATE_SECONDS,
        dead_after=GIVE_UP_TICKS,
    )
    _start_checks(root, store, container.tables.flows, health, heartbeat)
    logger.info("serving %s at %s", root, url)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        notify_ready()
        asyncio.run(_serve(server, listeners, ending))
    finally:
        notify_stopping()
        stop_parts([*parts.values()])
        _stop_all({"supervisor": health.stop, **container.closers(broker)})
        if not health.fatal_reason:
            heartbeat.stop()
        logger.info("stopped")


def _uvicorn_config(backend: Backend, token: str, metrics_token: str) -> uvicorn.Config:
    bounds = connection_limits()
    return uvicorn.Config(
        make_app(backend, token, metrics_token=metrics_token),
        http=limited_protocol(bounds),
        ws="none",
        # So many are taken at once before one of them can be closed.
        backlog=max(8, bounds.connections // 2),
        timeout_keep_alive=IDLE_SECONDS,
        log_config=None,
        access_log=False,
        # It listens on loopback, with nobody in between.
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
    )


def _start_checks(
    root: Path, store: Store, flows: FlowTable, health: Health, heartbeat: HeartbeatWriter
) -> None:
    flows.check_readable()
    beat = partial(_beat, heartbeat, health)
    for check in (beat, store.check_health, flows.check_readable, partial(touch_address, root)):
        health.add_check(check)
    health.start()
    beat()


def _beat(heartbeat: HeartbeatWriter, health: Health) -> None:
    problems = "; ".join(f"{each.part}: {each.description}" for each in health.problems)
    heartbeat.beat("serves", problems, silence=health.silence)


def _end_hard() -> None:
    # A part that cannot be stopped must not keep a process that is of no use.
    time.sleep(_LONGEST_END_SECONDS)
    os._exit(1)


async def _serve(
    server: uvicorn.Server, listeners: list[socket.socket], ending: threading.Event
) -> None:
    async def watch() -> None:
        while not ending.is_set():
            await asyncio.sleep(_ENDING_SECONDS)
        server.should_exit = True

    to_thread.current_default_thread_limiter().total_tokens = thread_limit()
    watching = asyncio.create_task(watch())
    try:
        await server.serve(sockets=listeners)
    finally:
        watching.cancel()


def _stop_all(parts: Mapping[str, Callable[[], None]]) -> None:
    # A part that cannot be stopped, as on a disk that is away, must not keep others running.
    for name, stop in parts.items():
        try:
            stop()
        except Exception:
            logger.exception("stopping the %s", name)


def _thread_ended(health: Health, ended: threading.ExceptHookArgs) -> None:
    """Report a thread that ended and is not supervised."""
    name = ended.thread.name if ended.thread is not None else "a thread"
    error = ended.exc_value or ended.exc_type()
    logger.error("the thread %s ended", name, exc_info=error)
    health.report(f"thread {name}", f"it ended: {describe(error)}")


def _tcp_socket() -> socket.socket:
    # asyncio sends at once only on sockets that say they are TCP; on others every answer on a
    # connection that is used again waits 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return listener


def _listen_for_compute(port: int) -> list[socket.socket]:
    if port == 0:
        return []
    listener = _tcp_socket()
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise FacilityError(
            f"127.0.0.1:{port}, where the Compute SDK looks for a local service, is taken "
            f"({error.strerror}); stop what listens there, perhaps another project's facility"
        ) from error
    listener.listen(128)
    return [listener]


def _synchronous() -> str:
    text = os.environ.get("HEADRACE_SYNCHRONOUS") or _SYNCHRONOUS[0]
    if text.upper() not in _SYNCHRONOUS:
        raise FacilityError(
            f"HEADRACE_SYNCHRONOUS={terminal_text(text)}: must be one of {', '.join(_SYNCHRONOUS)}"
        )
    return text.upper()


def _listen(before: Address | None) -> socket.socket:
    # Clients that were following a run find a restarted facility where it was.
    wanted = int(before.url.rpartition(":")[2]) if before else 0
    for port in (wanted, 0):
        listener = _tcp_socket()
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
