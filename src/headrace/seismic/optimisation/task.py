"""Task of the optimiser: the evaluation it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Task:
    """Next evaluation that the optimiser asks for.

    Attributes:
        kind: ``misfit`` of a trial; ``gradient`` of a model whose misfit is known; both; or
            ``finished`` or ``stopped``, when nothing is left to ask.
        name: id to report the answer with.
        model: the model's file.
        iteration: number of the current model.
        forward: id of the evaluation whose forward runs already used this model, so that they
            need not be done again; None if there are none.
        step: step length of a trial.
        reason: why it finished or stopped.
    """

    kind: Literal["misfit", "gradient", "misfit_and_gradient", "finished", "stopped"]
    name: str
    model: Path
    iteration: int
    forward: str | None = None
    step: float | None = None
    reason: str = ""
