"""The difference equations as compiled loops.

One step is p(t+1) = p(t-1) + c (p(t) - p(t-1)) + a div(b grad p(t)), the source added with the
factor a as well. The flux b grad p is kept half way between points, so that div and grad are each
other's transpose up to the sign and the same step, run backwards, is the adjoint one.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import devito
import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Values
from headrace.seismic.solvers.backends.devito.floating_point import set_default_state
from headrace.seismic.solvers.backends.devito.grid import Frame
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Space:
    """The grid and its two axes."""

    grid: Any
    z: Any
    x: Any
    order: int

    def field(self, name: str, order: int) -> Any:
        return devito.Function(name=name, grid=self.grid, space_order=order)


class Operators:
    """Fields and compiled operators of one grid; built once, used for many events.

    Args:
        frame: the grid.
        settings: the solver's settings.
        length: time steps of which the wavefield is stored.
    """

    def __init__(self, frame: Frame, settings: DevitoSettings, length: int) -> None:
        devito.logger.set_log_level("ERROR")
        self._frame = frame
        self._settings = settings
        self._length = length
        # The compiled loops change how the thread that loads them rounds; see `floating_point`.
        # It must not be the caller's.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="devito")
        self._space = _space(frame, settings)
        order = settings.space_order
        names = ("c", "bz", "bx", "sigma", "gm", "gz", "gx", "hm")
        self.fields = {name: self._space.field(name, 0) for name in names}
        self.fields["a"] = self._space.field("a", 2)  # sources need its neighbours
        self.fields |= {name: self._space.field(name, order) for name in ("wz", "wx")}
        self.pressure = self._wavefield("p")
        self.adjoint = self._wavefield("v")

    def _wavefield(self, name: str, save: int | None = None) -> Any:
        return devito.TimeFunction(
            name=name,
            grid=self._space.grid,
            time_order=2,
            space_order=self._settings.space_order,
            save=save,
        )

    @cached_property
    def stored(self) -> Any:
        """The wavefield of a segment, with one more time before and after it."""
        return self._wavefield("stored", self._length + 2)

    def points(self, name: str, coordinates: Points, samples: int) -> Any:
        """Return sources or receivers.

        Args:
            name: ``src`` or ``rec``.
            coordinates: z and x in the model's coordinates, shape ``(points, 2)``.
            samples: time steps for which there are values.
        """
        found = devito.SparseTimeFunction(
            name=name, grid=self._space.grid, npoint=len(coordinates), nt=samples
        )
        frame = self._frame
        start = np.subtract(frame.origin, np.multiply(frame.before, frame.spacing))
        found.coordinates.data[:] = coordinates - start
        return found

    @cached_property
    def forward(self) -> Any:
        """The forward steps, nothing stored."""
        return self._forward(self.pressure, "forward")

    @cached_property
    def storing(self) -> Any:
        """The forward steps of a segment, all of it stored."""
        return self._forward(self.stored, "storing")

    def _forward(self, p: Any, name: str) -> Any:
        src, rec = (self.points(kind, np.zeros((1, 2)), 3) for kind in ("src", "rec"))
        equations = [
            rec.interpolate(expr=p),
            *self._flux(p),
            self._step(p, p.forward, p.backward),
            src.inject(field=p.forward, expr=src * self.fields["a"]),
            *self._surface(p.forward),
        ]
        return self._compiled(equations, name)

    @cached_property
    def backward(self) -> Any:
        """The adjoint steps of a segment, with the sums that the kernels are made from."""
        f, p, v = self.fields, self.stored, self.adjoint
        rec = self.points("rec", np.zeros((1, 2)), 3)
        second = p.forward - 2.0 * p + p.backward
        equations = [
            devito.Inc(f["gm"], v * (second + f["sigma"] * (p.forward - p.backward))),
            devito.Inc(f["hm"], second * second),
            *self._flux(v),
            devito.Inc(f["gz"], f["wz"] * self._half(p, self._space.z)),
            devito.Inc(f["gx"], f["wx"] * self._half(p, self._space.x)),
            self._step(v, v.backward, v.forward),
            rec.inject(field=v.backward, expr=rec * f["a"]),
            *self._surface(v.backward),
        ]
        return self._compiled(equations, "backward")

    def _half(self, field: Any, axis: Any, side: int = 1) -> Any:
        """First difference half a point after (or before) each point."""
        return getattr(field, f"d{axis.name}")(x0=axis + side * axis.spacing / 2)

    def _flux(self, p: Any) -> list[Any]:
        f, space = self.fields, self._space
        return [
            devito.Eq(f["wz"], f["bz"] * self._half(p, space.z)),
            devito.Eq(f["wx"], f["bx"] * self._half(p, space.x)),
        ]

    def _step(self, p: Any, after: Any, before: Any) -> Any:
        f, space = self.fields, self._space
        divergence = self._half(f["wz"], space.z, -1) + self._half(f["wx"], space.x, -1)
        return devito.Eq(after, before + f["c"] * (p - before) + f["a"] * divergence)

    def _surface(self, p: Any) -> list[Any]:
        """Zero at a free surface, and the rows above it minus those below."""
        if not self._frame.free_surface:
            return []
        z, row = self._space.z, self._frame.before[0]
        mirrored = [
            devito.Eq(p.subs({z: row - k}), -p.subs({z: row + k})) for k in range(1, row + 1)
        ]
        return [devito.Eq(p.subs({z: row}), 0.0), *mirrored]

    def _compiled(self, equations: list[Any], name: str) -> Any:
        language = "openmp" if self._settings.threads > 1 else "C"
        # The equations leave nothing to rearrange; to look for it would take longer to build.
        passes = ("simd", "openmp") if self._settings.threads > 1 else ("simd",)
        made = devito.Operator(equations, name=name, language=language, opt=passes)
        try:
            self._thread.submit(lambda: made.cfunction).result()  # compiles it
        except Exception as error:  # noqa: BLE001 - the compiler's wrapper raises what it likes
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise SolverError(f"solver devito: the C compiler failed: {reason}") from None
        return made

    def run(self, operator: Any, first: int, last: int, **values: Any) -> None:
        """Run time steps of an operator.

        Args:
            operator: one of this object's.
            first: first time index.
            last: last time index.
            values: the sources and receivers to use.
        """
        if self._settings.threads > 1:
            values["nthreads"] = self._settings.threads
            # Stations that share a point of the grid are added up in their order.
            values["nthreads_nonaffine"] = 1

        def apply() -> None:
            # Each time: loading the next operator changes it again.
            set_default_state()
            operator.apply(time_m=first, time_M=last, **values)

        self._thread.submit(apply).result()

    def fill(self, name: str, numbers: Values | float) -> None:
        """Set a field on the whole grid."""
        self.fields[name].data[:] = numbers

    def read(self, name: str) -> Values:
        """Return a field on the whole grid, float64."""
        found: Values = np.array(self.fields[name].data, dtype=np.float64)
        return found


def _space(frame: Frame, settings: DevitoSettings) -> _Space:
    dtype = np.dtype(settings.precision).type
    axes = [
        devito.SpaceDimension(
            name=name, spacing=devito.Constant(name=f"h_{name}", value=spacing, dtype=dtype)
        )
        for name, spacing in zip(("z", "x"), frame.spacing, strict=True)
    ]
    extent = tuple(
        (count - 1) * spacing for count, spacing in zip(frame.full, frame.spacing, strict=True)
    )
    grid = devito.Grid(shape=frame.full, extent=extent, dimensions=tuple(axes), dtype=dtype)
    return _Space(grid, axes[0], axes[1], settings.space_order)
