"""Changes that are seen in files of this machine: ledgers, heartbeats, and what pages name."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.file_signature import file_signature
from headrace._internal.heartbeat_files import heartbeat_directory
from headrace.campaigns.campaign_access import ledger_path
from headrace.campaigns.ledger.ledger_kind import LEDGER_OF_CAMPAIGNS
from headrace.endpoints.installation import installation_home
from headrace.endpoints.monitor.heartbeat import heartbeat_file
from headrace.errors import HeadraceError
from headrace.facility import state_directory
from headrace.ledger_file import ChangeWatch, LedgerKind
from headrace.notifications.outbox import OUTBOX_FILE
from headrace.triggers.ledger_kind import LEDGER_OF_ARRIVALS
from headrace.triggers.state_files import ledger_file

if TYPE_CHECKING:
    from headrace.project import Project

logger = logging.getLogger(__name__)

_MOST_TOPICS: Final = 200
_MOST_PATHS: Final = 50


class LocalChanges:
    """Looks whether files have changed since the last look. One thread looks; any may name files.

    Args:
        project: returns the project as its files are now.
        target: ``local`` or ``globus``.
    """

    def __init__(self, project: Callable[[], Project], target: str) -> None:
        self._project = project
        self._target = target
        self._lock = threading.Lock()
        self._named: OrderedDict[str, tuple[Path, ...]] = OrderedDict()
        self._ledgers: dict[tuple[str, Path], ChangeWatch] = {}
        self._states: dict[str, Any] = {}

    def name(self, topic: str, paths: Collection[Path]) -> None:
        """Have a topic told when one of some files or directories has changed.

        Args:
            topic: the topic.
            paths: files, and directories whose entries count; at most 50.
        """
        with self._lock:
            self._named[topic] = tuple(paths)[:_MOST_PATHS]
            self._named.move_to_end(topic)
            while len(self._named) > _MOST_TOPICS:
                self._states.pop(self._named.popitem(last=False)[0], None)

    def look(self, wanted: Collection[str]) -> set[str]:
        """Return the topics that have changed since the last look.

        Args:
            wanted: topics that anybody is told of; what only others name is not looked at.
        """
        changed = set()
        for topic, state in self._current(wanted):
            known = topic in self._states
            if known and self._states[topic] != state:
                changed.add(topic.partition("@")[0])
            self._states[topic] = state
        return changed

    def close(self) -> None:
        """Close the ledgers."""
        for watch in self._ledgers.values():
            watch.close()
        self._ledgers.clear()

    def _current(self, wanted: Collection[str]) -> Iterator[tuple[str, Any]]:
        with self._lock:
            named = tuple(self._named.items())
        for topic, paths in named:
            if topic in wanted:
                yield topic, tuple(map(file_signature, paths))
        try:
            project = self._project()
            state = state_directory(project.root)
            yield "triggers", self._ledger(ledger_file(project, self._target), LEDGER_OF_ARRIVALS)
            yield "campaigns", self._ledger(ledger_path(project, self._target), LEDGER_OF_CAMPAIGNS)
            heard = file_signature(heartbeat_directory(state))
            yield "facility@heartbeats", heard
            yield "heartbeats", heard
            yield "endpoints", (*map(file_signature, _of_endpoints(project, self._target)),)
            outbox = state / OUTBOX_FILE
            outboxes = (outbox, outbox.with_name(f"{OUTBOX_FILE}-wal"))
            yield "notifications", (*map(file_signature, outboxes),)
            folders = (project.triggers_dir, project.root / "campaigns", project.root / "flows")
            yield "triggers@files", file_signature(folders[0])
            yield "campaigns@files", file_signature(folders[1])
            files = (project.root / name for name in ("headrace.toml", "headrace.lock"))
            yield "project", (*map(file_signature, files), *map(file_signature, folders))
        except HeadraceError as error:
            # The pages tell of it where it matters to them: what changes is that it cannot be read.
            yield "project", str(error)

    def _ledger(self, path: Path, kind: LedgerKind) -> Any:
        watch = self._ledgers.get((kind.name, path))
        if watch is None:
            watch = self._ledgers[(kind.name, path)] = ChangeWatch(path, kind)
        try:
            return watch.state()
        except HeadraceError as error:
            watch.close()
            return str(error)


def _of_endpoints(project: Project, target: str) -> list[Path]:
    """Return what changes when an endpoint starts, ends, is drained, or was monitored."""
    homes = [installation_home(project, target)]
    if target == "local":
        homes.append(state_directory(project.root) / "endpoints")
    found = [heartbeat_file(project), *homes]
    for home in homes:
        # An endpoint that is started or drained has another file in its directory.
        with suppress(OSError):
            found += sorted(each for each in home.iterdir() if each.is_dir())[:_MOST_PATHS]
    return found
