"""Origin time and place of an event, from the files beside its seismograms.

``event.toml`` (``time``, and if wanted ``latitude``, ``longitude`` in degrees, ``depth`` in km),
``CMTSOLUTION`` and QuakeML (``*.xml``) are read. Several of them must agree.

Sources: SPECFEM3D_GLOBE manual (CMTSOLUTION); QuakeML 1.2.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

from headrace._internal.settings import (
    FileKind,
    Key,
    KeyWording,
    Reading,
    TomlDocument,
    UnreadableToml,
    table_of,
)
from headrace.seismic.checks import UtcTime, number
from headrace.seismic.errors import SeismicError
from headrace.seismic.measurement.geometry import fortran_number

EVENT_FILE: Final = "event.toml"
CMT_FILE: Final = "CMTSOLUTION"
_QUAKEML_SUFFIXES: Final = (".xml", ".quakeml")
TOLERANCE: Final = 1.0
"""Origin times that differ by no more than so many seconds agree."""

_LEAP_SECOND = re.compile(r":60(?!\d)")
_PLACE_TOLERANCE = 1.0  # degree; a centroid is not where the rupture began
_EARLIEST = datetime.datetime(1880, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class EventTable:
    """The file ``event.toml``: time zero of an event's seismograms, and its place."""

    time: Annotated[datetime.datetime, Key("The origin time in UTC.", UtcTime())]
    latitude: Annotated[
        float | None, Key("Latitude of the event.", number(-90.0, 90.0), "degrees north")
    ] = None
    longitude: Annotated[
        float | None, Key("Longitude of the event.", number(-180.0, 360.0), "degrees east")
    ] = None
    depth: Annotated[float | None, Key("Its depth.", number(-10.0, 800.0), "km")] = None


EVENT: Final = table_of(EventTable)


