"""Values that an inversion may reach, for checks against a solver's limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from headrace.seismic.models import Values


@dataclass(frozen=True)
class Reach:
    """Range that the values of a field may reach from those of a model.

    Attributes:
        low: the lowest value that is allowed.
        high: the highest value that is allowed.
        factor: each value may become so many times larger or smaller.
        shift: and may change by so much besides.
    """

    low: float = -math.inf
    high: float = math.inf
    factor: float = 1.0
    shift: float = 0.0

    def highest(self, values: Values) -> Values:
        """Return the largest value that each point may get; never below the one that it has."""
        found: Values = np.maximum(values, np.minimum(values * self.factor + self.shift, self.high))
        return found

    def lowest(self, values: Values) -> Values:
        """Return the smallest value that each point may get; never above the one that it has."""
        found: Values = np.minimum(values, np.maximum(values / self.factor - self.shift, self.low))
        return found


NO_REACH: Mapping[str, Reach] = {}
"""The model alone is asked about."""


def rounded_down(number: float) -> float:
    """Round down to three digits, so that what is advised is accepted.

    Args:
        number: above 0.
    """
    scale = 10.0 ** (2 - math.floor(math.log10(number)))
    count = math.floor(number * scale)
    # As it is read again from a message; a product that was rounded up is above the number.
    found = (float(f"{count / scale:.3g}") for count in (count, count - 1))
    return next(one for one in found if one <= number)
