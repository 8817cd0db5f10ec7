"""The optimiser's state between two answers, as a file."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headrace._internal.files import write_whole
from headrace.seismic.errors import OptimiserError
from headrace.seismic.optimisation.directions import Products
from headrace.seismic.optimisation.line_search import LineSearch, Trial
from headrace.seismic.optimisation.settings import Settings

FORMAT = 1

Phase = Literal["evaluate", "gradient", "trial", "finished", "stopped"]


@dataclass(frozen=True)
class Pending:
    """The trial whose misfit is awaited.

    Attributes:
        name: its id and the name of its model.
        step: step length.
        predicted: change of the misfit that the gradient predicts.
    """

    name: str
    step: float
    predicted: float


@dataclass(frozen=True)
class PreviousIterate:
    """Start of the iteration before; what the next pair and direction are made from.

    Attributes:
        model: name of its model.
        gradient: name of its gradient.
        preconditioned: name of its preconditioned gradient; None without preconditioner.
        direction: name of the direction taken.
        slope: slope along it.
        step: step accepted.
    """

    model: str
    gradient: str
    preconditioned: str | None
    direction: str
    slope: float
    step: float


@dataclass(frozen=True)
class LbfgsPair:
    """Names of the vectors of a pair; ``py`` is ``y`` without preconditioner."""

    s: str
    y: str
    py: str


@dataclass(frozen=True)
class Answer:
    """Answer for an id: the misfit, infinite if there is none, and the gradients' hashes."""

    misfit: float | None = None
    gradient: str | None = None
    preconditioned: str | None = None


@dataclass(frozen=True)
class Iteration:
    """One finished or running iteration, for people and pictures.

    Attributes:
        iteration: its number.
        objective: tag of the misfit function in force (band, windows).
        misfit: misfit of its model.
        gradient_norm: length of the gradient.
        slope: slope along the direction.
        angle_cosine: cosine between direction and minus the gradient.
        direction: ``steepest_descent``, or the method that made another one of it.
        pairs: pairs in the memory.
        notes: why the memory was dropped, if it was.
        trials: all trials, also those along a direction that was given up.
        accepted: the trial that became the next model; None while it runs or if it was given up.
    """

    iteration: int
    objective: str
    misfit: float
    gradient_norm: float
    slope: float
    angle_cosine: float
    direction: str
    pairs: int
    notes: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    accepted: str | None = None


@dataclass(frozen=True)
class State:
    """All that the optimiser knows; the vectors are files that it names.

    Attributes:
        settings: as given at the start.
        phase: what is awaited.
        iteration: number of the current model.
        objectives: tags of the misfit functions so far; the last one is in force.
        evaluation: id of the evaluation of the current model.
        reason: why it finished or stopped.
        misfit: misfit of the current model.
        forward: id of the evaluation that already ran the current model.
        gradient: name of the current gradient.
        preconditioned: name of the current preconditioned gradient.
        direction: name of the current direction.
        search: trials along it.
        pending: the trial that is awaited.
        trial_count: trials of this iteration so far, given-up directions included.
        given_up: the memory was dropped in this iteration because a search failed.
        previous: the iteration before, None after a restart.
        pairs: the L-BFGS memory, oldest first.
        products: its inner products.
        age: iterations since the memory was dropped.
        answers: all answers by id.
        history: one record per iteration and objective.
    """

    settings: Settings
    phase: Phase = "evaluate"
    iteration: int = 0
    objectives: tuple[str, ...] = ("",)
    evaluation: str = "000"
    reason: str = ""
    misfit: float | None = None
    forward: str | None = None
    gradient: str | None = None
    preconditioned: str | None = None
    direction: str | None = None
    search: LineSearch | None = None
    pending: Pending | None = None
    trial_count: int = 0
    given_up: bool = False
    previous: PreviousIterate | None = None
    pairs: tuple[LbfgsPair, ...] = ()
    products: Products = field(default_factory=Products)
    age: int = 0
    answers: Mapping[str, Answer] = field(default_factory=dict)
    history: tuple[Iteration, ...] = ()

    @property
    def model(self) -> str:
        """Name of the current model."""
        return f"{self.iteration:03d}"

    def vectors(self) -> set[str]:
        """Name of the vectors that are still needed."""
        named = {self.gradient, self.preconditioned, self.direction}
        if self.previous is not None:
            previous = self.previous
            named |= {previous.gradient, previous.preconditioned, previous.direction}
        for pair in self.pairs:
            named |= {pair.s, pair.y, pair.py}
        return {name for name in named if name is not None}

    def trial_models(self) -> set[str]:
        """Name of the trial models that are still needed."""
        named = {trial.name for trial in self.search.trials} if self.search else set()
        if self.pending is not None:
            named.add(self.pending.name)
        return named


def save(state: State, path: Path) -> None:
    """Write the state, whole or not at all, and wait until it is on the disk."""
    document = {item.name: _plain(getattr(state, item.name)) for item in dataclasses.fields(state)}
    write_whole(path, json.dumps({"format": FORMAT, **document}, indent=1, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no number for it
    if dataclasses.is_dataclass(type(value)):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return value


def load(path: Path) -> State:
    """Read the state.

    Raises:
        OptimiserError: there is none, or it cannot be read.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OptimiserError(f"{path}: no optimisation was started here") from None
    except (OSError, ValueError) as error:
        raise OptimiserError(f"{path}: cannot be read: {error}") from None
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise OptimiserError(f"{path}: not a state of this version (format {FORMAT})")
    try:
        return _state(document)
    except (KeyError, TypeError, ValueError) as error:
        raise OptimiserError(f"{path}: not a state of an optimisation: {error!r}") from None


def _state(document: dict[str, Any]) -> State:
    def table(rows: list[list[float]]) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(row) for row in rows)

    def trials(rows: list[dict[str, Any]]) -> tuple[Trial, ...]:
        return tuple(Trial(**row | {"misfit": float(row["misfit"])}) for row in rows)

    values = dict(document)
    values["settings"] = Settings.from_dict(document["settings"])
    values["objectives"] = tuple(document["objectives"])
    if document["search"] is not None:
        values["search"] = LineSearch(
            **document["search"] | {"trials": trials(document["search"]["trials"])}
        )
    if document["pending"] is not None:
        values["pending"] = Pending(**document["pending"])
    if document["previous"] is not None:
        values["previous"] = PreviousIterate(**document["previous"])
    values["pairs"] = tuple(LbfgsPair(**row) for row in document["pairs"])
    products = document["products"]
    values["products"] = Products(table(products["s_y"]), table(products["y_py"]))
    values["answers"] = {
        name: Answer(**said | {"misfit": None if said["misfit"] is None else float(said["misfit"])})
        for name, said in document["answers"].items()
    }
    values["history"] = tuple(
        Iteration(**row | {"notes": tuple(row["notes"]), "trials": trials(row["trials"])})
        for row in document["history"]
    )
    return State(**values)
