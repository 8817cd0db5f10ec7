"""Runs of the embedded solver: directories in, directories out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelRefused
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import (
    FieldReader,
    FieldSpec,
    Model,
    Parent,
    Provenance,
    Values,
    read_model,
    versions_of,
    write_model,
)
from headrace.seismic.solvers.backends.devito.checks import find_problems
from headrace.seismic.solvers.backends.devito.grid import (
    Coefficients,
    Frame,
    coefficients,
    longest_step,
    make_frame,
    relative_kernels,
)
from headrace.seismic.solvers.backends.devito.propagation import Propagator, Shot
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.base import HESSIAN, KERNELS, SYNTHETICS, AdjointRun, ForwardRun
from headrace.seismic.solvers.events import Event, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach, rounded_down
from headrace.seismic.solvers.traces import read_adjoint_sources, write_synthetics
from headrace.seismic.waveforms.quantities import PRESSURE

_SUFFIX = "semp"


@dataclass(frozen=True, eq=False)
class _Setup:
    """A model, ready to be used."""

    parent: Parent
    model: Model
    frame: Frame
    have: Coefficients
    propagator: Propagator


class DevitoSolver:
    """2-D acoustic waves; one object keeps the compiled loops for all events on a grid.

    An adjoint run computes the forward wavefield itself, which takes less time than reading it.

    Args:
        settings: the solver's settings.
    """

    name = "devito"
    quantity = PRESSURE
    needs_wavefield = False

    def __init__(self, settings: DevitoSettings) -> None:
        self.settings = settings
        self._setup: _Setup | None = None

    def times(self) -> TimeAxis:
        """Return the times of its synthetics, whatever the model."""
        return self.settings.axis

    def check(
        self, model: Path, events: Sequence[Path], reach: Mapping[str, Reach] = NO_REACH
    ) -> list[str]:
        """Return one line per problem; see `Solver.check`."""
        return find_problems(model, events, self.settings, reach)

    def forward(self, run: ForwardRun) -> None:
        """Write ``synthetics/NET.STA.CHA.semp``; see `Solver.forward`."""
        event = read_event(run.event)
        setup = self._prepare(run.model)
        traces = setup.propagator.traces(self._shot(event, setup.frame))
        self._check_finite(traces, event, run.model)
        settings = self.settings
        write_synthetics(
            run.output / SYNTHETICS,
            event.receivers,
            settings.channel,
            _SUFFIX,
            settings.axis,
            traces,
        )

    def adjoint(self, run: AdjointRun) -> None:
        """Write ``kernels.h5`` and ``hessian.h5``; see `Solver.adjoint`."""
        event = read_event(run.event)
        settings = self.settings
        sources = read_adjoint_sources(
            run.adjoint_sources, event.receivers, settings.channel, settings.axis
        )
        setup = self._prepare(run.model)
        found = setup.propagator.derivatives(self._shot(event, setup.frame), sources)
        kernels = relative_kernels(found.coefficients, setup.model, setup.frame, setup.have)
        self._check_finite(np.stack(list(kernels.values())), event, run.model)
        self._write(run, setup, KERNELS, kernels)
        # The change of the source that a relative change of the parameter is, squared: the
        # pseudo-Hessian of Shin, Jang & Min, Geophys. Prospect. 49, 592-606, 2001.
        inside = setup.frame.inside
        squared = found.illumination[inside] * np.square(setup.have.m[inside])
        self._write(run, setup, HESSIAN, {"vp": 4.0 * squared, "rho": squared})

    def _prepare(self, path: Path) -> _Setup:
        with FieldReader(path) as reader:
            parent = reader.parent
        old = self._setup
        if old is not None and old.parent.content == parent.content:
            return dataclasses.replace(old, parent=parent)
        model = read_model(path)
        frame = make_frame(model, self.settings)
        longest = longest_step(model, frame, self.settings)
        if self.settings.dt > longest:
            raise ModelRefused(
                f"{path}: dt of {self.settings.dt:g} s is unstable in this model; "
                f"at most {rounded_down(longest):g} s can be used"
            )
        if old is not None and old.frame == frame:
            propagator = old.propagator
        else:
            propagator = Propagator(frame, self.settings)
        have = coefficients(model, frame, self.settings)
        propagator.use(have)
        self._setup = _Setup(parent, model, frame, have, propagator)
        return self._setup

    def _shot(self, event: Event, frame: Frame) -> Shot:
        frame.check_inside(event)
        source = event.source
        return Shot(
            source=np.array([[source.z, source.x]]),
            wavelet=source.samples(self.settings.axis),
            receivers=np.array([[one.z, one.x] for one in event.receivers]),
        )

    def _check_finite(self, numbers: Values, event: Event, model: Path) -> None:
        if not np.isfinite(numbers).all():
            raise ModelRefused(
                f"event {event.name} in {model.name}: the result is not finite; look at the "
                "source's time function, the adjoint sources and the model"
            )

    def _write(
        self, run: AdjointRun, setup: _Setup, name: str, fields: Mapping[str, Values]
    ) -> None:
        units = "1/m^2" if name == KERNELS else "1"
        specs = [FieldSpec(field, units) for field in fields]
        provenance = Provenance(
            f"adjoint run of {run.event.name}",
            (setup.parent,),
            {"solver": self.name},
            versions_of("devito"),
        )
        layout = setup.model.layout.with_fields(specs, self.settings.precision)
        write_model(run.output / name, layout, fields, provenance, "kernel")
