"""Weights of an event's stations, and those that have no seismogram at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import SeismicError
from headrace.seismic.measurement.geometry import EventGeometry, azimuth_weights
from headrace.seismic.waveforms.stations import Pair, Station


def with_silent_stations(
    stations: Sequence[Station], geometry: EventGeometry, components: Sequence[str]
) -> list[Station]:
    """Add the stations that have no trace at all, for a zero adjoint source each.

    Args:
        stations: those with traces, one at least.
        geometry: has the places of all.
        components: component letters.

    Returns:
        All of them by their codes.
    """
    there = {station.code for station in stations}
    example = stations[0].pairs[0].channel
    silent = []
    for code in geometry.stations:
        if code not in there:
            network, _, name = code.partition(".")
            pairs = [
                Pair(component, example[:-1] + component, None, None, blank=True)
                for component in components
            ]
            silent.append(Station(network, name, tuple(pairs)))
    return sorted([*stations, *silent], key=lambda station: (station.network, station.name))


def event_weights(
    config: ProcessingConfig,
    config_file: str,
    stations: Sequence[Station],
    geometry: EventGeometry | None,
) -> Mapping[str, float]:
    """Weigh the stations of an event.

    Args:
        config: how.
        config_file: what the configuration is called in messages.
        stations: those of the event.
        geometry: the places of all; None if unknown.

    Returns:
        Weights of stations ``NET.STA``; the others weigh 1.

    Raises:
        SeismicError: weights by azimuth need a place that is unknown.
    """
    weights = {
        station.code: config.weights.stations[station.code]
        for station in stations
        if station.code in config.weights.stations
    }
    if not config.weights.azimuth_bins:
        return weights
    if geometry is None:
        raise SeismicError(
            f"{config_file}: weights.azimuth_bins needs positions; name the event's directory "
            "with source.toml and STATIONS, --event-directory"
        )
    measured = [
        station.code
        for station in stations
        if weights.get(station.code, 1.0) > 0.0
        and any(pair.observed and pair.synthetic for pair in station.pairs)
    ]
    nowhere = [code for code in measured if code not in geometry.stations]
    if nowhere:
        more = f" and {len(nowhere) - 3} more" if len(nowhere) > 3 else ""
        raise SeismicError(
            f"STATIONS lacks {', '.join(nowhere[:3])}{more}, which have seismograms; without "
            "a position there is no weight by azimuth: write it there, or weights.stations of 0"
        )
    by_azimuth = azimuth_weights(geometry, measured, config.weights.azimuth_bins)
    return weights | {code: weights.get(code, 1.0) * by_azimuth[code] for code in measured}
