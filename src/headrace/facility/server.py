"""The facility's process: everything put together, served on loopback until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
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
from headrace._internal.terminal_text import terminal_text
from headrace.compute import TaskEvent
from headrace.facility.address import Address, read_address, touch_address, write_address
from headrace.facility.api import Backend, make_app
from headrace.facility.api.connections import IDLE_SECONDS, bounded, bounds_here, threads_here
from headrace.facility.api.grants import Grants
from headrace.facility.compute_service import ComputeService, PrivateBroker, missing_broker
from headrace.facility.compute_service.hosted_endpoints import Endpoints
from headrace.facility.compute_service.settings import (
    PRIVATE_BROKER,
    client_credentials,
    compute_settings,
    worker_environment,
)
from headrace.facility.engine.engine import Engine
from headrace.facility.engine.retention import RETENTION_DAYS
from headrace.facility.errors import FacilityError
from headrace.facility.identity import local_identity
from headrace.facility.providers import (
    AwaitWebInputProvider,
    CollectionInfoProvider,
    CreateWebInputProvider,
    ExpressionEvalProvider,
    HelloWorldProvider,
    HttpProvider,
    ManagePermissionProvider,
    SearchIngestProvider,
    SubFlowProvider,
    TaskRunner,
    WebInputExpiry,
    compute_providers,
    transfer_providers,
)
from headrace.facility.settings import SettingsFile, state_directory
from headrace.facility.store.access_rules import AccessRuleTable
from headrace.facility.store.actions import ActionProvider, ActionTable
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, damaged_text, fault_of, unavailable_text
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.runs import RunTable
from headrace.facility.store.search_index import SearchEntryTable
from headrace.facility.store.tasks import FunctionTable
from headrace.facility.store.web_inputs import WebInputTable, web_input_lifetime
from headrace.facility.supervision import Health, Heartbeat, describe

logger = logging.getLogger(__name__)


# How long requests under way may take when the facility stops.
_LAST_REQUESTS_SECONDS = 5
_ENDING_SECONDS = 0.2
# How far SQLite waits for the disk; the first is the default.
_SYNCHRONOUS = ("FULL", "EXTRA", "NORMAL", "OFF")
# How long the parts may take to stop before the process is ended all the same.
_LONGEST_END_SECONDS = 60.0


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again before endpoints are stopped."""

    def __init__(self, config: uvicorn.Config, health: Health) -> None:
        super().__init__(config)
        self._heartbeat = Heartbeat("API")
        health.add_heartbeat(self._heartbeat)

    async def on_tick(self, counter: int) -> bool:
        """Give a sign of life: ten times a second, as long as the event loop is not held up."""
        self._heartbeat.beat()
        return await super().on_tick(counter)

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
        # A start that fails closes it too: a store that is left open is looked at for damage.
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

    settings = SettingsFile(root)
    identity = local_identity()
    actions = ActionTable(store)
    engine = Engine(store, identity, retention_days=_retention_days())
    runner = TaskRunner(store, engine.finish_action, actions.count_attempt)

    def on_event(event: TaskEvent) -> None:
        if not compute.take(event):
            runner.on_event(event)

    endpoints = Endpoints(root, settings, on_event, lambda: worker_environment(root, url))
    credentials = client_credentials(root)
    compute = ComputeService(
        store, identity, endpoints.hosted, runner.on_event, credentials.client_id[:8]
    )
    endpoints.use(compute)
    runner.use(endpoints)
    transfers, close_transfers = transfer_providers(
        store, settings, engine.finish_action, actions.count_attempt
    )
    access_rules, search_index = AccessRuleTable(store), SearchEntryTable(store)
    web_inputs = WebInputTable(store, identity, web_input_lifetime())
    awaiting = AwaitWebInputProvider(web_inputs, actions, engine.finish_action)
    expiry = WebInputExpiry(web_inputs, awaiting, engine.call_later)
    backend = Backend(
        store=store,
        engine=engine,
        flows=FlowTable(store),
        runs=RunTable(store),
        actions=actions,
        functions=FunctionTable(store),
        endpoints=endpoints,
        settings=settings,
        identity=identity,
        base_url=url,
        web_inputs=web_inputs,
        access_rules=access_rules,
        search_index=search_index,
        compute=compute,
        credentials=credentials,
        token=token,
        grants=Grants(state_directory(root) / "logins.json"),
        respond=awaiting.respond,
    )
    bounds = bounds_here()
    config = uvicorn.Config(
        make_app(backend, token),
        http=bounded(bounds),
        ws="none",
        # So many are taken at once before one of them can be closed.
        backlog=max(8, bounds.connections // 2),
        timeout_keep_alive=IDLE_SECONDS,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
    )
    server = _Server(config, health)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        logger.info("stopping on signal %d", number)
        server.should_exit = True

    # What an earlier facility left running must end before its tasks are begun again.
    endpoints.reap()
    hello = HelloWorldProvider(engine.finish_action, engine.call_later)
    elsewhere = HttpProvider(store, settings, engine)
    sub_flows = SubFlowProvider(backend.flows, backend.runs, actions, engine, health)
    providers: list[ActionProvider] = [
        *transfers,
        CollectionInfoProvider(settings, identity),
        ManagePermissionProvider(settings, access_rules),
        SearchIngestProvider(search_index),
        *compute_providers(runner),
        hello,
        ExpressionEvalProvider(),
        CreateWebInputProvider(web_inputs, expiry),
        awaiting,
        sub_flows,
        elsewhere,
    ]
    broker, broker_url, missing = _broker(root, chosen.broker, health)
    engine.start(providers)
    expiry.start()
    compute.start(broker_url, missing, engine.call_later)
    process = psutil.Process()
    address = Address(url, token, process.pid, process.create_time(), socket.gethostname())
    write_address(root, address)
    health.add_check(store.check_health)
    backend.flows.check_readable()
    health.add_check(backend.flows.check_readable)
    health.add_check(partial(touch_address, root))
    health.start()
    logger.info("serving %s at %s", root, url)
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        asyncio.run(_serve(server, listeners, ending))
    finally:
        _stop_all(
            {
                "supervisor": health.stop,
                "tasks": runner.close,
                "compute service": compute.stop,
                "transfers": close_transfers,
                "action providers": elsewhere.close,
                "flows that are called": sub_flows.close,
                "engine": engine.stop,
                "endpoints": endpoints.stop,
                "broker": broker.stop if broker is not None else None,
                "store": store.close,
            }
        )
        logger.info("stopped")


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

    to_thread.current_default_thread_limiter().total_tokens = threads_here()
    watching = asyncio.create_task(watch())
    try:
        await server.serve(sockets=listeners)
    finally:
        watching.cancel()


def _stop_all(parts: Mapping[str, Callable[[], None] | None]) -> None:
    # A part that cannot be stopped, as on a disk that is away, keeps no other from it.
    for name, stop in parts.items():
        try:
            if stop is not None:
                stop()
        except Exception:
            logger.exception("stopping the %s", name)


def _thread_ended(health: Health, ended: threading.ExceptHookArgs) -> None:
    """Tell of a thread that nobody looks after."""
    name = ended.thread.name if ended.thread is not None else "a thread"
    error = ended.exc_value or ended.exc_type()
    logger.error("the thread %s ended", name, exc_info=error)
    health.report(f"thread {name}", f"it ended: {describe(error)}")


def _broker(root: Path, wanted: str, health: Health) -> tuple[PrivateBroker | None, str, str]:
    """Return the private broker, the URL of the broker, and why there is none."""
    if not wanted or wanted != PRIVATE_BROKER:
        return None, wanted, ""
    missing = missing_broker()
    if missing:
        logger.warning("%s", missing)
        return None, "", missing
    broker = PrivateBroker(state_directory(root) / "broker", health)
    broker.start()
    return broker, broker.url, ""


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


def _retention_days() -> float | None:
    text = os.environ.get("HEADRACE_RETENTION_DAYS", str(RETENTION_DAYS))
    if text == "forever":
        return None
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0.0 <= days < math.inf:
        raise FacilityError(
            f"HEADRACE_RETENTION_DAYS={text}: must be a number of days or 'forever'"
        )
    return days


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
