"""What can go wrong with seismograms.

::

    SeismicError          the program or the whole event
    ├── ConfigError       the configuration file
    ├── StationProblem    one trace or station; the others go on
    ├── ModelError        a model, kernel or vector file
    ├── OptimiserError    an answer that does not fit, or a state that cannot be read
    └── SolverError       a simulation that cannot be set up, or went wrong
"""

from __future__ import annotations

from headrace.errors import HeadraceError


class SeismicError(HeadraceError):
    """Nothing could be done with this event, told in one line."""


class ConfigError(SeismicError):
    """A configuration that cannot be used; the message names the file and the key."""

    exit_code = 2


class StationProblem(SeismicError):
    """One trace cannot be used; it is reported and the other stations go on."""


class ModelError(SeismicError):
    """A file of fields that is missing, torn, or not what it should be."""


class OptimiserError(SeismicError):
    """An answer that the optimiser cannot take, or a state that it cannot go on from."""


class SolverError(SeismicError):
    """A simulation that cannot be set up, or whose result cannot be used."""
