"""Answers an optimiser from functions in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, read_model, write_model
from headrace.seismic.optimisation import Optimiser, Settings, Task

Values = npt.NDArray[np.float64]
Misfit = Callable[[Values], float]
Gradient = Callable[[Values], Values]

UNLIMITED = {"parametrisation": "linear", "max_relative_model_change": None}


def layout_for(shape: tuple[int, ...], dtype: str = "float64", names: str = "a") -> Layout:
    axes = tuple(Axis.even(f"x{i}", "1", 0.0, 1.0, n) for i, n in enumerate(shape))
    return Layout(axes, tuple(FieldSpec(name, "1") for name in names.split()), dtype)


@dataclass
class Problem:
    """A function of one field ``a`` with the files that a solver would make."""

    place: Path
    misfit: Misfit
    gradient: Gradient
    start: Values
    dtype: str = "float64"
    precondition: Callable[[Values], Values] | None = None
    misfits: int = 0
    gradients: int = 0
    lowest: float = np.inf

    def create(self, settings: Settings, name: str = "optimiser") -> Optimiser:
        layout = layout_for(self.start.shape, self.dtype)
        start = self.place / "start.h5"
        write_model(start, layout, {"a": self.start}, Provenance("test"))
        return Optimiser.create(self.place / name, start, settings)

    def answer(self, optimiser: Optimiser, task: Task) -> Task:
        model = read_model(task.model)
        misfit = gradient = processed = None
        if "misfit" in task.kind:
            self.misfits += 1
            misfit = self.misfit(model.fields["a"])
            self.lowest = min(self.lowest, misfit)
        if "gradient" in task.kind:
            self.gradients += 1
            values = self.gradient(model.fields["a"])
            gradient = self._write("gradient.h5", model.layout, values)
            if self.precondition is not None:
                processed = self._write("processed.h5", model.layout, self.precondition(values))
        return optimiser.tell(task.name, misfit=misfit, gradient=gradient, preconditioned=processed)

    def _write(self, name: str, layout: Layout, values: Values) -> Path:
        path = self.place / name
        write_model(path, layout, {"a": values}, Provenance("test"), "gradient")
        return path

    def minimise(self, settings: Settings, below: float = -np.inf, iterations: int = 200) -> Task:
        """Until a misfit falls below, or so many iterations are over."""
        optimiser = self.create(settings)
        task = optimiser.ask()
        while task.kind not in ("finished", "stopped") and task.iteration < iterations:
            task = self.answer(optimiser, task)
            if self.lowest < below:
                break
        return task


def rosenbrock(values: Values) -> float:
    """The extended function of Moré, Garbow & Hillstrom (1981), no. 21; minimum 0 at ones."""
    a, b = values.ravel()[::2], values.ravel()[1::2]
    return float(np.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2))


def rosenbrock_gradient(values: Values) -> Values:
    a, b = values.ravel()[::2], values.ravel()[1::2]
    found = np.empty(values.size)
    found[::2] = -400.0 * a * (b - a * a) - 2.0 * (1.0 - a)
    found[1::2] = 200.0 * (b - a * a)
    return found.reshape(values.shape)


def rosenbrock_start(*shape: int) -> Values:
    return np.tile([-1.2, 1.0], int(np.prod(shape)) // 2).reshape(shape)
