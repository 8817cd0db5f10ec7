"""Checks of a Devito simulation before anything expensive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError, SolverError
from headrace.seismic.models import Model, read_model
from headrace.seismic.solvers.backends.devito.grid import Frame, longest_step, make_frame
from headrace.seismic.solvers.backends.devito.propagation import plan_for
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.events import Event, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach, rounded_down

_POINTS = {2: 10.0, 4: 6.0, 6: 4.5}
"""Points per shortest wavelength for each order in space; phase velocity right to about 1 %."""

_POINTS_OTHERWISE = 3.5
_SAMPLES = 8.0
"""Time steps per shortest period, likewise."""

_CUT_OFF = 0.02
"""Share of a wavelet's maximum that it may have when it begins."""


def find_problems(
    model: Path,
    events: Sequence[Path],
    settings: DevitoSettings,
    reach: Mapping[str, Reach] = NO_REACH,
) -> list[str]:
    """Look through model, settings and events.

    Args:
        model: HDF5 file of the model.
        events: directories of events.
        settings: the solver's settings.
        reach: field -> how far an inversion may take it from this model.

    Returns:
        One line per problem.
    """
    try:
        read = read_model(model)
        frame = make_frame(read, settings)
        plan_for(frame, settings)
    except (ModelError, SolverError) as error:
        return [str(error)]
    problems = []
    fastest, slowest = _extremes(read, reach)
    # What is advised must do for all models to come, or it would be refused in its turn.
    longest = longest_step(fastest, frame, settings)
    if settings.dt > longest:
        now = longest_step(read, frame, settings)
        at = float(fastest.fields["vp"].max())
        problems.append(
            f"{model}: dt of {settings.dt:g} s is unstable in this model; at most "
            f"{rounded_down(longest):g} s can be used"
            if settings.dt > now
            else f"{model}: dt of {settings.dt:g} s becomes unstable where vp rises to {at:g} m/s, "
            f"as its bounds and the largest change allow; use at most {rounded_down(longest):g} s, "
            "or lower the upper bound of [parameters.vp]"
        )
    for directory in events:
        try:
            event = read_event(directory)
            problems += [
                f"{directory}: {problem}"
                for problem in _problems_of(event, read, slowest, frame, settings)
            ]
        except SolverError as error:
            problems.append(str(error))
    return problems


def _extremes(model: Model, reach: Mapping[str, Reach]) -> tuple[Model, Model]:
    """Return the fastest and the slowest model that an inversion may come to."""
    vp, allowed = model.fields["vp"], reach.get("vp", Reach())
    return (
        Model(model.layout, {**model.fields, "vp": allowed.highest(vp)}),
        Model(model.layout, {**model.fields, "vp": allowed.lowest(vp)}),
    )


def _problems_of(
    event: Event, model: Model, slow: Model, frame: Frame, settings: DevitoSettings
) -> Iterator[str]:
    frame.check_inside(event)
    wavelet = event.source.samples(settings.axis)
    largest = float(np.abs(wavelet).max())
    if largest == 0.0:
        yield "the source's time function is zero on the time axis"
    elif abs(wavelet[0]) > _CUT_OFF * largest:
        yield f"the source's time function is cut off at its start, {settings.start:g} s"
    highest = event.source.highest_frequency
    if highest is None:
        return
    first, slowest = (float(one.fields["vp"].min()) for one in (model, slow))
    points = slowest / highest / max(frame.spacing)
    needed = _POINTS.get(settings.space_order, _POINTS_OTHERWISE)
    if points < needed:
        widest = slowest / highest / needed
        bounds = ""
        if first / highest / max(frame.spacing) >= needed:
            bounds = (
                f"; vp may fall so far by its bounds and the largest change; at least "
                f"{needed * highest * max(frame.spacing):.4g} m/s as the lower bound would do, too"
            )
        yield (
            f"{points:.1f} points per wavelength at {highest:g} Hz and {slowest:g} m/s; "
            f"{needed:g} are needed: a spacing of {rounded_down(widest):g} m or a lower "
            f"frequency{bounds}"
        )
    if settings.dt * highest * _SAMPLES > 1.0:
        yield (
            f"{1.0 / (settings.dt * highest):.1f} time steps per period at {highest:g} Hz; "
            f"{_SAMPLES:g} are needed: a dt of {rounded_down(1.0 / highest / _SAMPLES):g} s"
        )
