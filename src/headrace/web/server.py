"""Server of the pages: on loopback, or on a Unix socket, until a signal ends it."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import uvicorn

from headrace._internal.files import only_one, private_directory, write_private
from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace._internal.settings import InvalidValue
from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping
from headrace.config.project_config import at_option
from headrace.config.project_file import ROOT_PATH
from headrace.facility import state_directory
from headrace.web.app import make_app
from headrace.web.errors import WebError
from headrace.web.page_registry import all_pages
from headrace.web.preparation import start_preparation
from headrace.web.security.store import WebStore
from headrace.web.site import LOOPBACK_NAMES, Site

STORE_FILE: Final = "web{target}.db"
ADDRESS_FILE: Final = "web.{target}.json"
_LAST_REQUESTS_SECONDS: Final = 2
_PROBE_SECONDS: Final = 2.0
# uvicorn's loop ticks ten times a second.
_TICKS_BETWEEN_BEATS: Final = 300


@dataclass(frozen=True)
class Listening:
    """Address at which pages are served.

    Attributes:
        url: address for a browser; on a Unix socket that of the socket behind a tunnel.
        socket: the Unix socket; empty where there is none.
        pid: process that serves them.
        root_path: what a proxy puts before all addresses, and passes on.
    """

    url: str
    socket: str
    pid: int
    root_path: str = ""


def open_store(root: Path, target: str) -> WebStore:
    """Return the store of a project's pages.

    Each target has its own: what was done at one is not done at the other.

    Args:
        root: the project's directory.
        target: ``local`` or ``globus``.

    Raises:
        WebError: it cannot be used.
    """
    file = STORE_FILE.format(target="" if target == "local" else f".{target}")
    return WebStore(private_directory(state_directory(root)) / file)


def read_listening(root: Path, target: str) -> Listening | None:
    """Return where the pages of a project are served; None where they are not.

    Args:
        root: the project's directory.
        target: ``local`` or ``globus``.
    """
    path = _address_file(root, target)
    try:
        found = Listening(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    with only_one(path.with_suffix(".lock")) as is_free:
        return None if is_free else found


def serve(
    root: Path,
    target: str,
    *,
    port: int = 0,
    uds: Path | None = None,
    profile: str | None = None,
    names: tuple[str, ...] = (),
    root_path: str = "",
    on_ready: Callable[[Listening, WebStore], None] = lambda listening, store: None,
) -> None:
    """Serve a project's pages until SIGTERM or SIGINT.

    Args:
        root: the project's directory.
        target: ``local`` or ``globus``.
        port: port on 127.0.0.1; 0 for the last one, or any that is free.
        uds: path of a Unix socket in the place of a port.
        profile: profile of ``headrace.toml``.
        names: further names of hosts that requests may be addressed to.
        root_path: prefix that a proxy passes on.
        on_ready: called when the pages can be asked for.

    Raises:
        WebError: they are served already, or the port, socket or prefix cannot be used.
    """
    root_path = _checked_prefix(root_path)
    state = private_directory(state_directory(root))
    path = _address_file(root, target)
    with only_one(path.with_suffix(".lock")) as is_free:
        if not is_free:
            again = f"headrace web{at_option(target)}"
            raise WebError(f"the pages are served already: `{again}` prints a link")
        listener, where = listen(path, port, uds)
        listening = replace(where, root_path=root_path)
        made = uds.lstat() if uds is not None else None
        store = open_store(root, target)
        heartbeat = HeartbeatWriter(state, "web", target, late_after=180.0, dead_after=600.0)
        try:
            cookie = f"headrace_{listening.url.rsplit(':', 1)[-1].strip('/')}"
            site = Site(
                *(root, target, store),
                profile=profile,
                names=LOOPBACK_NAMES | {name.lower() for name in names},
                root_path=root_path,
                cookie=cookie if not uds else f"headrace_socket_{target}",
                follows_runs=True,
            )
            write_private(path, json.dumps(asdict(listening)) + "\n")
            pages = all_pages()

            def ready() -> None:
                on_ready(listening, store)
                start_preparation(site, pages)

            server = _Server(
                _config(make_app(site, pages)),
                ready,
                lambda: heartbeat.beat("serves pages"),
                site.close,
            )
            try:
                server.run(sockets=[listener])
            except KeyboardInterrupt:
                heartbeat.stop()
                raise
            heartbeat.stop()
        finally:
            store.close()
            listener.close()
            if uds is not None and made is not None:
                remove_socket(uds, made)


def _checked_prefix(root_path: str) -> str:
    """Return a prefix without a slash at its end.

    Raises:
        WebError: it is none, such as a complete address.
    """
    prefix = root_path.rstrip("/")
    try:
        ROOT_PATH.parse(prefix)
    except InvalidValue:
        raise WebError(
            f"{root_path}: no path that a proxy can put before addresses: give it from its first "
            "slash on, such as /node/web, with --root-path or as web.root_path"
        ) from None
    return prefix


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and that it lives."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[], None],
        on_beat: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_beat = on_beat
        self._on_end = on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        notify_ready()
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        notify_stopping()
        # Streams would keep their connections open for as long as browsers look.
        self._on_end()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_BETWEEN_BEATS == 0:
            notify_alive()
            self._on_beat()
        return await super().on_tick(counter)


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        http="httptools",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
    )


def listen(path: Path, port: int, uds: Path | None) -> tuple[socket.socket, Listening]:
    """Return a socket that listens, and where.

    Args:
        path: file with the address of the last time.
        port: port on 127.0.0.1; 0: that of the last time, or any that is free.
        uds: Unix socket in the place of a port; one that nobody listens at is replaced.

    Raises:
        WebError: somebody listens there, something else is there, or it cannot be had.
    """
    try:
        if uds is not None:
            _make_room(uds)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)
            try:
                listener.bind(str(uds))
            finally:
                os.umask(before)
            listener.listen(128)
            return listener, Listening("http://127.0.0.1", str(uds.resolve()), os.getpid())
        return _listen_on_port(path, port)
    except OSError as error:
        where, option = (uds, "--uds") if uds is not None else (f"port {port}", "--port")
        reason = error.strerror or error  # a path that is too long has no number
        raise WebError(
            f"{where}: cannot serve there: {reason}; give another one with {option}"
        ) from error


def _make_room(uds: Path) -> None:
    """Remove a socket that nobody listens at any more.

    Raises:
        WebError: something else is there, or somebody listens.
    """
    try:
        found = uds.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise WebError(f"{uds}: is no socket, and is kept; give another path with --uds")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        with suppress(ConnectionRefusedError, FileNotFoundError):
            probe.connect(str(uds))
            raise WebError(
                f"{uds}: another server listens there, such as that of another target; "
                "give another path with --uds"
            )
    uds.unlink(missing_ok=True)


def remove_socket(uds: Path, made: os.stat_result) -> None:
    """Remove a socket, unless another one has taken its place.

    Args:
        uds: its path.
        made: what `Path.lstat` said of the socket that was made there.
    """
    with suppress(OSError):
        if os.path.samestat(uds.lstat(), made):
            uds.unlink()


def _listen_on_port(path: Path, port: int) -> tuple[socket.socket, Listening]:
    # With its protocol, for asyncio sends small answers at once where it knows that it is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        # Bookmarks and tunnels hold over restarts where the port is free again.
        try:
            listener.bind(("127.0.0.1", port or _last_port(path)))
        except OSError:
            if port:
                raise
            listener.bind(("127.0.0.1", 0))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener, Listening(f"http://127.0.0.1:{listener.getsockname()[1]}", "", os.getpid())


def _last_port(path: Path) -> int:
    try:
        url = str(json.loads(path.read_text(encoding="utf-8"))["url"])
        return int(url.rsplit(":", 1)[1])
    except (OSError, ValueError, KeyError, IndexError):
        return 0


def _address_file(root: Path, target: str) -> Path:
    return state_directory(root) / ADDRESS_FILE.format(target=target)
