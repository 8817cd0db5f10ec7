"""Sections of a model, as pictures show them."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.seismic.report.pictures import (
    Places,
    Section,
)

X = np.arange(0.0, 4.1, 0.1)


Z = np.arange(0.0, 2.1, 0.1)


PLACES = Places(((1.0, 0.2), (3.0, 0.2)), tuple((0.5 * n, 2.0) for n in range(9)))


def section(values: Any, name: str = "vp", units: str = "km/s") -> Section:
    return Section(np.broadcast_to(values, (len(Z), len(X))), X, Z, name=name, units=units)
