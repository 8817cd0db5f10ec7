"""Molecular dynamics in legs: engines behind one interface, and what a leg promises.

Whatever is killed and wherever the next leg runs, the trajectory has every frame once, and the
target step is reached exactly.
"""

from headrace.md.energies import Energies
from headrace.md.engine import Engine, LegDirectory, Position, Stretch
from headrace.md.errors import EngineKilled, EngineMissing, MdError, SettingsError
from headrace.md.leg import LegLimits, LegOutcome, read_outcome, run_leg
from headrace.md.registry import engine_names, open_engine

__all__ = [
    "Energies",
    "Engine",
    "EngineKilled",
    "EngineMissing",
    "LegDirectory",
    "LegLimits",
    "LegOutcome",
    "MdError",
    "Position",
    "SettingsError",
    "Stretch",
    "engine_names",
    "open_engine",
    "read_outcome",
    "run_leg",
]
