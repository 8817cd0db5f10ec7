"""Steepest descent: minus the preconditioned gradient."""

from __future__ import annotations

from headrace.seismic.optimisation.base import Iterate, OptimisationMethod
from headrace.seismic.optimisation.directions import STEEPEST_DESCENT, Combination


class SteepestDescent(OptimisationMethod):
    """Minus the preconditioned gradient in every iteration."""

    def direction(self, iterate: Iterate) -> Combination:
        """Return minus the preconditioned gradient."""
        return STEEPEST_DESCENT


METHOD = SteepestDescent()
