"""Steepest descent whose step is halved until the misfit falls."""

from headrace.seismic.optimisation import (
    Accept,
    Combination,
    Decision,
    Fail,
    Iterate,
    LineSearch,
    OptimisationMethod,
    Settings,
    TryStep,
)


class HalvingDescent(OptimisationMethod):
    """Steepest descent that takes the first step which lowers the misfit."""

    def direction(self, iterate: Iterate) -> Combination:
        return Combination(gradient=-1.0)

    def next_decision(self, search: LineSearch, settings: Settings) -> Decision:
        if not search.trials:
            return TryStep(search.longest)
        last = search.trials[-1]
        if last.misfit < search.misfit:
            return Accept(last)
        if len(search.trials) == settings.max_trials:
            return Fail(f"no step of {last.step:g} or longer lowers the misfit")
        return TryStep(last.step / 2.0)


METHOD = HalvingDescent()
