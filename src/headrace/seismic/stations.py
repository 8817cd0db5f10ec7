"""Stations of an event: which trace is compared with which, and which are left out.

Where a component has several traces, one is taken by this rule, the first that tells them apart:
the quantity of the other side; the channel of the other side; seismometers before accelerometers;
location codes in their order, the empty one first; two columns, SAC, then other formats; the name.
Of synthetics displacement is taken first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.seismic.errors import SeismicError
from headrace.seismic.quantities import QUANTITIES, instrument_rank
from headrace.seismic.trace_files import TWO_COLUMNS, TraceFile, find_traces


@dataclass(frozen=True)
class Pair:
    """What there is of one component of a station; a trace that is missing is None.

    Attributes:
        component: component letter.
        channel: channel code of the synthetic, which names the adjoint source.
        observed: the recorded trace.
        synthetic: the computed trace.
        blank: the station has no such component at all: only a zero trace is wanted.
        left_out: traces of the component that were not taken.
    """

    component: str
    channel: str
    observed: TraceFile | None
    synthetic: TraceFile | None
    blank: bool = False
    left_out: tuple[TraceFile, ...] = ()


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
    stations = []
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
            stations.append(Station(network, name, tuple(pairs)))
    if not stations:
        raise SeismicError(
            f"no trace of component {', '.join(components)} in {observed} or {synthetic}: "
            f"observed are {_components(recorded)}, synthetic {_components(computed)}; "
            "set components in the configuration"
        )
    return stations, problems + more


def _components(traces: dict[tuple[str, str], dict[str, list[TraceFile]]]) -> str:
    return ", ".join(sorted({name for found in traces.values() for name in found})) or "none"


def _stated(traces: dict[str, list[TraceFile]], quantity: str | None) -> dict[str, list[TraceFile]]:
    if quantity is None:
        return traces
    return {
        component: [replace(trace, quantity=quantity) for trace in found]
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
    told = {observed.quantity, synthetic.quantity}
    unlike = 1 if None in told else 2
    return (
        0 if observed.quantity == synthetic.quantity and None not in told else unlike,
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
