"""Misfit windows: where observed and synthetic are alike enough to be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import StationProblem
from headrace.seismic.waveforms.correlation import best_lag, correlation_at
from headrace.seismic.waveforms.reading import Samples

_LONGEST_EXACT = 4096  # samples; of longer ones the correlation is that of a Fourier transform


@dataclass(frozen=True)
class Window:
    """One misfit window.

    Attributes:
        first: first sample of it.
        last: last sample of it.
        shift: samples by which the observed trace is later, from the cross-correlation.
        cc: normalised cross-correlation at that shift.
        dlna: logarithmic amplitude ratio, ln(observed / synthetic).
        weight: of the window's misfit in that of its trace.
    """

    first: int
    last: int
    shift: int
    cc: float
    dlna: float
    weight: float = 1.0

    def shifted(self, samples: int) -> Window:
        """Return the window counted from a sample that is so many samples earlier."""
        return replace(self, first=self.first + samples, last=self.last + samples)

    def seconds(self, dt: float) -> tuple[float, float]:
        """Borders after the first sample of the trace, s."""
        return self.first * dt, self.last * dt


def select_windows(
    observed: Samples, synthetic: Samples, dt: float, config: ProcessingConfig
) -> tuple[Window, ...]:
    """Select the windows of a filtered pair with pyflex, or take the whole trace as one.

    No travel times are used: windows are looked for in the whole record.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        dt: sampling interval, s.
        config: period band, window settings and weights.

    Returns:
        The windows by rising time; none is a valid answer.

    Source:
        Maggi et al., An automated time-window selection algorithm for seismic tomography,
        Geophys. J. Int. 178, 257-281, 2009.
    """
    if config.window_selection == "whole":
        window = compare_in_window(observed, synthetic, 0, len(synthetic) - 1)
        weight = window_weight(window.cc, (len(synthetic) - 1) * dt, config)
        return (replace(window, weight=weight),)
    # pyflex takes most of a second to import, which a program that only shows its help need not.
    from headrace.seismic.windows.pyflex_selector import select

    return tuple(
        Window(
            first=int(found.left),
            last=int(found.right),
            shift=int(found.cc_shift),
            cc=float(found.max_cc_value),
            dlna=float(found.dlnA),
            weight=window_weight(
                float(found.max_cc_value), (int(found.right) - int(found.left)) * dt, config
            ),
        )
        for found in sorted(select(observed, synthetic, dt, config), key=lambda w: w.left)
    )


def window_weight(cc: float, length: float, config: ProcessingConfig) -> float:
    """Return what a window weighs.

    Args:
        cc: normalised cross-correlation in it.
        length: s.
        config: says how; 1 by default.

    Returns:
        The weight, at least 0.
    """
    if config.weights.windows == "equal":
        return 1.0
    weight = max(cc, 0.0)
    return weight if config.weights.windows == "cc" else weight * length / config.min_period


def compare_in_window(
    observed: Samples, synthetic: Samples, first: int, last: int, weight: float = 1.0
) -> Window:
    """Compare a filtered pair in a window whose borders are known, as pyflex does.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        first: first sample of the window.
        last: last sample of it.
        weight: of the window.

    Returns:
        The window with shift, correlation and amplitude ratio.

    Raises:
        StationProblem: a trace is zero in the window.
    """
    data, model = observed[first : last + 1], synthetic[first : last + 1]
    energy, model_energy = np.sum(data**2), np.sum(model**2)
    if energy == 0.0 or model_energy == 0.0:
        raise StationProblem(f"a trace is zero in the window from sample {first} to {last}")
    if len(data) <= _LONGEST_EXACT:
        shift = best_lag(data, model)
        largest = correlation_at(data, model, shift)
    else:
        from scipy.signal import correlate

        correlation = correlate(data, model, mode="full", method="fft")
        shift = int(correlation.argmax()) - len(data) + 1
        largest = float(correlation.max())
    return Window(
        first=first,
        last=last,
        shift=shift,
        cc=float(largest / np.sqrt(model_energy * energy)),
        dlna=float(0.5 * np.log(energy / model_energy)),
        weight=weight,
    )
