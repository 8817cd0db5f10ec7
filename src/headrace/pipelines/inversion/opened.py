"""The inversion that a page is about."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import HeadraceError
from headrace.pipelines.inversion.directories import find_inversions, staging_in
from headrace.pipelines.inversion.file_cache import FileCache
from headrace.pipelines.inversion.fits import FitReader
from headrace.pipelines.inversion.iterations import Iteration, IterationReader, known_stage
from headrace.pipelines.inversion.runs import InversionRuns
from headrace.seismic.inversion import Inversion, Steering, read_settings, read_steering
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.iteration import band_seen
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.inversion.settings import InversionSettings
from headrace.seismic.inversion.status import RunState, find_state
from headrace.seismic.inversion.steering import read_request
from headrace.web import PageMissing, View

if TYPE_CHECKING:
    from headrace.project import Project

ITERATIONS: Final = IterationReader()
FITS: Final = FitReader()
_SETTINGS: Final[FileCache[InversionSettings]] = FileCache(200)
_HISTORIES: Final[FileCache[list[dict[str, Any]]]] = FileCache(200)

_STATE_SECONDS: Final = 1.0
"""A run is asked for so often at most, however many pages are open."""


@dataclass(frozen=True)
class OpenedInversion:
    """An inversion of the project, as its files are now.

    Attributes:
        name: its name in addresses.
        home: its directory.
        label: its directory as the project calls it.
        staging: where it is computed; None if that cannot be seen from here.
    """

    name: str
    home: Path
    label: str
    staging: Path | None

    @property
    def paths(self) -> Paths:
        """Its files."""
        return Paths(self.home)

    @functools.cached_property
    def settings(self) -> InversionSettings:
        """Its settings.

        Raises:
            ConfigError: they cannot be used.
        """
        return _SETTINGS.get(self.paths.settings, read_settings)

    @functools.cached_property
    def steering(self) -> Steering:
        """Steering requests that hold.

        Raises:
            InversionError: the file cannot be used.
        """
        return read_steering(self.paths)

    @functools.cached_property
    def inversion(self) -> Inversion:
        """Its files, settings and steering together.

        Raises:
            HeadraceError: the settings or the steering cannot be used.
        """
        return Inversion(self.paths, self.settings, self.steering)

    @functools.cached_property
    def iterations(self) -> list[Iteration]:
        """Its iterations, in their order."""
        return ITERATIONS.read_all(self.paths, self.staging)

    @functools.cached_property
    def history(self) -> list[dict[str, Any]]:
        """History: who did what, when, and why."""
        return _HISTORIES.get(self.paths.history, read_lines)

    @functools.cached_property
    def summaries(self) -> list[dict[str, Any]]:
        """Summaries of the iterations that have ended."""
        return [dict(one.summary) for one in self.iterations if one.summary]

    @property
    def last(self) -> Iteration | None:
        """The newest iteration."""
        return self.iterations[-1] if self.iterations else None

    @functools.cached_property
    def band(self) -> tuple[str, str]:
        """Band of the newest iteration, and the band that a person asks for beside it.

        Either is empty where there is none; a band that was asked for is none any more once an
        iteration has it.

        Raises:
            HeadraceError: the settings or the steering cannot be used.
        """
        last, steering = self.last, self.steering
        if last is None:
            return "", steering.band
        if last.summary:
            band, steered = str(last.summary["band"]), str(last.summary["steered"])
        else:
            try:
                request = read_request(self.paths, last.number)
            except InversionError:
                return "", steering.band  # the state's part tells what cannot be read
            band, steered = band_seen(self.inversion, request, self.staging)
        return band, "" if steered == steering.band_id else steering.band

    @property
    def seen(self) -> str:
        """Text that changes with each command and each step: the once key of actions."""
        return f"{len(self.history)}: {known_stage(self.last)}"

    def event_count(self) -> int:
        """Return the number of events that take part."""
        return len(self.inversion.events)


def open_inversion(view: View) -> OpenedInversion:
    """Return the inversion that an address names; the same for all parts of a page.

    Args:
        view: the request, with the parameter ``inversion``.

    Raises:
        PageMissing: there is none of this name.
    """
    return view.read_once("inversion", lambda: _open(view))


def _open(view: View) -> OpenedInversion:
    name = view.path["inversion"]
    found = find_inversions(view.project)
    if name not in found:
        raise PageMissing(f"there is no inversion {name!r}; the page Inversions has those that are")
    opened = _opened(view, name, found[name])
    last = [number_text(one.number) for one in opened.iterations[-1:]]
    view.watch(f"inversion:{name}", *_watched(opened, last))
    return opened


def _watched(opened: OpenedInversion, last: list[str]) -> list[Path]:
    """Return what changes as an inversion goes on: files of people, and those of its last stage."""
    paths = opened.paths
    found = [paths.settings, paths.steering, paths.history, paths.iterations]
    for place in last:
        found += [paths.iterations / place, paths.iterations / place / "results"]
        if opened.staging is not None:
            found.append(Paths(opened.staging).iterations / place / "records")
    return found


def open_all(view: View) -> list[OpenedInversion]:
    """Return all inversions of the project, by their names."""
    found = [_opened(view, name, home) for name, home in find_inversions(view.project).items()]
    watched = [path for one in found for path in (one.paths.history, one.paths.iterations)]
    view.watch("inversion", *watched)
    return found


def read_iterations(project: Project, homes: Iterable[Path]) -> None:
    """Read iterations and settings of inversions, so that who asks first does not wait for them.

    Args:
        project: the project.
        homes: directories of the inversions.
    """
    for home in homes:
        paths = Paths(home)
        ITERATIONS.read_all(paths, staging_in(project, home))
        with suppress(HeadraceError):  # its page tells why
            _SETTINGS.get(paths.settings, read_settings)


def _opened(view: View, name: str, home: Path) -> OpenedInversion:
    project = view.project
    root = project.collections["workstation"].root.resolve()
    label = str(home.relative_to(root)).encode("utf-8", "replace").decode()
    return OpenedInversion(name, home, label, staging_in(project, home))


def state_of(view: View, opened: OpenedInversion) -> RunState:
    """Return how an inversion stands; its run is asked for where it has one.

    Args:
        view: the request.
        opened: the inversion.

    Raises:
        HeadraceError: its files cannot be read.
    """
    numbers = [one.number for one in opened.iterations]
    return find_state(
        opened.inversion,
        numbers,
        opened.summaries,
        lambda iteration: _run_state(view, opened.home, iteration),
    )


def _run_state(view: View, home: Path, iteration: int) -> RunState:
    project = view.project

    def ask(before: RunState | None) -> RunState:
        return view.ask(
            lambda services: InversionRuns(
                home, view.target, lambda: project, lambda _: services
            ).state(iteration)
        )

    try:
        return view.site.shared.get(("run of inversion", home, iteration), _STATE_SECONDS, ask)
    except HeadraceError as error:
        return RunState("unknown", f"its runs cannot be asked for: {error}")
