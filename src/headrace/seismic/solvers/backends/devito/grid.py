"""From a model to the coefficients of the difference equations, and back for derivatives.

The pressure p obeys m p'' + m s p' = div(b grad p) + q with m = 1/(rho vp^2), b = 1/rho and the
damping s of the absorbing boundary. Differences are on staggered points; b there is the mean of
its neighbours. Every map from the model to a coefficient has its transpose here, so that kernels
are the exact derivatives of the discrete misfit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from headrace.seismic.errors import ModelRefused, SolverError
from headrace.seismic.models import Model, Values
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.events import Event


@dataclass(frozen=True)
class Frame:
    """The model's grid within the larger one that is computed on; z is the first axis.

    Attributes:
        shape: points of the model.
        spacing: m.
        origin: coordinates of the model's first point, m.
        before: points added before the first row and column.
        after: points added after the last row and column.
        free_surface: the model's first row is a free surface; the rows above mirror those below.
    """

    shape: tuple[int, int]
    spacing: tuple[float, float]
    origin: tuple[float, float]
    before: tuple[int, int]
    after: tuple[int, int]
    free_surface: bool

    @property
    def full(self) -> tuple[int, int]:
        """Points of the larger grid."""
        (nz, nx), (top, left), (bottom, right) = self.shape, self.before, self.after
        return nz + top + bottom, nx + left + right

    @property
    def inside(self) -> tuple[slice, slice]:
        """The model within the larger grid."""
        return tuple(
            slice(first, first + count)
            for first, count in zip(self.before, self.shape, strict=True)
        )  # type: ignore[return-value]

    def check_inside(self, event: Event) -> None:
        """Check that source and stations are in the model, below a free surface.

        Raises:
            SolverError: the first that is not.
        """
        places = [("the source", event.source.z, event.source.x)]
        places += [(f"station {one.code}", one.z, one.x) for one in event.receivers]
        for name, *at in places:
            for axis, place, start, count, spacing in zip(
                "zx", at, self.origin, self.shape, self.spacing, strict=True
            ):
                end = start + (count - 1) * spacing
                slack = 1e-6 * spacing
                if not start - slack <= place <= end + slack:
                    raise SolverError(
                        f"event {event.name}: {name} is at {axis} = {place:g} m; the model goes "
                        f"from {start:g} to {end:g} m"
                    )
            if self.free_surface and at[0] <= self.origin[0]:
                raise SolverError(
                    f"event {event.name}: {name} is at the free surface, where the pressure is "
                    f"zero; put it below z = {self.origin[0]:g} m"
                )

    def extend(self, values: Values) -> Values:
        """Return a field on the larger grid: the outermost values go on, or are mirrored."""
        (top, left), (bottom, right) = self.before, self.after
        wide = np.pad(values, ((0, bottom), (left, right)), mode="edge")
        mode = "reflect" if self.free_surface else "edge"
        found: Values = np.pad(wide, ((top, 0), (0, 0)), mode=mode)  # type: ignore[call-overload]
        return found

    def fold(self, values: Values) -> Values:
        """Return the transpose of `extend`, for values that are zero above a free surface."""
        (top, left), (bottom, right) = self.before, self.after
        found = values.copy()
        if left:
            found[:, left] += found[:, :left].sum(axis=1)
        if right:
            found[:, -right - 1] += found[:, -right:].sum(axis=1)
        if bottom:
            found[-bottom - 1] += found[-bottom:].sum(axis=0)
        if top:
            found[top] += found[:top].sum(axis=0)
        return found[self.inside].copy()


def make_frame(model: Model, settings: DevitoSettings) -> Frame:
    """Return the grid of a model with what the solver adds to it.

    Raises:
        SolverError: the model has not the axes z and x in m or km, or not vp and rho.
    """
    names = [axis.name for axis in model.layout.axes]
    if names != ["z", "x"]:
        raise SolverError(f"the model's axes are {', '.join(names)}; this solver needs z and x")
    for name in ("vp", "rho"):
        if name not in model.fields:
            raise SolverError(f"the model has no {name}; this solver needs vp and rho")
        if float(model.fields[name].min()) <= 0.0:
            raise ModelRefused(f"the model's {name} goes down to {model.fields[name].min():g}")
    scales = [1.0 / axis.convert(1.0, "m") for axis in model.layout.axes]
    pad = settings.absorbing_points
    rows = settings.space_order if settings.free_surface else pad
    return Frame(
        shape=(model.layout.shape[0], model.layout.shape[1]),
        spacing=tuple(s * a.step for s, a in zip(scales, model.layout.axes, strict=True)),  # type: ignore[arg-type]
        origin=tuple(s * a.values[0] for s, a in zip(scales, model.layout.axes, strict=True)),  # type: ignore[arg-type]
        before=(rows, pad),
        after=(pad, pad),
        free_surface=settings.free_surface,
    )


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Coefficients on the larger grid.

    Attributes:
        m: 1 / (rho vp^2).
        damping: s, 1/s.
        bz: b half a row below each point.
        bx: b half a column after each point.
    """

    m: Values
    damping: Values
    bz: Values
    bx: Values


