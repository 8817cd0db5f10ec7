"""Kernels of the embedded solver against differences of misfits, through files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic.models import read_model
from headrace.seismic.solvers import KERNELS, AdjointRun, ForwardRun, read_event
from tests.support.optional_packages import skip_without
from tests.support.seismic.small_models import (
    SMALL,
    SPACING,
    Values,
    bumps,
    read_traces,
    small_event,
    small_model,
    small_solver,
    write_adjoint_sources,
)

skip_without("devito", "inversion")

DIRECTIONS = {
    "vp": {"vp": bumps(11, 1.0)},
    "rho": {"rho": bumps(12, 1.0)},
    "both near the surface": {
        name: np.where(np.arange(24)[:, None] < 4, bumps(seed, 1.0), 0.0)
        for name, seed in (("vp", 13), ("rho", 14))
    },
}


def scaled(change: dict[str, Values], factor: float) -> dict[str, Values]:
    return {name: factor * values for name, values in change.items()}


class Misfit:
    """The L2 misfit of a change of the small model, computed through files."""

    def __init__(self, place: Path, **settings: Any) -> None:
        self.place = place
        self.solver = small_solver(**settings)
        self.event = read_event(small_event(place / "shot"))
        self.observed = self.traces({"vp": bumps(5, 0.03), "rho": bumps(6, 0.05)})

    def traces(self, change: dict[str, Values]) -> Values:
        model = small_model(self.place / "model.h5", change)
        self.solver.forward(ForwardRun(model, self.place / "shot", self.place / "out"))
        return read_traces(self.place / "out", self.event)

    def __call__(self, change: dict[str, Values]) -> float:
        left = self.traces(change) - self.observed
        return 0.5 * float(SMALL["dt"]) * float(np.sum(left**2))

    def slope(self) -> Callable[[dict[str, Values]], float]:
        left = self.traces({}) - self.observed
        place = self.place
        write_adjoint_sources(place / "adj", self.event, self.solver.settings.axis, list(left))
        model = small_model(place / "start.h5")
        run = AdjointRun(model, place / "shot", place / "out", place / "adj", place / "kernel")
        self.solver.adjoint(run)
        kernels = read_model(place / "kernel" / KERNELS).fields
        return lambda change: sum(
            SPACING**2 * float(np.sum(kernels[name] * values)) for name, values in change.items()
        )


@pytest.mark.parametrize("settings", [{}, {"free_surface": False, "memory_limit": 1.5}])
def test_second_order_of_what_the_kernels_leave(settings: dict[str, Any], tmp_path: Path) -> None:
    misfit = Misfit(tmp_path, **settings)
    slope, start = misfit.slope(), misfit({})
    assert start > 0.0
    steps = np.array([0.03, 0.003, 0.0003])
    for change in DIRECTIONS.values():
        predicted = slope(change)
        left = [abs(misfit(scaled(change, h)) - start - h * predicted) for h in steps]
        orders = np.diff(np.log10(left)) / np.diff(np.log10(steps))
        assert orders == pytest.approx(2.0, abs=0.1)
        # A slope that is zero would have second order too.
        assert abs(predicted) * steps[-1] > 10.0 * left[-1]