@dataclass(frozen=True)
class EventOrigin:
    """Time zero of an event's seismograms, and its place.

    Attributes:
        time: time zero, UTC; of a ``CMTSOLUTION`` the centroid time.
        file: what states it, for messages.
        alternatives: other times that the same file gives, such as that of the hypocentre.
        latitude: degrees north; None if unknown.
        longitude: degrees east; None if unknown.
        depth: km; None if unknown.
    """

    time: datetime.datetime
    file: str
    alternatives: tuple[datetime.datetime, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    depth: float | None = None

    def agrees_with(self, time: datetime.datetime) -> bool:
        """Return whether another origin time is that of this event, within `TOLERANCE`."""
        known = (self.time, *self.alternatives)
        return any(abs((one - time).total_seconds()) <= TOLERANCE for one in known)


def find_origin(
    observed: Path, synthetic: Path, event_directory: Path | None = None
) -> EventOrigin | None:
    """Find the origin of an event in the files beside its seismograms.

    Args:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms; the directory that both are in counts
            too.
        event_directory: a further directory of the event.

    Returns:
        The origin, by ``CMTSOLUTION`` before ``event.toml`` before QuakeML; None without any.

    Raises:
        SeismicError: a file cannot be read, is absurd, or disagrees with another.
    """
    above = {place.absolute().parent for place in (observed, synthetic)}
    # Where both have different ones, the directory above may be that of all events.
    directories = [observed, synthetic, *(above if len(above) == 1 else ())]
    if event_directory is not None:
        directories.append(event_directory)
    found = list(_origins({place.resolve(): place for place in directories}.values()))
    if not found:
        return None
    first, *others = found
    for other in others:
        _refuse_disagreement(first, other)
    places = [origin for origin in found if origin.latitude is not None]
    place = places[0] if places else first
    return EventOrigin(
        first.time,
        first.file,
        tuple(time for origin in found for time in (origin.time, *origin.alternatives)),
        place.latitude,
        place.longitude,
        place.depth,
    )


def event_file_of(observed: Path, synthetic: Path | None) -> Path:
    """Return where an ``event.toml`` of an event belongs.

    Args:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms; None without any.
    """
    alone = synthetic is None or synthetic.absolute().parent != observed.absolute().parent
    return (observed if alone else observed.parent) / EVENT_FILE


def _origins(directories: Iterable[Path]) -> Iterator[EventOrigin]:
    paths = [path for directory in directories for path in _files(directory)]
    for path in paths:
        if path.name.startswith(CMT_FILE):
            yield _checked(read_cmtsolution(path))
    for path in paths:
        if path.name == EVENT_FILE:
            yield _checked(read_event_file(path))
    for path in paths:
        if path.suffix.lower() in _QUAKEML_SUFFIXES and (origin := read_quakeml(path)):
            yield _checked(origin)


def _files(directory: Path) -> list[Path]:
    """Return the files of a directory that may state an origin, sorted.

    The names alone choose: the directory may be that of a thousand events, and is listed for each.
    """
    try:
        names = sorted(filter(_may_state_origin, os.listdir(directory)))  # noqa: PTH208 - names
        return [path for name in names if (path := directory / name).is_file()]
    except OSError:
        return []  # a directory that is missing is reported where its seismograms are looked for


def _may_state_origin(name: str) -> bool:
    return (
        name.startswith(CMT_FILE) or name == EVENT_FILE or name.lower().endswith(_QUAKEML_SUFFIXES)
    )


def _checked(origin: EventOrigin) -> EventOrigin:
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    if not _EARLIEST <= origin.time <= tomorrow:
        raise SeismicError(
            f"{origin.file}: an origin time of {origin.time.isoformat()} cannot be; correct it"
        )
    return origin


def _refuse_disagreement(first: EventOrigin, other: EventOrigin) -> None:
    times = (other.time, *other.alternatives)
    if not any(first.agrees_with(time) for time in times):
        apart = abs((first.time - other.time).total_seconds())
        raise SeismicError(
            f"the origin times of {first.file} ({first.time.isoformat()}) and {other.file} "
            f"({other.time.isoformat()}) are {apart:g} s apart; correct or remove one of them"
        )
    for name in ("latitude", "longitude"):
        one, two = getattr(first, name), getattr(other, name)
        if one is not None and two is not None:
            apart = abs((one - two + 180.0) % 360.0 - 180.0)
            if apart > _PLACE_TOLERANCE:
                raise SeismicError(
                    f"{first.file} and {other.file} are of different places: {name} {one:g} "
                    f"and {two:g} degrees; correct or remove one of them"
                )


def read_event_file(path: Path) -> EventOrigin:
    """Read an ``event.toml``.

    Raises:
        SeismicError: it cannot be read, or a key is missing, unknown or wrong.
    """
    text, reading = _read(path)
    found = reading.read(EVENT)
    if found is None:
        raise SeismicError(f"{reading.faults[0].message}{_leap_second(text)}")
    return EventOrigin(
        file=str(path),
        time=found.time,
        latitude=found.latitude,
        longitude=found.longitude,
        depth=found.depth,
    )


def event_file_problems(path: Path) -> list[str]:
    """Return all that is wrong with an ``event.toml``, one line each."""
    try:
        text, reading = _read(path)
    except SeismicError as error:
        return [str(error)]
    reading.read(EVENT)
    return [f"{fault.message}{_leap_second(text)}" for fault in reading.faults]


EVENT_TOML: Final = FileKind(
    name=EVENT_FILE,
    description="Time zero and place of an event, beside its seismograms.",
    table=EVENT,
    patterns=(),
    problems=event_file_problems,
)
"""The kind of file."""


def _read(path: Path) -> tuple[str, Reading]:
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return text, Reading(TomlDocument.parse(text, str(path)), KeyWording())
    except OSError as error:
        raise SeismicError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnreadableToml, UnicodeDecodeError) as error:
        raise SeismicError(f"{path}: not valid TOML: {error}{_leap_second(text)}") from None


def _leap_second(text: str) -> str:
    if not _LEAP_SECOND.search(text):
        return ""
    return "; a leap second cannot be written: give the second after it, 00:00:00 of the next day"


