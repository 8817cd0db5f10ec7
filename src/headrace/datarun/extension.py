"""Extension that a fit appends to a hit, that of DDASToys, as a NumPy record.

One `EXTENSION` record per hit is the result of fitting a batch. Its field ``size`` says what
stands in the file, so the same record distinguishes a hit that was fitted from one that was not:

========  ===================================================================
``size``  bytes that follow the hit
========  ===================================================================
0         none; the hit was never offered to a fit
4         one ``u32`` of value 4: not fitted (no channel of the fit's list)
144       both fits, without probabilities and size word (before DDASToys 6)
168       the whole record (DDASToys 6)
========  ===================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NONE, NULL, LEGACY, COMPLETE = 0, 4, 144, 168
"""The sizes in bytes that an extension can have."""

_PULSE = [
    ("position", "<f8"),
    ("amplitude", "<f8"),
    ("steepness", "<f8"),
    ("decay", "<f8"),
]
_QUALITY = [("chi_square", "<f8"), ("offset", "<f8"), ("iterations", "<u4"), ("status", "<u4")]

PULSE = np.dtype(_PULSE)
"""Parameters of one pulse: position x1 in samples, amplitude A in ADC units, steepness k1 and
decay k2 in 1/sample."""

SINGLE = np.dtype([*_PULSE, *_QUALITY])
"""The single-pulse fit, 56 bytes: a pulse, Neyman's chi-square, offset C, iterations, status."""

DOUBLE = np.dtype([("pulses", PULSE, (2,)), *_QUALITY])
"""The double-pulse fit, 88 bytes: two pulses in order of position, and one offset."""

EXTENSION = np.dtype(
    [
        ("single", SINGLE),
        ("double", DOUBLE),
        ("p_single", "<f8"),
        ("p_double", "<f8"),
        ("size", "<u4"),
        ("padding", "<u4"),
    ]
)
"""The whole extension, 168 bytes in C layout."""


def no_extensions(hits: int) -> NDArray[np.void]:
    """Record of hits that carry no extension: all zero.

    Args:
        hits: how many.

    Returns:
        `EXTENSION` records, shape (hits,).
    """
    return np.zeros(hits, EXTENSION)


def null_extensions(hits: int) -> NDArray[np.void]:
    """Record of hits that were offered to a fit and not fitted: zero but for their size, 4."""
    records = np.zeros(hits, EXTENSION)
    records["size"] = NULL
    return records


def fitted_extensions(hits: int) -> NDArray[np.void]:
    """Record for the results of fits: zero but for their size, 168."""
    records = np.zeros(hits, EXTENSION)
    records["size"] = COMPLETE
    return records


def is_fitted(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return which records hold fits, shape as ``records``."""
    sizes = records["size"]
    return np.asarray((sizes == COMPLETE) | (sizes == LEGACY))


def counts_as_two(
    p_single: NDArray[np.floating[Any]],
    p_double: NDArray[np.floating[Any]],
    single_chi_square: NDArray[np.floating[Any]],
    double_chi_square: NDArray[np.floating[Any]],
) -> NDArray[np.bool_]:
    """Return which fitted hits count as two pulses.

    Those to which the fit gives two pulses a probability above one half; without probabilities,
    those whose chi-square two pulses halve.

    Args:
        p_single: probability of one pulse, one a hit.
        p_double: probability of two.
        single_chi_square: of the fit of one pulse.
        double_chi_square: of the fit of two.
    """
    has_probability = (p_single > 0) | (p_double > 0)
    halved = double_chi_square < 0.5 * single_chi_square
    return np.asarray(np.where(has_probability, p_double > 0.5, halved))


def flat_columns(records: NDArray[np.void]) -> dict[str, NDArray[np.generic]]:
    """Return the extension as one plain column a parameter, for trees and tables.

    Args:
        records: `EXTENSION` records, shape (hits,).

    Returns:
        Name to array of shape (hits,): ``single_position`` ... ``single_status``,
        ``double_position1``, ``double_position2`` ... ``double_status``, ``p_single``,
        ``p_double``, ``extension`` (the size).
    """
    columns: dict[str, NDArray[np.generic]] = {}
    single, double = records["single"], records["double"]
    for name in SINGLE.names or ():
        columns[f"single_{name}"] = np.ascontiguousarray(single[name])
    for name in PULSE.names or ():
        for pulse in (0, 1):
            values = double["pulses"][:, pulse][name]
            columns[f"double_{name}{pulse + 1}"] = np.ascontiguousarray(values)
    for name, _ in _QUALITY:
        columns[f"double_{name}"] = np.ascontiguousarray(double[name])
    for name in ("p_single", "p_double"):
        columns[name] = np.ascontiguousarray(records[name])
    columns["extension"] = records["size"].astype(np.uint8)
    return columns
