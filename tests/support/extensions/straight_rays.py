"""Straight rays: every station records the source's wavelet, delayed by its travel time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.errors import ModelRefused, SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import FieldSpec, Model, Provenance, read_model, write_model
from headrace.seismic.solvers.base import (
    HESSIAN,
    KERNELS,
    SYNTHETICS,
    AdjointRun,
    ForwardRun,
)
from headrace.seismic.solvers.events import Event, Receiver, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach
from headrace.seismic.solvers.traces import read_adjoint_sources, write_synthetics

CHANNEL, SUFFIX = "BXP", "semp"
STEPS_PER_RAY = 2000


def make(settings: Mapping[str, Any]) -> "StraightRays":
    """Settings: ``dt`` (s) and ``npts`` of the synthetics."""
    unknown = sorted(set(settings) - {"dt", "npts"})
    if unknown or not set(settings) >= {"dt", "npts"}:
        raise SolverError(f"solver straight_rays: its settings are dt and npts, not {unknown}")
    return StraightRays(TimeAxis(0.0, float(settings["dt"]), int(settings["npts"])))


class StraightRays:
    name = "straight_rays"
    needs_wavefield = False

    def __init__(self, axis: TimeAxis) -> None:
        self.axis = axis

    def check(
        self, model: Path, events: Sequence[Path], reach: Mapping[str, Reach] = NO_REACH
    ) -> list[str]:
        problems = []
        known = read_model(model)
        if "vp" in reach and reach["vp"].lowest(known.fields["vp"]).min() <= 0.0:
            problems.append(f"{model}: vp may fall to 0 within its bounds")
        for directory in events:
            event = read_event(directory)
            for place in (event.source, *event.receivers):
                for name, at in (("x", place.x), ("z", place.z)):
                    values = known.axis(name).values
                    if not values[0] <= at <= values[-1]:
                        problems.append(f"{directory}: {name} = {at:g} m is outside the model")
        return problems

    def forward(self, run: ForwardRun) -> None:
        event, model = read_event(run.event), read_model(run.model)
        traces = np.zeros((self.axis.npts, len(event.receivers)))
        for number, receiver in enumerate(event.receivers):
            traces[:, number] = self._delayed(event, travel_time(model, event, receiver))
        if not np.isfinite(traces).all():
            raise ModelRefused(f"event {event.name}: the synthetics are not finite")
        write_synthetics(
            run.output / SYNTHETICS, event.receivers, CHANNEL, SUFFIX, self.axis, traces
        )

    def adjoint(self, run: AdjointRun) -> None:
        event, model = read_event(run.event), read_model(run.model)
        sources = read_adjoint_sources(run.adjoint_sources, event.receivers, CHANNEL, self.axis)
        kernel = np.zeros(model.layout.shape)
        hessian = np.zeros(model.layout.shape)
        for number, receiver in enumerate(event.receivers):
            arrival = travel_time(model, event, receiver)
            # A later arrival changes the trace by minus its derivative.
            step = 1e-3 * self.axis.dt
            change = self._delayed(event, arrival + step) - self._delayed(event, arrival - step)
            by_time = self.axis.dt * float(sources[:, number] @ change) / (2.0 * step)
            times = times_along(model, event, receiver)
            # A faster medium is a shorter time; a kernel is per area.
            kernel -= by_time * times / model.layout.cell
            hessian += times**2 / model.layout.cell
        layout = model.layout.with_fields([FieldSpec("vp", "m^-2")], "float64")
        provenance = Provenance("straight rays", settings={"event": event.name})
        for file, field in ((KERNELS, kernel), (HESSIAN, hessian)):
            write_model(run.output / file, layout, {"vp": field}, provenance, "kernel")

    def _delayed(self, event: Event, time: float) -> np.ndarray:
        axis = self.axis
        return event.source.samples(TimeAxis(axis.start - time, axis.dt, axis.npts))


def times_along(model: Model, event: Event, receiver: Receiver) -> np.ndarray:
    """Time (s) that the ray spends about each point of the model."""
    z, x = model.axis("z"), model.axis("x")
    along = (np.arange(STEPS_PER_RAY) + 0.5) / STEPS_PER_RAY
    rows = event.source.z + along * (receiver.z - event.source.z)
    columns = event.source.x + along * (receiver.x - event.source.x)
    nearest = np.rint((rows - z.values[0]) / z.step) * len(x.values)
    nearest += np.rint((columns - x.values[0]) / x.step)
    length = np.hypot(receiver.x - event.source.x, receiver.z - event.source.z)
    points = np.bincount(nearest.astype(int), minlength=model.fields["vp"].size)
    return (points * length / STEPS_PER_RAY).reshape(model.layout.shape) / model.fields["vp"]


def travel_time(model: Model, event: Event, receiver: Receiver) -> float:
    return float(times_along(model, event, receiver).sum())
