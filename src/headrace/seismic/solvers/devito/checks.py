"""What would go wrong, found before anything expensive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError, SolverError
from headrace.seismic.models import Model, read_model
from headrace.seismic.solvers.devito.grid import Frame, longest_step, make_frame
from headrace.seismic.solvers.devito.propagation import plan_for
from headrace.seismic.solvers.devito.settings import DevitoSettings
from headrace.seismic.solvers.events import Event, read_event

_POINTS = {2: 10.0, 4: 6.0, 6: 4.5}
"""Points per shortest wavelength for each order in space; phase velocity right to about 1 %."""

_POINTS_OTHERWISE = 3.5
_SAMPLES = 8.0
"""Time steps per shortest period, likewise."""

_CUT_OFF = 0.02
"""Share of a wavelet's maximum that it may have when it begins."""


def find_problems(model: Path, events: Sequence[Path], settings: DevitoSettings) -> list[str]:
    """Looks through model, settings and events.

    Args:
        model: HDF5 file of the model.
        events: directories of events.
        settings: the solver's settings.

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
    longest = longest_step(read, frame, settings)
    if settings.dt > longest:
        problems.append(
            f"{model}: dt of {settings.dt:g} s is unstable in this model; at most {longest:.3g} s "
            "can be used"
        )
    for directory in events:
        try:
            event = read_event(directory)
            problems += [
                f"{directory}: {problem}" for problem in _problems_of(event, read, frame, settings)
            ]
        except SolverError as error:
            problems.append(str(error))
    return problems


def _problems_of(
    event: Event, model: Model, frame: Frame, settings: DevitoSettings
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
    slowest = float(model.fields["vp"].min())
    points = slowest / highest / max(frame.spacing)
    needed = _POINTS.get(settings.space_order, _POINTS_OTHERWISE)
    if points < needed:
        widest = slowest / highest / needed
        yield (
            f"{points:.1f} points per wavelength at {highest:g} Hz and {slowest:g} m/s; "
            f"{needed:g} are needed: a spacing of {_down(widest):g} m or a lower frequency"
        )
    if settings.dt * highest * _SAMPLES > 1.0:
        yield (
            f"{1.0 / (settings.dt * highest):.1f} time steps per period at {highest:g} Hz; "
            f"{_SAMPLES:g} are needed: a dt of {_down(1.0 / highest / _SAMPLES):g} s"
        )


def _down(number: float) -> float:
    """Rounded down to three digits."""
    scale = 10.0 ** (2 - math.floor(math.log10(number)))
    return math.floor(number * scale) / scale
