"""Solver, waveform program, kernels and optimiser, one after the other in one process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import EventRequest, SingleRank, process_event
from headrace.seismic.kernels import (
    KernelProcessing,
    Mute,
    Smoothing,
    gradient_of,
    process_kernel,
    sum_kernels,
)
from headrace.seismic.models import Provenance, read_model, write_model
from headrace.seismic.optimisation import Optimiser, Settings, Task
from headrace.seismic.solvers import (
    HESSIAN,
    KERNELS,
    SYNTHETICS,
    AdjointRun,
    ForwardRun,
    open_solver,
    run_all,
)
from headrace.seismic.solvers.examples import (
    Band,
    Checkerboard,
    ExampleFiles,
    model_error,
    write_checkerboard,
)
from tests.support.optional_packages import skip_without

skip_without("devito", "inversion")


class Inversion:
    """The loop that the flow of an inversion does in many processes."""

    def __init__(self, place: Path, example: Checkerboard) -> None:
        self.place, self.example = place, example
        self.files: ExampleFiles = write_checkerboard(place, example)
        self.settings = json.loads(self.files.solver_settings.read_text())
        self.solver = open_solver(example.solver, self.settings)
        self.events = sorted(example.sources())
        self.optimiser = Optimiser.create(place / "optimiser", self.files.start_model, Settings())
        self.computed = 0

    def run(self) -> Iterator[float]:
        """The model's error after each band."""
        for number, band in enumerate(self.example.bands):
            self._configure(band)
            task = (
                self.optimiser.begin_objective(f"band_{number}") if number else self.optimiser.ask()
            )
            end = task.iteration + band.iterations
            while task.iteration < end:
                assert task.kind not in ("finished", "stopped"), task.reason
                task = self._answer(task)
            files = self.files
            yield model_error(task.model, files.true_model, files.start_model)

    def _configure(self, band: Band) -> None:
        told = self.example.waveform_settings(band)
        windows = told.pop("windows")
        lines = [f"{key} = {json.dumps(value)}" for key, value in told.items()]
        lines += ["[windows]", *(f"{key} = {json.dumps(value)}" for key, value in windows.items())]
        (self.place / "config.toml").write_text("\n".join(lines) + "\n")

    def _answer(self, task: Task) -> Task:
        place = self.place
        forward = place / "forward" / (task.forward or task.name)
        runs = [
            ForwardRun(task.model, self.files.events / event, forward / event)
            for event in self.events
        ]
        self.computed += sum(one.computed for one in run_all(self.solver, runs, self.settings))
        misfit = self._misfit(forward)
        if task.kind == "misfit":
            return self.optimiser.tell(task.name, misfit=misfit)
        adjoint = [
            AdjointRun(run.model, run.event, run.output, place / "adj" / event, place / "k" / event)
            for run, event in zip(runs, self.events, strict=True)
        ]
        list(run_all(self.solver, adjoint, self.settings))
        self._gradient()
        return self.optimiser.tell(
            task.name,
            misfit=None if task.kind == "gradient" else misfit,
            gradient=place / "gradient.h5",
            preconditioned=place / "preconditioned.h5",
        )

    def _misfit(self, forward: Path) -> float:
        total = 0.0
        for event in self.events:
            request = EventRequest(
                observed=self.files.observed / event,
                synthetic=forward / event / SYNTHETICS,
                output=self.place / "adj" / event,
                config=self.place / "config.toml",
                event=event,
                figures="none",
            )
            summary: dict[str, Any] = process_event(request, SingleRank(), lambda fact: None)
            assert summary["problems"] == []
            total += float(summary["misfit"])
        return total

    def _gradient(self) -> None:
        place, example = self.place, self.example
        for name in (KERNELS, HESSIAN):
            sum_kernels({event: place / "k" / event / name for event in self.events}, place / name)
        # The density is known and stays.
        kernel = read_model(place / KERNELS)
        fields = {"vp": kernel.fields["vp"], "rho": np.zeros(kernel.layout.shape)}
        write_model(place / KERNELS, kernel.layout, fields, Provenance("chosen"), "kernel")
        points = [(one.z, one.x) for one in example.sources().values()]
        points += [(one.z, one.x) for one in example.receivers()]
        processing = KernelProcessing(
            masks=(Mute(("z", "x"), tuple(points), *example.mute, units="m"),),
            water_level=example.water_level,
            smoothing=tuple(Smoothing(axis, "m", sigma=example.smoothing) for axis in "zx"),
        )
        process_kernel(place / KERNELS, place / "done.h5", processing, hessian=place / HESSIAN)
        gradient_of(place / KERNELS, place / "gradient.h5")
        gradient_of(place / "done.h5", place / "preconditioned.h5")


def test_a_coarse_checkerboard_begins_to_appear(tmp_path: Path) -> None:
    example = Checkerboard(
        points=41,
        spacing=25.0,
        frequency=4.0,
        dt=6e-3,
        npts=240,
        stations=12,
        bands=(Band((0.2, 1.0), 2),),
    )
    inversion = Inversion(tmp_path, example)
    (error,) = inversion.run()
    assert error < 0.8
    # The forward runs of a trial that was accepted are those of the next model.
    trials = sum(len(one.trials) for one in inversion.optimiser.history)
    assert inversion.computed == 8 * (1 + trials)


@pytest.mark.slow
def test_ten_iterations_recover_the_checkerboard(tmp_path: Path) -> None:
    inversion = Inversion(tmp_path, Checkerboard())
    errors = list(inversion.run())
    assert inversion.optimiser.state.iteration == 10
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.25
