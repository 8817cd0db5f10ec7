"""Exceptions of the seismic package.

::

    SeismicError          the program or the whole event
    ├── ConfigError       the configuration file
    ├── StationProblem    one trace or station; the others go on
    ├── ModelError        a model, kernel or vector file
    │   └── ModelNotFinite    and the reason is a number that was to be written
    ├── OptimiserError    an answer that does not fit, or a state that cannot be read
    └── SolverError       a simulation that cannot be set up, or went wrong
        ├── ModelRefused  and the reason lies in the model
        └── SolverMissing and the reason is that the solver is not on this machine
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headrace.errors import HeadraceError

IN_CONFIGURATION: Final = "configuration"
"""A remedy stands in the configuration file."""
IN_EVENT_FILE: Final = "event file"
"""A remedy stands in the event's ``event.toml``."""


@dataclass(frozen=True)
class Problem:
    """Problem that keeps something from being used: its cause, and the setting that mends it.

    Attributes:
        text: cause and way out, one line.
        kind: problems of one kind are reported once; empty: those whose texts are alike.
        edit: `IN_CONFIGURATION`, `IN_EVENT_FILE`, or empty where no line of settings mends it.
        line: the line to write there.
        decide: whether somebody must decide what is right, so that a run that would go on
            without the trace should not be started.
    """

    text: str
    kind: str = ""
    edit: str = ""
    line: str = ""
    decide: bool = False


class SeismicError(HeadraceError):
    """Nothing could be done with this event; the message is one line."""


class ConfigError(SeismicError):
    """A configuration that cannot be used; the message names the file and the key."""

    exit_code = 2


class StationProblem(SeismicError):
    """One trace cannot be used; it is reported and the other stations go on.

    Args:
        text: cause and way out; empty with ``problems``.
        problems: all that is wrong with the trace, where it is more than a text.
    """

    def __init__(self, text: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems) or (Problem(text),)
        super().__init__(text or "; and ".join(problem.text for problem in self.problems))


class ModelError(SeismicError):
    """A file of fields that is missing, torn, or not what it should be."""


class ModelNotFinite(ModelError):
    """A model that was to be written has a number that is not finite."""


class OptimiserError(SeismicError):
    """An answer that the optimiser cannot take, or a state that it cannot go on from."""


class SolverError(SeismicError):
    """A simulation that cannot be set up, or whose result cannot be used."""


class ModelRefused(SolverError):
    """No simulation is possible in this model: unstable time step, no finite result.

    A line search takes it for a step that was too long.
    """


class SolverMissing(SolverError):
    """The solver, or what it needs, is not on this machine."""
