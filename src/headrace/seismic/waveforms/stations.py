"""Stations of an event: which trace is compared with which, and which are left out.

Where a component has several traces, one is taken by this rule, the first that separates them:
the quantity of the other side; the channel of the other side; seismometers before accelerometers;
location codes in their order, the empty one first; two columns, SAC, then other formats; the name.
Of synthetics displacement is taken first.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.seismic.errors import IN_CONFIGURATION, Problem, SeismicError
from headrace.seismic.measurement.event_origin import TOLERANCE
from headrace.seismic.waveforms.quantities import QUANTITIES, instrument_rank
from headrace.seismic.waveforms.trace_files import (
    FROM_SETTING,
    NO_NETWORK,
    TWO_COLUMNS,
    TraceFile,
    Traces,
    find_traces,
)


@dataclass(frozen=True)
class Pair:
    """Pair of traces of one component of a station; a trace that is missing is None.

    Attributes:
        component: component letter.
        channel: channel code of the synthetic, which names the adjoint source.
        observed: the recorded trace.
        synthetic: the computed trace.
        blank: the station has no such component at all: only a zero trace is wanted.
        left_out: traces of the component that were not taken.
        other_origin: what other headers say of the origin time, where this one's disagrees.
        hint: what there is instead of a trace that is missing, for its problem; "" if nothing.
    """

    component: str
    channel: str
    observed: TraceFile | None
    synthetic: TraceFile | None
    blank: bool = False
    left_out: tuple[TraceFile, ...] = ()
    hint: str = ""
    other_origin: str = ""


@dataclass(frozen=True)
class Station:
    """One station and its pairs, in the order of the components asked for."""

    network: str
    name: str
    pairs: tuple[Pair, ...]

    @property
    def code(self) -> str:
        """``NET.STA``."""
        return f"{self.network}.{self.name}"


def find_stations(
    observed: Path,
    synthetic: Path,
    components: Iterable[str],
    observed_quantity: str | None = None,
    synthetic_quantity: str | None = None,
) -> tuple[list[Station], list[tuple[str, str]]]:
    """Find the stations of an event and pair observed with synthetic traces.

    A trace belongs to another if network, station and component agree; of several one is taken
    by the rule of this module. Every component asked for is in every station, so that each gets
    an adjoint source.

    Args:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms.
        components: component letters.
        observed_quantity: what recorded traces are, whatever their names say; None: as they say.
        synthetic_quantity: the same of computed traces.

    Returns:
        The stations sorted by code, and the files that could not be used: (name, problem).

    Raises:
        SeismicError: a directory is not there or has no seismogram, or none of the components.
    """
    components = tuple(components)
    recorded, problems = find_traces(observed)
    computed, more = find_traces(synthetic)
    stations = pair_stations(recorded, computed, components, observed_quantity, synthetic_quantity)
    if not stations:
        raise SeismicError(_components_text((recorded, computed), components))
    return stations, problems + more


def common_components(sides: Sequence[Traces]) -> tuple[str, ...]:
    """Return the components that some station has on every side."""
    found: set[str] = set()
    first, *others = sides
    for key, by_component in first.items():
        found |= set(by_component).intersection(*(side.get(key, {}) for side in others))
    return tuple(sorted(found))


def components_problem(sides: Sequence[Traces], components: Sequence[str]) -> Problem | None:
    """Say why none of the components that are asked for can be compared; None if one can.

    Args:
        sides: observed and synthetic traces, or observed alone.
        components: component letters.
    """
    common = common_components(sides)
    if set(common) & set(components):
        return None
    text = _components_text(sides, components)
    if not common:
        # What is wrong then is reported of each station.
        return Problem(text, "components")
    names = ", ".join(f'"{name}"' for name in common)
    return Problem(text, "components", IN_CONFIGURATION, f"components = [{names}]")


def _components_text(sides: Sequence[Traces], components: Sequence[str]) -> str:
    there = ", ".join(
        f"{name} {_components(side)}"
        for name, side in zip(("observed are", "synthetic"), sides, strict=False)
    )
    return (
        f"no trace of component {', '.join(components)} to compare: {there}; set components in the "
        "configuration"
    )


def pair_stations(
    recorded: Traces,
    computed: Traces,
    components: Sequence[str],
    observed_quantity: str | None = None,
    synthetic_quantity: str | None = None,
) -> list[Station]:
    """Pair the traces of an event that were found; as `find_stations`, without its errors."""
    stations = []
    names = _Names(recorded), _Names(computed)
    for key in sorted(recorded.keys() | computed.keys()):
        network, name = key
        there = _stated(recorded.get(key, {}), observed_quantity)
        model = _stated(computed.get(key, {}), synthetic_quantity)
        example = min(
            (trace.channel for found in (model or there).values() for trace in found),
            default="BX?",
        )
        pairs = [
            _pair(component, there.get(component, []), model.get(component, []), example)
            for component in components
        ]
        if not all(pair.blank for pair in pairs):
            hinted = tuple(_hinted(pair, key, *names) for pair in pairs)
            stations.append(Station(network, name, hinted))
    return _with_other_origins(stations)


def _with_other_origins(stations: Sequence[Station]) -> list[Station]:
    """Mark the records whose headers state another origin time than most of the event's."""
    times = sorted(
        origin
        for station in stations
        for pair in station.pairs
        if (origin := _header_origin(pair)) is not None
    )
    if not times or _agree(times[0], times[-1]):
        return list(stations)
    alike = {time: sum(_agree(time, other) for other in times) for time in times}
    common = max(times, key=lambda time: alike[time])
    is_majority = alike[common] * 2 > len(times)

    def marked(pair: Pair) -> Pair:
        own = _header_origin(pair)
        if own is None or (is_majority and _agree(own, common)):
            return pair
        others = (
            f"those of {alike[common]} others at {common.isoformat()}"
            if is_majority
            else f"others at {next(one for one in times if not _agree(one, own)).isoformat()}"
        )
        return replace(pair, other_origin=f"at {own.isoformat()}, {others}")

    return [
        replace(station, pairs=tuple(marked(pair) for pair in station.pairs))
        for station in stations
    ]


