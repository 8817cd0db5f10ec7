"""Nonlinear conjugate gradients."""

from __future__ import annotations

from headrace.seismic.optimisation.base import Iterate, OptimisationMethod
from headrace.seismic.optimisation.directions import STEEPEST_DESCENT, Combination, nlcg


class ConjugateGradients(OptimisationMethod):
    """Minus the preconditioned gradient and a part of the direction before."""

    def direction(self, iterate: Iterate) -> Combination:
        """Return the conjugate direction; steepest descent after `restart_every` iterations."""
        settings, previous = iterate.settings, iterate.previous
        if previous is None:
            return STEEPEST_DESCENT
        if settings.restart_every is not None and iterate.age >= settings.restart_every:
            return STEEPEST_DESCENT
        old, old_processed = previous.gradient, previous.preconditioned
        new, processed = iterate.gradient, iterate.preconditioned
        found = iterate.inner([(new, processed), (old, processed), (old, old_processed)])
        return nlcg(settings.nlcg_beta, *found)


METHOD = ConjugateGradients()
