"""The site, which all pages share: the project, the services of a target, the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from headrace._internal.file_signature import file_signature
from headrace.project import load_project
from headrace.project.targets import connect
from headrace.project_status import ProjectStatus, read_status
from headrace.project_status.failed_runs import FailedRuns
from headrace.runs.run_changes import ChangeFollower
from headrace.runs.service_connection import ServiceConnection
from headrace.web.changes.broadcast import Broadcast
from headrace.web.changes.local_files import LocalChanges
from headrace.web.changes.watcher import ChangeWatcher
from headrace.web.current_value import CurrentValue
from headrace.web.long_actions import LongActions
from headrace.web.part_cache import PartCache
from headrace.web.requests_under_way import RequestsUnderWay
from headrace.web.shared_values import SharedValues
from headrace.web.user_files import UserFiles
from headrace.web.views.kept_figures import KeptFigures
from headrace.web.views.notices import notice_key

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.web.security.store import WebStore

T = TypeVar("T")

STATUS_TOPIC: Final = "status"
"""Topic of the project's status; told when it was read again."""

_STATUS_TOPICS: Final = ("runs", "web_inputs", "endpoints", "facility", "triggers", "campaigns")
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Site:
    """The project whose pages are served.

    Args:
        root: the project's directory.
        target: ``local`` or ``globus``.
        store: sessions, and the record of what was done.
        profile: profile of ``headrace.toml``.
        names: names of hosts that a request may be addressed to.
        root_path: prefix of all addresses, where a proxy passes it on; begins with a slash.
        cookie: name of the cookie.
        services: gives the services in the place of those of the target; tests replace them.
        follows_runs: whether changes of runs are followed while anybody looks.

    Attributes:
        shared: values that many requests show.
        broadcast: topics that change.
        parts: parts of pages that many browsers show.
        status: the project's status.
        files: files of users.
        kept: figures that take long.
        long_actions: what takes longer than a browser waits.
        under_way: requests for pages that are being answered.
    """

    def __init__(
        self,
        root: Path,
        target: str,
        store: WebStore,
        *,
        profile: str | None = None,
        names: frozenset[str] = LOOPBACK_NAMES,
        root_path: str = "",
        cookie: str = "headrace",
        services: Callable[[], Services] | None = None,
        follows_runs: bool = False,
    ) -> None:
        self.root = root
        self.target = target
        self.store = store
        self.profile = profile
        self.names = names
        self.root_path = root_path.rstrip("/")
        self.cookie = cookie
        self.kept = KeptFigures()
        self._failed_runs = FailedRuns()
        self.long_actions = LongActions()
        self.under_way = RequestsUnderWay()
        self._connection = ServiceConnection(services or self._connect)
        self._loading = threading.Lock()
        self._loaded: tuple[tuple[object, ...], Project] | None = None
        self.broadcast = Broadcast()
        self.shared = SharedValues(last_change=lambda: self.broadcast.number)
        self.parts = PartCache(self.broadcast)
        self.status: CurrentValue[ProjectStatus] = CurrentValue(
            self._read_status,
            *(_STATUS_TOPICS, STATUS_TOPIC, self.broadcast),
        )
        self.files = UserFiles(self.project)
        self._local = LocalChanges(self.project, target)
        self.watcher = ChangeWatcher(
            *(self.broadcast, self._local),
            partial(ChangeFollower, services or self._connect, target) if follows_runs else None,
            *(self._open_sessions, target),
        )

    def _read_status(self) -> ProjectStatus:
        status = read_status(self.project(), self.target, self._failed_runs)
        if not status.unknown:
            self.store.keep_dismissed({notice_key(each) for each in status.findings})
        return status

    def close(self) -> None:
        """End all streams, and look for changes no more."""
        self.watcher.close()

    def forget_shown(self) -> None:
        """Have all that is shown read anew: something was done."""
        self.parts.forget()
        self.shared.forget()
        self.status.forget()

    def watch(self, topic: str, paths: Collection[Path]) -> None:
        """Have a topic told when files or directories change, while anybody looks at it.

        Args:
            topic: the topic.
            paths: the files, and directories whose entries count; at most 50.
        """
        self._local.name(topic, paths)

    def project(self) -> Project:
        """Return the project as its files are now.

        Raises:
            ProjectError: they cannot be read.
        """
        files = (self.root / name for name in ("headrace.toml", "headrace.lock"))
        stamp = (*map(file_signature, files),)
        with self._loading:
            if self._loaded is None or self._loaded[0] != stamp:
                self._loaded = (stamp, load_project(self.root, self.profile, self.target))
            return self._loaded[1]

    def ask(self, ask: Callable[[Services], T]) -> T:
        """Call with the services of the target, and return the answer.

        Raises:
            HeadraceError: they do not answer, or refuse.
        """
        return self._connection.ask(ask)

    def _open_sessions(self) -> set[int]:
        return {session["id"] for session in self.store.sessions()}

    def _connect(self) -> Services:
        return connect(self.project(), self.target)