def coefficients(model: Model, frame: Frame, settings: DevitoSettings) -> Coefficients:
    """Return the coefficients of a model."""
    vp, rho = (frame.extend(model.fields[name]) for name in ("vp", "rho"))
    b = 1.0 / rho
    return Coefficients(
        m=1.0 / (rho * vp**2), damping=_damping(frame, settings), bz=_half(b, 0), bx=_half(b, 1)
    )


def _half(values: Values, axis: int) -> Values:
    """Means of neighbours; the last one has none and stays."""
    after = np.roll(values, -1, axis)
    last: list[slice | int] = [slice(None), slice(None)]
    last[axis] = -1
    after[tuple(last)] = values[tuple(last)]
    found: Values = 0.5 * (values + after)
    return found


def _half_transposed(values: Values, axis: int) -> Values:
    """Return the transpose of `_half`."""
    found = 0.5 * values
    last: list[slice | int] = [slice(None), slice(None)]
    last[axis] = -1
    moved = np.roll(found, 1, axis)
    first: list[slice | int] = [slice(None), slice(None)]
    first[axis] = 0
    moved[tuple(first)] = 0.0
    extra = np.zeros_like(found)
    extra[tuple(last)] = found[tuple(last)]
    return found + moved + extra


def _damping(frame: Frame, settings: DevitoSettings) -> Values:
    """Quadratic profiles that bring a plane wave down to the reflection coefficient."""
    total = np.zeros(frame.full)
    for axis in (0, 1):
        count, spacing = frame.full[axis], frame.spacing[axis]
        before = 0 if axis == 0 and frame.free_surface else frame.before[axis]
        profile = np.zeros(count)
        for width, sign in ((before, 1), (frame.after[axis], -1)):
            if width:
                top = (
                    1.5
                    * settings.absorbing_velocity
                    * math.log(1.0 / settings.absorbing_reflection)
                    / (width * spacing)
                )
                ramp = 2.0 * top * np.square(np.arange(width, 0, -1) / width)
                profile[:width] += ramp if sign > 0 else 0.0
                if sign < 0:
                    profile[count - width :] += ramp[::-1]
        shape = (count, 1) if axis == 0 else (1, count)
        total = total + profile.reshape(shape)
    return total


def relative_kernels(
    found: Coefficients, model: Model, frame: Frame, have: Coefficients
) -> dict[str, Values]:
    """Kernels of vp and rho from the derivatives with respect to the coefficients.

    Args:
        found: derivatives of the misfit, zero above a free surface; ``damping`` is not used.
        model: the model.
        frame: its grid.
        have: the coefficients themselves.

    Returns:
        Field -> derivative of the misfit with respect to the logarithm of the field, per m^2.
    """
    m = found.m * have.m
    b = _half_transposed(found.bz, 0) + _half_transposed(found.bx, 1)
    area = frame.spacing[0] * frame.spacing[1]
    inverse = 1.0 / frame.extend(model.fields["rho"])
    return {
        "vp": frame.fold(-2.0 * m) / area,
        "rho": frame.fold(-m - b * inverse) / area,
    }


def longest_step(model: Model, frame: Frame, settings: DevitoSettings) -> float:
    """Return the longest stable time step, s (von Neumann.

    Worst contrast of neighbours assumed).
    """
    have = coefficients(model, frame, settings)
    fastest = float((np.maximum(have.bx, have.bz) / have.m).max())
    total = sum(abs(weight) for weight in staggered_weights(settings.space_order))
    waves = sum((2.0 * total / spacing) ** 2 for spacing in frame.spacing)
    return 2.0 / math.sqrt(fastest * waves)


def staggered_weights(order: int) -> tuple[float, ...]:
    """Weights of the first difference half way between points, nearest first.

    Args:
        order: even order of accuracy.

    Returns:
        c_1, c_2, ...: the derivative is sum of c_k (f(+(k-1/2)h) - f(-(k-1/2)h)) / h.
    """
    half = order // 2
    at = np.arange(1, half + 1) - 0.5
    powers = np.vstack([2.0 * at ** (2 * j + 1) for j in range(half)])
    wanted = np.zeros(half)
    wanted[0] = 1.0
    return tuple(float(weight) for weight in np.linalg.solve(powers, wanted))
