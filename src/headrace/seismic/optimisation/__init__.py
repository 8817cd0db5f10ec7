"""Optimisation of models as an ask-and-tell state machine that survives a crash."""

from headrace.seismic.optimisation.line_search import Trial
from headrace.seismic.optimisation.optimizer import Optimiser
from headrace.seismic.optimisation.settings import Settings
from headrace.seismic.optimisation.state import Iteration, State
from headrace.seismic.optimisation.task import Task

__all__ = ["Iteration", "Optimiser", "Settings", "State", "Task", "Trial"]
