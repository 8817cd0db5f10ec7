"""Interface of an optimisation method: the direction, and the steps along it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headrace.seismic.optimisation import vectors
from headrace.seismic.optimisation.directions import Combination, Products
from headrace.seismic.optimisation.line_search import Decision, LineSearch, next_decision
from headrace.seismic.optimisation.settings import Settings


@dataclass(frozen=True)
class PreviousGradient:
    """Gradient of the iteration before.

    Attributes:
        gradient: its file.
        preconditioned: file of the preconditioned one; the same without preconditioner.
    """

    gradient: Path
    preconditioned: Path


@dataclass(frozen=True)
class Iterate:
    """Gradient at the current model, and what is remembered of the iterations before.

    The vectors are files, which may be larger than memory.

    Attributes:
        settings: of the optimiser.
        gradient: file of the gradient, zero where a bound holds the model.
        preconditioned: file of the preconditioned one likewise; the same without preconditioner.
        previous: gradient of the iteration before; None at first and after a restart.
        age: iterations since the last direction that was minus the gradient; for a method that
            keeps pairs: since the memory was dropped.
        s: files of the differences of the models, oldest first; empty unless the method keeps
            pairs.
        y: files of the differences of the gradients likewise.
        products: inner products of the pairs.
    """

    settings: Settings
    gradient: Path
    preconditioned: Path
    previous: PreviousGradient | None = None
    age: int = 0
    s: tuple[Path, ...] = ()
    y: tuple[Path, ...] = ()
    products: Products = field(default_factory=Products)

    def inner(self, pairs: Sequence[tuple[Path, Path]]) -> list[float]:
        """Return the inner products of pairs of vectors, all read in one go."""
        return vectors.inner(pairs)


class OptimisationMethod:
    """Way from one model to the next one.

    The optimiser does the rest: it asks for misfits and gradients, keeps bounds and the limit of a
    model's change, and has every answer on disk before the next question. A method keeps nothing
    itself, and decides the same from the same arguments.

    Attributes:
        keeps_pairs: whether differences of models and gradients are kept, as many as
            ``optimiser.memory`` says.
    """

    keeps_pairs: bool = False

    def direction(self, iterate: Iterate) -> Combination:
        """Return the direction of the next line search.

        One that is not downhill, or nearly orthogonal to the gradient, is replaced by steepest
        descent.

        Args:
            iterate: gradient and memory.
        """
        raise NotImplementedError

    def next_decision(self, search: LineSearch, settings: Settings) -> Decision:
        """Decide on a step along the direction from the trials so far.

        Args:
            search: the direction's slope, and the trials.
            settings: of the optimiser.

        Returns:
            Another trial, the trial to accept, or why there is none. By default as the setting
            ``line_search`` says.
        """
        return next_decision(search, settings)
