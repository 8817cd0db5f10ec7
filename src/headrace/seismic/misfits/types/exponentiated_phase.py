"""Exponentiated-phase misfit (Yuan et al. 2020) with the derivative of what is measured.

pyadjoint's adjoint source of this misfit leaves out that the envelope is raised by a water level:
with the default level it is 1.7 times too small. Misfits are the same as pyadjoint's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from headrace._internal.settings import Key
from headrace.seismic.checks import Check, number
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.tapers import TAPER_SETTINGS, WindowMisfit, measure_windows
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

# pyadjoint's default: share of the largest envelope that is added to it.
WATER_LEVEL = 0.2

_WATER_LEVEL = Key(
    "Water level of the envelope, as a share of its maximum.", number(0.0), default="0.2"
)


class ExponentiatedPhaseMisfit(Misfit):
    """Difference of the traces, each divided by its envelope."""

    settings: ClassVar[Mapping[str, Check]] = {**TAPER_SETTINGS, "wtr_env": _WATER_LEVEL}

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a pair."""
        water_level = float(config.measure.get("wtr_env", WATER_LEVEL))

        def measure_window(data: Samples, model: Samples, taper: Samples) -> WindowMisfit:
            found = exponentiated_phase(data * taper, model * taper, dt, water_level)
            return WindowMisfit(*found)

        return measure_windows(observed, synthetic, windows, config.measure, measure_window)


def exponentiated_phase(
    data: Samples, model: Samples, dt: float, water_level: float = WATER_LEVEL
) -> tuple[float, Samples]:
    """Measure one tapered window.

    The misfit is half the integral of the squared differences of s/E and H(s)/E between the
    traces, H the Hilbert transform and E the envelope plus the water level, a share of the
    largest envelope; the derivative knows that the level changes with the trace.

    Args:
        data: tapered observed samples, shape ``(n,)``.
        model: tapered synthetic samples, same shape.
        dt: sampling interval, s.
        water_level: share of the largest envelope that is added to the envelope, at least 0.

    Returns:
        The misfit (s), and its derivative with respect to ``model`` divided by ``dt``, shape
        ``(n,)``.
    """
    from scipy.integrate import simpson

    observed, _, _, _ = _phases(data, water_level)
    synthetic, hilbert, envelope, raised = _phases(model, water_level)
    difference = observed - synthetic
    misfit = 0.5 * float(sum(simpson(y=part**2, dx=dt) for part in difference))
    # The envelope changes with both the trace and its Hilbert transform.
    through_envelope = (difference[0] * model + difference[1] * hilbert) / raised**2
    through_level = water_level * float(through_envelope.sum())
    through_envelope = np.divide(
        through_envelope, envelope, out=np.zeros_like(model), where=envelope > 0
    )
    of_trace = through_envelope * model - difference[0] / raised
    of_hilbert = through_envelope * hilbert - difference[1] / raised
    # The water level follows the largest envelope alone.
    top = int(envelope.argmax())
    if envelope[top] > 0:
        of_trace[top] += through_level * model[top] / envelope[top]
        of_hilbert[top] += through_level * hilbert[top] / envelope[top]
    # The adjoint of the Hilbert transform is its negative.
    return misfit, of_trace - _hilbert(of_hilbert)


def _phases(trace: Samples, water_level: float) -> tuple[Samples, Samples, Samples, Samples]:
    hilbert = _hilbert(trace)
    envelope = np.hypot(trace, hilbert)
    raised = envelope + water_level * envelope.max()
    # Where there is no signal at all there is no phase either.
    safe = np.where(raised > 0, raised, 1.0)
    return np.stack([trace / safe, hilbert / safe]), hilbert, envelope, safe


def _hilbert(trace: Samples) -> Samples:
    from scipy.signal import hilbert

    transformed: Samples = np.imag(hilbert(trace))
    return transformed


MISFIT = ExponentiatedPhaseMisfit()
