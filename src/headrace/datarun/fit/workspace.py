"""Memory of the fits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.datarun.fit.basis import BLOCK, GRID_POSITIONS, MAX_ROWS
from headrace.datarun.fit.lanes import WIDTH
from headrace.datarun.fit.probes import FOUND, make_probes


class Workspace(NamedTuple):
    """Memory for the fits of eight traces at once; the last axis of most of it are the lanes.

    Attributes:
        points: 1 where a sample is fitted, else 0, shape (padded, 8).
        trace: samples less the trace's level where they are fitted, else 0, shape (padded, 8).
        rows: rows of a block of samples, shape (2 * 4 * BLOCK, 8).
        products: of any two rows, lower triangle, shape (MAX_ROWS * MAX_ROWS, 8).
        series: ratios of the geometric series of two pulses, shape (2 * 4, 8).
        residual: trace less model where it is fitted, shape (padded, 8).
        tangents: shape and derivatives of the single fit, shape (4 * padded, 8).
        state: memory of the search for a minimum, shape (STATE_ROWS, 8).
        probes: short pulses that are looked for in residuals, shape (probes, distances).
        probe_limits: step, first and last distance of each, shape (probes, 3).
        gains: what a probe at each sample wins, and which one, shape (2 * padded, 8).
        found: the best of these, shape (FOUND, 3, 8).
        shape: a pulse at distances from its position, shape (2 * padded,).
        bank: shapes at many positions, and points and trace, shape (GRID_POSITIONS + 6, padded).
        crossed: their products, shape (GRID_POSITIONS + 6, GRID_POSITIONS + 6), lower triangle.
        template: the template's samples; empty without one.
        align: shape (1,): sample of the template that stands at a pulse's position.
    """

    points: Any
    trace: Any
    rows: Any
    products: Any
    series: Any
    residual: Any
    tangents: Any
    state: Any
    probes: Any
    probe_limits: Any
    gains: Any
    found: Any
    shape: Any
    bank: Any
    crossed: Any
    template: Any
    align: Any


STATE_ROWS = 163
"""Rows of `Workspace.state`."""


def workspace(samples: int, template: Any = None, align: float = 0.0) -> Workspace:
    """Make a workspace.

    Args:
        samples: of the longest stretch that will be fitted.
        template: samples of a template.
        align: its sample that stands at a pulse's position.

    Returns:
        The workspace.
    """
    padded = -(-max(samples, 1) // BLOCK) * BLOCK
    return Workspace(
        np.zeros((padded, WIDTH)),
        np.zeros((padded, WIDTH)),
        np.zeros((8 * BLOCK, WIDTH)),
        np.zeros((MAX_ROWS * MAX_ROWS, WIDTH)),
        np.zeros((8, WIDTH)),
        np.zeros((padded, WIDTH)),
        np.zeros((4 * padded, WIDTH)),
        np.zeros((STATE_ROWS, WIDTH)),
        *make_probes(),
        np.zeros((2 * padded, WIDTH)),
        np.zeros((FOUND, 3, WIDTH)),
        np.zeros(2 * padded),
        np.zeros((GRID_POSITIONS + 6, padded)),
        np.zeros((GRID_POSITIONS + 6, GRID_POSITIONS + 6)),
        np.ascontiguousarray([] if template is None else template, np.float64),
        np.array([align], np.float64),
    )
