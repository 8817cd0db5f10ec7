"""Optimisation of models as a state machine that is asked and told, and survives a crash."""

from headrace.seismic.optimiser.line_search import Trial
from headrace.seismic.optimiser.machine import Optimiser
from headrace.seismic.optimiser.settings import Settings
from headrace.seismic.optimiser.state import Iteration, State
from headrace.seismic.optimiser.task import Task

__all__ = ["Iteration", "Optimiser", "Settings", "State", "Task", "Trial"]
