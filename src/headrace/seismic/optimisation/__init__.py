"""Optimisation of models as an ask-and-tell state machine that survives a crash."""

from headrace.seismic.optimisation.base import Iterate, OptimisationMethod
from headrace.seismic.optimisation.directions import Combination
from headrace.seismic.optimisation.line_search import (
    Accept,
    Decision,
    Fail,
    Flat,
    LineSearch,
    Trial,
    TryStep,
)
from headrace.seismic.optimisation.method_lookup import find_method
from headrace.seismic.optimisation.optimizer import Optimiser
from headrace.seismic.optimisation.registry import method_names
from headrace.seismic.optimisation.settings import Settings
from headrace.seismic.optimisation.state import Iteration, State
from headrace.seismic.optimisation.task import Task

__all__ = [
    "Accept",
    "Combination",
    "Decision",
    "Fail",
    "Flat",
    "Iterate",
    "Iteration",
    "LineSearch",
    "OptimisationMethod",
    "Optimiser",
    "Settings",
    "State",
    "Task",
    "Trial",
    "TryStep",
    "find_method",
    "method_names",
]
