"""Events as FDSN clients and obspy write them, with the truth about their shifts.

The records are what seismometers would have written: the ground displacement of the synthetics,
later by a known time, through an instrument's response into whole counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from obspy import Inventory, Stream, Trace, UTCDateTime
from obspy.core.event import Catalog, Origin
from obspy.core.event import Event as QuakeEvent
from obspy.core.inventory import Channel, Network, Response, Site, Station
from obspy.io.sac import SACTrace

STATIONS = ("HILL", "LAKE", "SHORE")
LATE = {"HILL": 1.37, "LAKE": -0.81, "SHORE": 2.25}
"""By how much records are later than synthetics, s."""

DT = 0.5
TIMES = -50.0 + DT * np.arange(1100)
BROADBAND = (("00", "BH", 0.05), ("10", "BH", 0.025))
STRONG_MOTION = ("20", "HN", 0.01)

# Poles and zeros of a broadband sensor of 120 s, and the gain of sensor and digitiser.
_POLES = [-0.036614 + 0.037059j, -0.036614 - 0.037059j, -32.55, -142.0]
_GAIN = 6.0e8
_ACCELEROMETER_GAIN = 4.0e5


def displacement(times: Any, station: str, component: str) -> Any:
    """Two pulses of 20 s, other ones on each component, m."""
    size = {"Z": 1.0, "N": 0.7, "E": 0.5}[component]
    shift = 7.0 * STATIONS.index(station)
    return (1e-4 * size) * sum(
        height * np.exp(-(((times - at - shift) / 9.0) ** 2)) * np.cos((times - at - shift) * 0.31)
        for at, height in ((120.0, 1.0), (260.0, 0.6))
    )


def write_synthetics(directory: Path) -> None:
    """What SPECFEM writes: displacement in two columns."""
    directory.mkdir(parents=True)
    for station in STATIONS:
        for component in "ENZ":
            columns = np.column_stack([TIMES, displacement(TIMES, station, component)])
            np.savetxt(directory / f"AA.{station}.BX{component}.semd", columns)


def inventory() -> Inventory:
    """StationXML as the data centre has it."""
    stations = []
    for name in STATIONS:
        channels = [
            _channel(f"{band}{component}", location, 1.0 / dt)
            for location, band, dt in (*BROADBAND, STRONG_MOTION)
            for component in "ENZ"
        ]
        place = {"latitude": 10.0, "longitude": 20.0, "elevation": 0.0}
        stations.append(Station(name, **place, site=Site(name), channels=channels))
    return Inventory([Network("AA", stations)], source="test")


def _channel(code: str, location: str, rate: float) -> Channel:
    motion, poles, gain = "M/S", _POLES, _GAIN
    zeros: list[complex] = [0, 0]
    if code[1] == "N":
        motion, poles, gain, zeros = "M/S**2", [-600.0, -600.0], _ACCELEROMETER_GAIN, []
    response = Response.from_paz(
        zeros, poles, gain, stage_gain_frequency=0.1, input_units=motion, output_units="COUNTS"
    )
    azimuth, dip = {"Z": (0.0, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}[code[-1]]
    return Channel(
        code, location, 10.0, 20.0, 0.0, 0.0, azimuth, dip, sample_rate=rate, response=response
    )


def counts(
    there: Inventory, origin: UTCDateTime, station: str, channel: str, location: str, dt: float
) -> Trace:
    """What the instrument wrote, whole counts; its samples are not at those of the synthetic."""
    begin = origin - 400.0 + 0.0137
    times = (begin - origin) + dt * np.arange(round(1500.0 / dt))
    ground = displacement(times - LATE[station], station, channel[-1])
    stats = {"network": "AA", "station": station, "channel": channel, "location": location}
    trace = Trace(ground, {**stats, "delta": dt, "starttime": begin})
    response = there.get_response(trace.id, begin)
    size = 2 * len(ground)
    through, _ = response.get_evalresp_response(dt, size, output="DISP")
    written = np.fft.irfft(np.fft.rfft(ground, size) * through, size)[: len(ground)]
    trace.data = np.round(written).astype(np.int32)
    return trace


def records(there: Inventory, origin: UTCDateTime) -> Stream:
    """All channels of all stations."""
    return Stream(
        counts(there, origin, station, f"{band}{component}", location, dt)
        for station in STATIONS
        for location, band, dt in (*BROADBAND, STRONG_MOTION)
        for component in "ENZ"
    )


def write_quakeml(path: Path, origin: UTCDateTime) -> None:
    made = Origin(time=origin, latitude=10.0, longitude=20.0, depth=33_000.0)
    Catalog([QuakeEvent(origins=[made])]).write(str(path), format="QUAKEML")


def write_mass_downloader(observed: Path, stream: Stream, there: Inventory) -> None:
    """NET.STA.LOC.CHA__START__END.mseed and NET.STA.xml, as obspy's mass downloader names them."""
    stamp = "%Y%m%dT%H%M%SZ"
    for trace in stream:
        start, end = (time.strftime(stamp) for time in (trace.stats.starttime, trace.stats.endtime))
        path = observed / f"{trace.id}__{start}__{end}.mseed"
        trace.write(str(path), format="MSEED", encoding="STEIM2", reclen=512)
    for name in STATIONS:
        chosen = there.select(station=name)
        chosen.write(str(observed / f"AA.{name}.xml"), format="STATIONXML")


