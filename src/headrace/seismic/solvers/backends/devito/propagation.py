"""Waves through one model: traces, and derivatives of a misfit of the traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.seismic.models import Values
from headrace.seismic.solvers.backends.devito.checkpoints import Plan, make_plan
from headrace.seismic.solvers.backends.devito.grid import Coefficients, Frame
from headrace.seismic.solvers.backends.devito.operators import Operators, Points
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.waveforms.reading import Samples


@dataclass(frozen=True, eq=False)
class Shot:
    """A source and its receivers.

    Attributes:
        source: its z and x, shape ``(1, 2)``.
        wavelet: shape ``(npts,)``.
        receivers: z and x, shape ``(stations, 2)``.
    """

    source: Points
    wavelet: Samples
    receivers: Points


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives of a misfit with respect to the coefficients, and the illumination.

    Attributes:
        coefficients: derivatives with respect to each; that of the damping is zero.
        illumination: integral of the squared second time derivative of the pressure.
    """

    coefficients: Coefficients
    illumination: Values


class Propagator:
    """Computes waves on one grid; the model may change.

    Args:
        frame: the grid.
        settings: the solver's settings.
    """

    def __init__(self, frame: Frame, settings: DevitoSettings) -> None:
        self._frame = frame
        self._settings = settings
        self.plan: Plan = plan_for(frame, settings)
        self._operators = Operators(frame, settings, self.plan.length)
        self._set: Coefficients | None = None

    def use(self, coefficients: Coefficients) -> None:
        """Take the coefficients of a model."""
        dt = self._settings.dt
        sigma = 0.5 * dt * coefficients.damping
        operators = self._operators
        operators.fill("sigma", sigma)
        operators.fill("c", 2.0 / (1.0 + sigma))
        operators.fill("a", dt**2 / (coefficients.m * (1.0 + sigma)))
        operators.fill("bz", coefficients.bz)
        operators.fill("bx", coefficients.bx)
        self._set = coefficients

    def traces(self, shot: Shot) -> Samples:
        """Pressure at the receivers.

        Args:
            shot: source and receivers.

        Returns:
            Shape ``(npts, stations)``.
        """
        operators, npts = self._operators, self._settings.npts
        src = operators.points("src", shot.source, npts)
        src.data[:] = self._source(shot)[:, None]
        rec = operators.points("rec", shot.receivers, npts)
        operators.pressure.data_with_halo[:] = 0.0
        operators.run(operators.forward, 0, npts - 1, p=operators.pressure, src=src, rec=rec)
        found: Samples = np.array(rec.data, dtype=np.float64)
        return found

    def derivatives(self, shot: Shot, adjoint_sources: Samples) -> Derivatives:
        """Return derivatives of a misfit by the model.

        Args:
            shot: source and receivers.
            adjoint_sources: derivative of the misfit with respect to the traces per unit of time,
                shape ``(npts, stations)``.

        Returns:
            The exact derivatives of the discrete misfit, up to rounding.
        """
        operators, plan = self._operators, self.plan
        for name in ("gm", "gz", "gx", "hm"):
            operators.fill(name, 0.0)
        operators.adjoint.data_with_halo[:] = 0.0
        src = operators.points("src", shot.source, plan.length + 2)
        rec = operators.points("rec", shot.receivers, plan.length + 2)
        states = self._states(shot)
        stored = operators.stored
        for segment, state in reversed(list(zip(plan.segments, states, strict=True))):
            stored.data_with_halo[:2] = state
            inside = slice(segment.first, segment.first + segment.count)
            src.data[1 : segment.count + 1, 0] = self._source(shot)[inside]
            operators.run(operators.storing, 1, segment.count, src=src, rec=rec)
            # Going back, what was read at the receivers gives way to the adjoint sources.
            rec.data[1 : segment.count + 1] = self._settings.dt * adjoint_sources[inside]
            operators.run(operators.backward, 1, segment.count, rec=rec)
        return self._collected()

    def _source(self, shot: Shot) -> Samples:
        """Return a point source is its time function over the area of a cell."""
        found: Samples = shot.wavelet / np.prod(self._frame.spacing)
        return found

    def _states(self, shot: Shot) -> list[Values]:
        """Return the two times before each segment's first new one."""
        operators, segments = self._operators, self.plan.segments
        pressure = operators.pressure
        pressure.data_with_halo[:] = 0.0
        states = [np.array(pressure.data_with_halo[:2])]
        if len(segments) == 1:
            return states
        npts = self._settings.npts
        src = operators.points("src", shot.source, npts)
        src.data[:] = self._source(shot)[:, None]
        rec = operators.points("rec", shot.receivers, npts)
        for segment in segments[:-1]:
            end = segment.first + segment.count
            operators.run(operators.forward, segment.first, end - 1, src=src, rec=rec)
            states.append(np.array(pressure.data_with_halo)[[(end - 1) % 3, end % 3]])
        return states

    def _collected(self) -> Derivatives:
        assert self._set is not None  # noqa: S101 - a model is in use
        dt, frame = self._settings.dt, self._frame
        gm, gz, gx, hm = (self._operators.read(name) for name in ("gm", "gz", "gx", "hm"))
        above = frame.before[0] if frame.free_surface else 0
        for sums in (gm, gz, gx):
            # The rows above a free surface are images: they are counted by those below.
            sums[:above] = 0.0
        return Derivatives(
            Coefficients(
                m=-gm / dt**2,
                damping=np.zeros_like(gm),
                bz=-gz / self._set.bz,
                bx=-gx / self._set.bx,
            ),
            illumination=hm / dt**3,
        )


def plan_for(frame: Frame, settings: DevitoSettings) -> Plan:
    """Return how the wavefield of a grid is stored.

    Raises:
        SolverError: the memory limit is too small.
    """
    rows, columns = (count + 2 * settings.space_order for count in frame.full)
    size = rows * columns * np.dtype(settings.precision).itemsize
    return make_plan(settings.npts, size, settings.memory_limit)
