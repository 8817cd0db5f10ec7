"""Event directories: search for the seismograms of events below a directory.

An event is a directory with ``obs`` (or ``observed``) and ``syn`` (or ``synthetic``), also below
``waveforms``; or a directory of observed seismograms alone. A directory of such directories is one
of several events.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.seismic.errors import SeismicError
from headrace.seismic.measurement.geometry import SOURCE_FILE, STATIONS_FILE
from headrace.seismic.waveforms.unread_files import directory_problem, is_other

OBSERVED_NAMES: Final = ("obs", "observed")
SYNTHETIC_NAMES: Final = ("syn", "synthetic")


@dataclass(frozen=True)
class EventDirectories:
    """Directories of one event's seismograms.

    Attributes:
        name: of the event.
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms; None where there is none yet.
        geometry: directory with the places of source and stations; None where it has none.
    """

    name: str
    observed: Path
    synthetic: Path | None
    geometry: Path | None = None


def find_events(directory: Path, synthetic: Path | None = None) -> list[EventDirectories]:
    """Find the events of a directory.

    Args:
        directory: of one event, or of several.
        synthetic: directory of computed seismograms where they are elsewhere: of the one event,
            or with a directory of the same name for each of several.

    Returns:
        The events by name, one at least.

    Raises:
        SeismicError: there is none, or a directory is missing.
    """
    for place in (directory, synthetic):
        if place is not None and not place.is_dir():
            raise SeismicError(f"{place}: no such directory")
    name = directory.resolve().name
    if found := _event(name, directory, synthetic):
        return [found]
    below = sorted(path for path in directory.iterdir() if path.is_dir())
    visible = [path for path in below if not path.name.startswith((".", "__"))]
    if not _has_files(directory):
        several = [
            event
            for path in visible
            if (event := _event(path.name, path, _of(synthetic, path.name)))
        ]
        if several:
            # An event whose directories are called otherwise is reported, not passed over.
            named = {event.name for event in several}
            several += [
                EventDirectories(path.name, path / OBSERVED_NAMES[0], None)
                for path in visible
                if path.name not in named and directory_problem(path)
            ]
            return sorted(several, key=lambda event: event.name)
        several = [
            EventDirectories(path.name, path, _of(synthetic, path.name))
            for path in visible
            if _has_files(path)
        ]
        if several:
            return several
        archive = next((text for path in visible if (text := directory_problem(path))), None)
        more = f"; {archive}" if archive else ""
        raise SeismicError(f"{directory}: no seismograms of an event in it{more}")
    return [EventDirectories(name, directory, synthetic)]


def _event(name: str, directory: Path, synthetic: Path | None) -> EventDirectories | None:
    for place in (directory, directory / "waveforms"):
        observed = _either(place, OBSERVED_NAMES)
        computed = _either(place, SYNTHETIC_NAMES)
        if observed or computed:
            placed = all((directory / name).is_file() for name in (SOURCE_FILE, STATIONS_FILE))
            return EventDirectories(
                name,
                observed or place / OBSERVED_NAMES[0],
                synthetic or computed,
                directory if placed else None,
            )
    return None


def _either(place: Path, names: tuple[str, ...]) -> Path | None:
    return next((place / name for name in names if (place / name).is_dir()), None)


def _of(synthetic: Path | None, name: str) -> Path | None:
    return synthetic / name if synthetic is not None else None


def _has_files(directory: Path) -> bool:
    try:
        return any(path.is_file() and not is_other(path) for path in directory.iterdir())
    except OSError as error:
        raise SeismicError(f"{directory}: cannot be read: {error.strerror}") from None
