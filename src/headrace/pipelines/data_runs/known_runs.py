"""Data runs as pages know them: polled at most every two seconds, however many pages are open."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from weakref import WeakKeyDictionary

from headrace.pipeline_status import (
    DataRunPlaces,
    DataRuns,
    SegmentStatus,
    list_segment_status,
)
from headrace.pipeline_status.data_runs import FLOW
from headrace.pipelines.data_runs.indexes import SegmentIndex, SegmentIndexes
from headrace.web.errors import NotHere, PageMissing

if TYPE_CHECKING:
    from headrace.datarun.status import DataRunStatus
    from headrace.runs.poller import RunView
    from headrace.web.site import Site
    from headrace.web.view import View

_SECONDS: Final = 2.0
_RUNS: Final = 100
# Newest data runs whose directories are looked at for changes.
_WATCHED: Final = 20
# Of them, those whose newest segment is looked at; at a time one is taken.
_MOST_GROWING: Final = 5
INDEX_DIRECTORY: Final = "data_run_index"

_SITES: WeakKeyDictionary[Site, KnownRuns] = WeakKeyDictionary()
_SITES_LOCK = threading.Lock()


@dataclass(frozen=True)
class KnownRun:
    """A data run, as pages know it.

    Attributes:
        status: its status.
        places: where it is on this machine.
        run: its run of the flow; None without one.
        segments: its segments.
    """

    status: DataRunStatus
    places: DataRunPlaces
    run: RunView | None
    segments: Sequence[SegmentStatus]

    @property
    def is_active(self) -> bool:
        """True while its run of the flow goes on."""
        return self.run is not None and not self.run.final

    @property
    def address(self) -> str:
        """Address of its page."""
        return f"data-runs/{quote(self.status.name, safe='')}"


class KnownRuns:
    """The data runs of a site, and the indexes of their segments.

    Args:
        site: the site.
    """

    def __init__(self, site: Site) -> None:
        self.indexes = SegmentIndexes(site.root / ".headrace" / INDEX_DIRECTORY)
        self._lock = threading.Lock()
        self._runs: DataRuns | None = None
        self._polled: list[DataRunStatus] = []
        self._polled_at = -_SECONDS

    def poll(self, view: View) -> list[DataRunStatus]:
        """Return all data runs, the newest first.

        Raises:
            HeadraceError: the flow is not deployed, or the services do not answer.
        """
        with self._lock:
            if FLOW not in view.project.flow_names():
                raise NotHere(
                    "this project has no data runs: `headrace init DIR --for data_run` makes one "
                    "that has"
                )
            runs = self._runs
            if runs is None or runs.project is not view.project:
                runs = self._runs = DataRuns(view.project, view.target, _RUNS)
                self._polled_at = -_SECONDS
            if time.monotonic() - self._polled_at >= _SECONDS:
                found = view.ask(runs.poll)
                self._polled = [run for run in reversed(found) if _is_text(run.name)]
                self._polled_at = time.monotonic()
                places = [runs.places(run.name) for run in self._polled[:_WATCHED]]
                raw = [each.raw for each in places if each.raw]
                staging = [each.staging for each in places if each.staging]
                growing = self._growing(runs)
                view.watch("data_run", *growing, *{each.parent for each in raw}, *raw, *staging)
            return self._polled

    def _growing(self, runs: DataRuns) -> list[Path]:
        """Return the segments that the acquisition may be writing to: a directory says nothing."""
        from headrace.datarun.status import arrived_segments

        found = []
        for run in self._polled[:_WATCHED]:
            raw = runs.places(run.name).raw if run.status == "TAKING DATA" else None
            found += arrived_segments(raw)[-1:] if raw is not None else []
        return found[:_MOST_GROWING]

    def find(self, view: View) -> KnownRun:
        """Return the data run that an address names.

        Raises:
            PageMissing: there is none of this name.
            HeadraceError: as `poll`.
        """
        name = view.path["data_run"]
        for status in self.poll(view):
            if status.name == name:
                return self._known(status)
        raise PageMissing(f"there is no data run {name!r}: the page of data runs has those known")

    def find_named(self, name: str) -> KnownRun | None:
        """Return a data run of those that were polled last; None where it is not among them."""
        found = next((each for each in self._polled if each.name == name), None)
        return self._known(found) if found is not None else None

    def _known(self, status: DataRunStatus) -> KnownRun:
        with self._lock:
            runs = self._runs
            places = runs.places(status.name) if runs is not None else DataRunPlaces()
            run = runs.view(status.name) if runs is not None else None
        active = run is not None and not run.final
        segments = list_segment_status(places, is_active=active)
        return KnownRun(status, places, run, segments)

    def entries(self, run: RunView) -> list[dict[str, object]]:
        """Return the log of a run of the flow, as far as it was polled."""
        with self._lock:
            return self._runs.entries(run.id) if self._runs is not None else []

    def index_of(self, run: KnownRun) -> dict[int, SegmentIndex]:
        """Return the indexes of a data run's segments by their numbers."""
        return {each.number: self.indexes.find(each.best_file) for each in run.segments}


def known_runs(view: View) -> KnownRuns:
    """Return the data runs of a view's site."""
    with _SITES_LOCK:
        found = _SITES.get(view.site)
        if found is None:
            found = _SITES[view.site] = KnownRuns(view.site)
        return found


def _is_text(name: str) -> bool:
    """Return whether a name can be written: those of files may be any bytes."""
    return name.isprintable() and bool(name)
