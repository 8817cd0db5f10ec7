"""Settings of the optimiser."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from headrace._internal.settings import Choice, Integer, Key, ListOf, Number
from headrace.seismic.errors import OptimiserError
from headrace.seismic.optimisation.registry import METHODS, method_names

LineSearch = Literal["backtracking", "bracketing"]
Parametrisation = Literal["log", "linear"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "line_search": ("backtracking", "bracketing"),
    "parametrisation": ("log", "linear"),
    "nlcg_beta": ("polak_ribiere", "fletcher_reeves"),
}


@dataclass(frozen=True)
class Settings:
    """Settings of an optimisation; they stay with it.

    Attributes:
        method: name of the `OptimisationMethod`: ``lbfgs``, ``nlcg``, ``steepest_descent``, or one
            of another package.
        line_search: ``backtracking`` takes a step of 1 (of the first direction: a small one, at
            least doubled until the misfit rises or a parabola finds its minimum near) and
            shortens it while the decrease is insufficient;
            ``bracketing`` encloses the minimum along the direction. It should be used with
            ``nlcg`` and ``steepest_descent``, whose directions have no natural length.
        parametrisation: ``log`` works in the logarithm of each parameter, which must be positive
            (gradients reported are then with respect to it); ``linear`` in the parameter itself.
        max_relative_model_change: most that a parameter changes in one iteration, relative to its
            value (``linear``: to the field's largest absolute value); None: no limit.
        first_step: length of the first trial of a direction without a natural length, as a
            relative change likewise.
        memory: pairs that L-BFGS keeps.
        armijo: share of the predicted decrease that a step must bring.
        shrink: smallest and largest factor by which a step is shortened.
        max_trials: trials in one line search; then the best is taken if it is better than none,
            else the memory is dropped once, else it stops.
        min_angle_cosine: a direction closer to orthogonal to the gradient is replaced by
            steepest descent.
        nlcg_beta: formula of the conjugate directions.
        restart_every: iterations after which the memory is dropped; None: never.
        bounds: field -> (lowest, highest) value; None where there is no bound.
    """

    method: Annotated[
        str,
        Key(
            "Direction of a step: lbfgs, nlcg, steepest_descent, or a method of another package.",
            Choice(method_names),
        ),
    ] = "lbfgs"
    line_search: Annotated[
        LineSearch,
        Key("How the length of a step is found; bracketing for nlcg and steepest_descent."),
    ] = "backtracking"
    parametrisation: Annotated[
        Parametrisation,
        Key("Whether it works in the logarithm of each parameter or in the parameter itself."),
    ] = "log"
    max_relative_model_change: Annotated[
        float | None,
        Key(
            "Most that a parameter changes in one iteration, relative to its value.",
            Number(0.0, 1.0, "a number between 0 and 1", between=True),
        ),
    ] = 0.05
    first_step: Annotated[
        float,
        Key(
            "First trial of a direction without a natural length, as a relative change.",
            Number(0.0, math.inf, "a number above 0", between=True),
        ),
    ] = 0.02
    memory: Annotated[
        int,
        Key("Pairs that L-BFGS keeps.", Integer(1)),
    ] = 5
    armijo: Annotated[
        float,
        Key("Share of the predicted decrease that a step must bring, below 0.5.", Number(0.0, 0.5)),
    ] = 1e-4
    shrink: Annotated[
        tuple[float, float],
        Key(
            "Smallest and largest factor by which a step is shortened.",
            ListOf(Number(0.0, 1.0, between=True), "two rising numbers between 0 and 1", 2),
        ),
    ] = (0.1, 0.5)
    max_trials: Annotated[
        int,
        Key("Trials in one line search.", Integer(1)),
    ] = 8
    min_angle_cosine: Annotated[
        float,
        Key(
            "A direction closer to orthogonal to the gradient is replaced by steepest descent.",
            Number(0.0, 1.0),
        ),
    ] = 1e-3
    nlcg_beta: Annotated[
        Literal["polak_ribiere", "fletcher_reeves"],
        Key("Formula of the conjugate directions."),
    ] = "polak_ribiere"
    restart_every: Annotated[
        int | None,
        Key("Iterations after which the memory is dropped.", Integer(1)),
    ] = None
    bounds: Mapping[str, tuple[float | None, float | None]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def __post_init__(self) -> None:
        choices = dict(_CHOICES)
        if not isinstance(self.method, str) or not METHODS.knows(self.method):
            choices = {"method": tuple(method_names()), **choices}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise OptimiserError(
                    f"optimiser.{name}: {getattr(self, name)!r} is not one of {', '.join(known)}"
                )
        cap = self.max_relative_model_change
        for name, good, wanted in (
            ("max_relative_model_change", cap is None or 0 < cap < 1, "between 0 and 1"),
            ("first_step", 0 < self.first_step < math.inf, "above 0"),
            ("memory", self.memory >= 1, "at least 1"),
            ("armijo", 0 <= self.armijo < 0.5, "in [0, 0.5)"),
            ("shrink", 0 < self.shrink[0] <= self.shrink[1] < 1, "rising, between 0 and 1"),
            ("max_trials", self.max_trials >= 1, "at least 1"),
            ("min_angle_cosine", 0 <= self.min_angle_cosine < 1, "in [0, 1)"),
            ("restart_every", self.restart_every is None or self.restart_every >= 1, "at least 1"),
        ):
            if not good:
                raise OptimiserError(f"optimiser.{name}: {getattr(self, name)} must be {wanted}")
        for name, (low, high) in self.bounds.items():
            if low is not None and high is not None and not low < high:
                raise OptimiserError(f"optimiser.bounds.{name}: {low} is not below {high}")

    def bound(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of a field; infinite where there is none."""
        low, high = self.bounds.get(name, (None, None))
        return (-math.inf if low is None else low, math.inf if high is None else high)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        values["shrink"] = list(self.shrink)
        values["bounds"] = {name: list(pair) for name, pair in self.bounds.items()}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """From JSON values; what is left out is as by default.

        Raises:
            OptimiserError: an unknown setting, or one that cannot be used.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise OptimiserError(
                f"optimiser.{unknown[0]}: no such setting; there are {', '.join(sorted(known))}"
            )
        values = dict(values)
        try:
            if "shrink" in values:
                low, high = values["shrink"]
                values["shrink"] = (float(low), float(high))
            if "bounds" in values:
                values["bounds"] = {
                    name: (low, high) for name, (low, high) in values["bounds"].items()
                }
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise OptimiserError(f"optimiser: a setting has the wrong type: {error}") from None
