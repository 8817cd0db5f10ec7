"""The models of a trace: one logistic pulse with an exponential tail, or two, over an offset.

``x`` is the sample's number throughout::

    pulse(x)  = A exp(-k2 (x - x1)) / (1 + exp(-k1 (x - x1)))
    single(x) = pulse(x) + C
    double(x) = pulse1(x) + pulse2(x) + C
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pulse:
    """One pulse.

    Attributes:
        position: x1, samples.
        amplitude: A, ADC units.
        steepness: k1 of the rise, 1/sample.
        decay: k2 of the tail, 1/sample.
    """

    position: float
    amplitude: float
    steepness: float
    decay: float

    @classmethod
    def of(cls, record: Any) -> Pulse:
        """Return the pulse of a `PULSE` record, or of any with fields of these names."""
        names = ("position", "amplitude", "steepness", "decay")
        return cls(*(float(record[name]) for name in names))

    def __call__(self, x: ArrayLike) -> Values:
        """Return the pulse at samples.

        Args:
            x: sample numbers, of any shape.

        Returns:
            ADC units, shape as ``x``.
        """
        after = np.asarray(x, np.float64) - self.position
        # One exponential of the sum, so that far before the pulse nothing is infinite.
        exponent = np.logaddexp(0.0, -self.steepness * after) + self.decay * after
        return np.asarray(self.amplitude * np.exp(-exponent))


def single_model(x: ArrayLike, pulse: Pulse, offset: float) -> Values:
    """Return a pulse over an offset, ADC units, shape as ``x``."""
    return pulse(x) + offset


def double_model(x: ArrayLike, first: Pulse, second: Pulse, offset: float) -> Values:
    """Two pulses over an offset, ADC units, shape as ``x``."""
    return first(x) + second(x) + offset


def fitted_model(x: ArrayLike, record: Any) -> Values:
    """Return the curve of a fit that stands in an extension.

    Args:
        x: sample numbers.
        record: the field ``single`` or ``double`` of an `EXTENSION` record.

    Returns:
        ADC units, shape as ``x``.
    """
    offset = float(record["offset"])
    if "pulses" in record.dtype.names:
        first, second = (Pulse.of(pulse) for pulse in record["pulses"])
        return double_model(x, first, second, offset)
    return single_model(x, Pulse.of(record), offset)


def maximum(amplitude: ArrayLike, steepness: ArrayLike, decay: ArrayLike) -> tuple[Values, Values]:
    """Return where after their positions pulses are largest, and how large.

    Args:
        amplitude: A, ADC units.
        steepness: k1, 1/sample.
        decay: k2, 1/sample.

    Returns:
        Samples after the position, and the value there in ADC units; not a number where there is
        no maximum (k1 <= k2, or no decay).
    """
    a, k1, k2 = np.broadcast_arrays(amplitude, steepness, decay)
    valid = (k1 > k2) & (k2 > 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = np.where(valid, k1 / k2 - 1.0, np.nan)
        after = np.log(excess) / k1
        height = a * np.exp(-k2 * after) / (1.0 + 1.0 / excess)
    return after, height