def read_cmtsolution(path: Path) -> EventOrigin:
    """Read a ``CMTSOLUTION``; its time zero is the origin of the catalogue plus the time shift.

    Raises:
        SeismicError: it cannot be read or is no such file.
    """
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
        # The catalogue's name may be joined to the year: "PDEW2013 11 15 ..." or " PDE 2003 ...".
        words = lines[0].replace("PDEW", "PDEW ").replace("PDEQ", "PDEQ ").split()
        first = next(k for k, word in enumerate(words) if word.isdecimal() and len(word) == 4)
        year, month, day, hour, minute = map(int, words[first : first + 5])
        second = float(words[first + 5])
        catalogue = datetime.datetime(year, month, day, hour, minute, tzinfo=datetime.UTC)
        catalogue += datetime.timedelta(seconds=second)
        shifts = [
            (name.strip().lower(), fortran_number(value))
            for name, _, value in (line.partition(":") for line in lines[1:])
            if value and name.strip().lower() != "event name"
        ]
        facts = dict(reversed(shifts))
        _refuse_other_sources(path, lines)
        # Of several sources the first to begin is at the time zero of the synthetics.
        shift = datetime.timedelta(seconds=min(s for name, s in shifts if name == "time shift"))
        return EventOrigin(
            catalogue + shift,
            str(path),
            (catalogue,),
            facts.get("latitude", facts.get("latorutm")),
            facts.get("longitude", facts.get("longorutm")),
            facts.get("depth"),
        )
    except OSError as error:
        raise SeismicError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, IndexError, StopIteration, OverflowError):
        raise SeismicError(
            f"{path}: not a complete CMTSOLUTION: its first line must give year, month, day, hour, "
            "minute and second, the others 'time shift:', 'latitude:' and so on"
        ) from None


def _refuse_other_sources(path: Path, lines: Sequence[str]) -> None:
    """Refuse sources of different events; those of one rupture have one time of the catalogue."""
    firsts = {
        tuple(re.findall(r"[\d.]+", before)[:6])
        for before, line in pairwise(lines)
        if line.strip().lower().startswith("event name")
    }
    if len(firsts) > 1:
        raise SeismicError(f"{path}: holds {len(firsts)} events; keep that of these seismograms")


def read_quakeml(path: Path) -> EventOrigin | None:
    """Read the preferred origin of a QuakeML file; None if the file is other XML.

    Raises:
        SeismicError: it holds several events, or one without an origin.
    """
    try:
        with path.open("rb") as file:
            if b"quakeml" not in file.read(4096).lower():
                return None
    except OSError as error:
        raise SeismicError(f"{path}: cannot be read: {error.strerror}") from None
    import obspy

    try:
        events = obspy.read_events(str(path), format="QUAKEML")
    except Exception as error:  # noqa: BLE001 - obspy's readers raise whatever they like
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SeismicError(f"{path}: not QuakeML: {reason}") from None
    if len(events) != 1:
        raise SeismicError(f"{path}: holds {len(events)} events; keep the one of these seismograms")
    preferred = events[0].preferred_origin()
    others = [one.time for one in events[0].origins if one.time is not None]
    if preferred is None and others and max(others) - min(others) > TOLERANCE:
        raise SeismicError(
            f"{path}: holds {len(others)} origins from {min(others)} to {max(others)}, and none is "
            "preferred: keep one, or write its preferredOriginID"
        )
    origin = preferred or next(iter(events[0].origins), None)
    if origin is None or origin.time is None:
        raise SeismicError(f"{path}: the event has no origin with a time")
    return EventOrigin(
        _utc(origin.time),
        str(path),
        tuple(_utc(time) for time in others),
        origin.latitude,
        origin.longitude,
        None if origin.depth is None else origin.depth / 1000.0,
    )


def _utc(time: Any) -> datetime.datetime:
    return time.datetime.replace(tzinfo=datetime.UTC)  # type: ignore[no-any-return]