def write_timeseries_sac(observed: Path, stream: Stream) -> None:
    """SAC of a data centre's service: floats with whole counts, no origin in the header."""
    for trace in stream:
        stats = trace.stats
        start = stats.starttime.strftime("%Y.%j.%H.%M.%S")
        made = trace.copy()
        made.data = made.data.astype(np.float32)
        SACTrace.from_obspy_trace(made).write(
            str(
                observed / f"{stats.network}.{stats.station}.{stats.location}.{stats.channel}.M."
                f"{start}.SAC"
            )
        )


def write_sds(observed: Path, stream: Stream) -> None:
    """Day files as SeisComP's archive names them."""
    for trace in stream:
        stats = trace.stats
        midnight = UTCDateTime(stats.endtime.date)
        days = [trace]
        if stats.starttime < midnight:
            days = [
                trace.slice(None, midnight - 1e-6, nearest_sample=False),
                trace.slice(midnight, None, nearest_sample=False),
            ]
        for part in days:
            day = part.stats.starttime.strftime("%Y.%j")
            path = observed / f"{trace.id}.D.{day}"
            part.write(str(path), format="MSEED", encoding="STEIM2", reclen=512)


def write_dataselect(observed: Path, stream: Stream) -> None:
    """One file with everything that was asked for."""
    name = observed / "fdsnws-dataselect_2021-07-01t00_00_00z.mseed"
    stream.write(str(name), format="MSEED", encoding="STEIM2", reclen=512)


def remove_response(observed: Path, there: Inventory) -> None:
    """What somebody does who is told of raw counts: obspy's own removal, in place of the counts."""
    import obspy

    files = [path for path in sorted(observed.iterdir()) if path.suffix not in (".xml", ".toml")]
    stream = Stream()
    for path in files:
        stream += obspy.read(str(path))
        path.unlink()
    # Day files are joined first, or their ends would ring.
    stream.merge()
    stream.remove_response(there, output="DISP", pre_filt=(0.002, 0.005, 2.0, 5.0))
    for trace in stream:
        trace.data = trace.data.astype(np.float32)
        trace.stats.pop("mseed", None)
        trace.stats.pop("sac", None)
        if files[0].suffix == ".SAC":
            trace.write(str(observed / f"{trace.id}.SAC"), format="SAC")
        else:
            trace.write(str(observed / f"{trace.id}.mseed"), format="MSEED")
