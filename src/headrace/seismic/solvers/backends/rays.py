"""Arrivals along straight rays: no waves, but exact derivatives, within a millisecond an event.

A trace is the source's wavelet, later by the travel time along the straight line from source to
station. It stands in for a solver where an inversion's settings, flow and machines are tried out
before a simulation costs core hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from headrace._internal.settings import Key
from headrace.seismic.errors import ModelRefused, SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import Layout, Provenance, Values, read_model, write_model
from headrace.seismic.solvers.base import HESSIAN, KERNELS, SYNTHETICS, AdjointRun, ForwardRun
from headrace.seismic.solvers.events import Event, Receiver, Source, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach
from headrace.seismic.solvers.plain_settings import check_settings
from headrace.seismic.solvers.traces import read_adjoint_sources, write_synthetics
from headrace.seismic.waveforms.quantities import PRESSURE

_SUFFIX = "semp"
_POINTS_PER_PERIOD = 8.0


@dataclass(frozen=True)
class RaySettings:
    """Settings of the solver.

    Attributes:
        dt: sampling interval, s.
        npts: samples of a trace.
        start: time of the first sample, s; the wavelet's middle is at 0.
        channel: channel code of the traces.
    """

    dt: Annotated[float, Key("Sampling interval.", unit="s")]
    npts: Annotated[int, Key("Samples of a trace.")]
    start: Annotated[
        float, Key("Time of the first sample; the wavelet's middle is at 0.", unit="s")
    ] = 0.0
    channel: Annotated[str, Key("Channel code of the traces.")] = "BXP"

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("dt", self.dt > 0.0, "above 0"),
            ("npts", self.npts >= 2, "at least 2"),
            ("channel", self.channel.isalnum(), "a channel code"),
        ):
            if not good:
                raise SolverError(f"solver.{name}: {getattr(self, name)!r} must be {wanted}")

    @property
    def axis(self) -> TimeAxis:
        """Time axis of the traces."""
        return TimeAxis(self.start, self.dt, self.npts)


def make(settings: Mapping[str, Any]) -> RaySolver:
    """Make the solver.

    Raises:
        SolverError: a setting is missing, unknown, or cannot be used.
    """
    check_settings(RaySettings, settings)
    return RaySolver(RaySettings(**settings))


class RaySolver:
    """The solver; axes ``z`` and ``x`` in m, field ``vp`` in m/s.

    Args:
        settings: its settings.
    """

    name = "rays"
    quantity = PRESSURE
    needs_wavefield = False

    def __init__(self, settings: RaySettings) -> None:
        self._settings = settings

    def times(self) -> TimeAxis:
        """Return the times of its synthetics, whatever the model."""
        return self._settings.axis

    def check(
        self, model: Path, events: Sequence[Path], reach: Mapping[str, Reach] = NO_REACH
    ) -> list[str]:
        """Look for sources and stations outside the model, and for a sampling too coarse."""
        try:
            layout, vp = self._model(model)
        except SolverError as error:
            return [str(error)]
        lowest = float(reach["vp"].lowest(vp).min()) if "vp" in reach else float(vp.min())
        problems = []
        if lowest <= 0.0:
            problems.append(
                f"{model}: vp may fall to {lowest:g} m/s within its bounds; give [parameters.vp] "
                "bounds above 0"
            )
        for directory in events:
            event = read_event(directory)
            points = [("source", event.source.x, event.source.z)]
            points += [(one.code, one.x, one.z) for one in event.receivers]
            for name, x, z in points:
                problems += [
                    f"event {event.name}: {name} is outside the model: {axis} = {value:g}"
                    for axis, value in (("x", x), ("z", z))
                    if not layout.axis(axis).values[0] <= value <= layout.axis(axis).values[-1]
                ]
            highest = event.source.highest_frequency
            if highest is not None and self._settings.dt * highest * _POINTS_PER_PERIOD > 4.0:
                problems.append(
                    f"event {event.name}: dt {self._settings.dt:g} s is too long for {highest:g} Hz"
                )
        return problems

    def forward(self, run: ForwardRun) -> None:
        """Write the synthetics of an event.

        Raises:
            SolverError: a velocity is not above 0.
        """
        event, (layout, vp) = read_event(run.event), self._model(run.model)
        times = [float(np.sum(_lengths(layout, event.source, one) / vp)) for one in event.receivers]
        axis = self._settings.axis
        traces = [event.source.samples(TimeAxis(axis.start - t, axis.dt, axis.npts)) for t in times]
        write_synthetics(
            run.output / SYNTHETICS,
            event.receivers,
            self._settings.channel,
            _SUFFIX,
            axis,
            np.stack(traces, axis=1),
        )

    def adjoint(self, run: AdjointRun) -> None:
        """Write kernels and pseudo-Hessian of an event.

        Raises:
            SolverError: an adjoint source is missing or does not fit.
        """
        event, (layout, vp) = read_event(run.event), self._model(run.model)
        axis = self._settings.axis
        sources = read_adjoint_sources(
            run.adjoint_sources, event.receivers, self._settings.channel, axis
        )
        kernel, hessian = np.zeros(layout.shape), np.zeros(layout.shape)
        for number, receiver in enumerate(event.receivers):
            share = _lengths(layout, event.source, receiver) / vp
            slope = _slope(event, axis, float(np.sum(share)))
            # A faster point brings the arrival forward: dT = -share * d ln v.
            by_time = -axis.dt * float(np.sum(sources[:, number] * slope))
            kernel -= by_time * share / layout.cell
            hessian += share**2 / layout.cell
        fields = {name: np.zeros(layout.shape) for name in layout.names}
        provenance = Provenance(f"adjoint of {event.name}", settings={"solver": self.name})
        for file, values in ((KERNELS, kernel), (HESSIAN, hessian)):
            made = {**fields, "vp": values}
            if file == HESSIAN:
                made |= {name: np.ones(layout.shape) for name in layout.names if name != "vp"}
            write_model(run.output / file, layout, made, provenance, "kernel")

    def _model(self, path: Path) -> tuple[Layout, Values]:
        model = read_model(path)
        vp = model.fields.get("vp")
        if vp is None:
            raise SolverError(f"{path}: field vp is missing; this solver needs it")
        if not (vp > 0.0).all():
            raise ModelRefused(f"{path}: vp falls to {vp.min():g} m/s; it must be above 0")
        return model.layout.with_fields(model.layout.fields, "float64"), vp


def _slope(event: Event, axis: TimeAxis, shift: float) -> Values:
    """Return derivative of the delayed wavelet with respect to time."""
    step = 1e-3 * axis.dt
    after, before = (
        event.source.samples(TimeAxis(axis.start - shift + side, axis.dt, axis.npts))
        for side in (step, -step)
    )
    slope: Values = (after - before) / (2.0 * step)
    return slope


def _lengths(layout: Layout, source: Source, receiver: Receiver) -> Values:
    """Length of the ray that each grid point stands for, m; bilinear weights."""
    z, x = (np.asarray(layout.axis(name).values) for name in ("z", "x"))
    distance = float(np.hypot(receiver.x - source.x, receiver.z - source.z))
    cell = min(layout.axis("z").step, layout.axis("x").step)
    count = max(2, int(np.ceil(4.0 * distance / cell)))
    along = (np.arange(count) + 0.5) / count
    found = np.zeros((len(z), len(x)))
    row, down = _between(z, source.z + along * (receiver.z - source.z))
    column, right = _between(x, source.x + along * (receiver.x - source.x))
    for dz, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = (down if dz else 1.0 - down) * (right if dx else 1.0 - right)
        np.add.at(found, (row + dz, column + dx), weight * distance / count)
    if [axis.name for axis in layout.axes] == ["x", "z"]:
        found = found.T
    lengths: Values = found
    return lengths


def _between(coordinates: Values, places: Values) -> tuple[npt.NDArray[np.int64], Values]:
    """Return number of the point before each place, and the share of the way to the next."""
    at = np.interp(places, coordinates, np.arange(len(coordinates)))
    before = np.minimum(at.astype(np.int64), len(coordinates) - 2)
    return before, at - before