def _header_origin(pair: Pair) -> datetime.datetime | None:
    header = pair.observed.header if pair.observed else None
    return header.origin if header else None


def _agree(one: datetime.datetime, other: datetime.datetime) -> bool:
    return abs((one - other).total_seconds()) <= TOLERANCE


class _Names:
    """Stations of one side, to be found under other spellings.

    Args:
        traces: of the side.
    """

    def __init__(self, traces: Traces) -> None:
        self._traces = traces
        self._alike = {(one.upper(), two.upper()): f"{one}.{two}" for one, two in traces}
        self._without_network = {two.upper(): one for one, two in traces}

    def hint(self, side: str, key: tuple[str, str], component: str) -> str:
        """Say what this side has instead of a trace; "" if nothing."""
        if key in self._traces:
            letters = sorted(self._traces[key])
            hint = f" of component {component}; the station has {', '.join(letters)}"
            if set(letters) & set("12RT") and component in "ENXY":
                hint += ": rotate them first (obspy: Stream.rotate)"
            return hint
        network, name = key
        other = self._alike.get((network.upper(), name.upper()))
        if other:
            return f"; {side} has {other}: write its codes alike in both"
        found = self._without_network.get(name.upper())
        if found is not None and NO_NETWORK in (found, network):
            return (
                f"; {side} has {found}.{name}: write the network code into the files that lack "
                f"it ({NO_NETWORK} stands for none)"
            )
        return ""


def _hinted(pair: Pair, key: tuple[str, str], recorded: _Names, computed: _Names) -> Pair:
    """Say of a pair that lacks a trace what there is instead of it."""
    if pair.blank or (pair.observed and pair.synthetic):
        return pair
    if pair.observed:
        return replace(pair, hint=computed.hint("synthetic", key, pair.component))
    return replace(pair, hint=recorded.hint("observed", key, pair.component))


def letters_of(traces: Traces) -> tuple[str, ...]:
    """Return all components that there are."""
    return tuple(sorted({name for found in traces.values() for name in found}))


def _components(traces: Traces) -> str:
    return ", ".join(letters_of(traces)) or "none"


def _stated(traces: dict[str, list[TraceFile]], quantity: str | None) -> dict[str, list[TraceFile]]:
    if quantity is None:
        return traces
    return {
        component: [
            replace(trace, quantity=quantity, quantity_from=FROM_SETTING) for trace in found
        ]
        for component, found in traces.items()
    }


def _pair(
    component: str, recorded: Sequence[TraceFile], computed: Sequence[TraceFile], example: str
) -> Pair:
    best = min(
        ((_rank(one, other), one, other) for one in recorded for other in computed),
        key=lambda ranked: ranked[0],
        default=None,
    )
    if best is not None:
        _, observed, synthetic = best
    else:
        observed = min(recorded, key=_own_rank, default=None)  # type: ignore[assignment]
        synthetic = min(computed, key=_own_rank, default=None)  # type: ignore[assignment]
    taken = (observed, synthetic)
    return Pair(
        component=component,
        channel=synthetic.channel if synthetic else example[:-1] + component,
        observed=observed,
        synthetic=synthetic,
        blank=not recorded and not computed,
        left_out=tuple(trace for trace in (*recorded, *computed) if trace not in taken),
    )


def _rank(observed: TraceFile, synthetic: TraceFile) -> tuple[object, ...]:
    quantities = {observed.quantity, synthetic.quantity}
    unlike = 1 if None in quantities else 2
    return (
        0 if observed.quantity == synthetic.quantity and None not in quantities else unlike,
        observed.channel != synthetic.channel,
        *_own_rank(synthetic),
        *_own_rank(observed),
    )


def _own_rank(trace: TraceFile) -> tuple[object, ...]:
    quantity = trace.quantity
    return (
        QUANTITIES.index(quantity) if quantity in QUANTITIES else len(QUANTITIES),
        instrument_rank(trace.channel),
        trace.location,
        [TWO_COLUMNS, "SAC", trace.format].index(trace.format),
        trace.path.name,
        trace.index,
    )
