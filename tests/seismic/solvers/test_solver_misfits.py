"""Adjoint sources of the waveform program, through the solver, beside misfit differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import EventRequest, SingleRank, process_event
from headrace.seismic.models import read_model
from headrace.seismic.solvers import KERNELS, SYNTHETICS, AdjointRun, ForwardRun
from tests.support.optional_packages import skip_without
from tests.support.seismic.small_models import (
    SPACING,
    Values,
    bumps,
    small_event,
    small_model,
    small_solver,
)

skip_without("devito", "inversion")

DIRECTIONS = {"vp": {"vp": bumps(11, 1.0)}, "rho": {"rho": bumps(12, 1.0)}}


def scaled(change: dict[str, Values], factor: float) -> dict[str, Values]:
    return {name: factor * values for name, values in change.items()}


class Pipeline:
    """Solver and waveform program one after the other, by their files alone."""

    def __init__(self, place: Path, kind: str, select: str) -> None:
        self.place = place
        self.solver = small_solver(npts=500, start=-0.25)
        small_event(place / "shot")
        self.config = place / "config.toml"
        self.config.write_text(
            f'period_band = [0.05, 0.25]\ncomponents = ["P"]\nadjoint_source = "{kind}"\n'
            f'exact_adjoint = true\n[windows]\nselect = "{select}"\n'
        )
        self.observed = self._simulate({"vp": 0.02 + bumps(5, 0.02)}, "observed")
        self.start = self._simulate({}, "start")
        self.windows: Path | None = None
        self.summary = self._process(self.start, "windows")
        self.windows = place / "windows"

    def _simulate(self, change: dict[str, Values], name: str) -> Path:
        model = small_model(self.place / f"{name}.h5", change)
        self.solver.forward(ForwardRun(model, self.place / "shot", self.place / name))
        return self.place / name / SYNTHETICS

    def _process(self, synthetics: Path, name: str) -> dict[str, Any]:
        more: dict[str, Any] = {"windows_from": self.windows} if self.windows else {}
        request = EventRequest(
            observed=self.observed,
            synthetic=synthetics,
            output=self.place / name,
            config=self.config,
            event="shot",
            figures="none",
            **more,
        )
        return process_event(request, SingleRank(), lambda fact: None)

    def misfit(self, change: dict[str, Values]) -> float:
        summary = self._process(self._simulate(change, "trial"), "measured")
        assert summary["windows"] == self.summary["windows"]
        return float(summary["misfit"])

    def kernels(self) -> dict[str, Values]:
        place = self.place
        run = AdjointRun(
            place / "start.h5", place / "shot", place / "start", place / "windows", place / "out"
        )
        self.solver.adjoint(run)
        return dict(read_model(place / "out" / KERNELS).fields)


def slope(kernels: dict[str, Values], change: dict[str, Values]) -> float:
    return sum(SPACING**2 * float(np.sum(kernels[name] * part)) for name, part in change.items())


def test_second_order_of_what_the_kernels_leave_of_the_waveform_misfit(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path, "waveform", "whole")
    kernels, start = pipeline.kernels(), pipeline.misfit({})
    assert start == pytest.approx(pipeline.summary["misfit"])
    steps = np.array([0.01, 0.001, 0.0001])
    for change in DIRECTIONS.values():
        predicted = slope(kernels, change)
        left = [abs(pipeline.misfit(scaled(change, h)) - start - h * predicted) for h in steps]
        orders = np.diff(np.log10(left)) / np.diff(np.log10(steps))
        assert orders == pytest.approx(2.0, abs=0.1)
        # A slope that is zero would have second order too.
        assert abs(predicted) * steps[-1] > 10.0 * left[-1]


def test_travel_time_kernels_are_what_differences_say(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path, "cc_traveltime_subsample", "pyflex")
    assert pipeline.summary["windows"] >= 5
    kernels, step = pipeline.kernels(), 1e-4
    for change in DIRECTIONS.values():
        plus, minus = (pipeline.misfit(scaled(change, sign * step)) for sign in (1, -1))
        assert (plus - minus) / (2 * step) / slope(kernels, change) == pytest.approx(1.0, abs=1e-3)
