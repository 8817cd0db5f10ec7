"""L-BFGS: an approximation of the inverse Hessian from the last iterations."""

from __future__ import annotations

from headrace.seismic.optimisation.base import Iterate, OptimisationMethod
from headrace.seismic.optimisation.directions import STEEPEST_DESCENT, Combination, lbfgs


class Lbfgs(OptimisationMethod):
    """Minus the gradient times an inverse Hessian that the kept pairs make."""

    keeps_pairs = True

    def direction(self, iterate: Iterate) -> Combination:
        """Return the direction of the two-loop recursion; steepest descent without pairs."""
        if not iterate.s:
            return STEEPEST_DESCENT
        return lbfgs(
            iterate.products,
            iterate.inner([(path, iterate.gradient) for path in iterate.s]),
            iterate.inner([(path, iterate.preconditioned) for path in iterate.y]),
        )


METHOD = Lbfgs()
