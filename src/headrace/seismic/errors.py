"""What can go wrong with seismograms.

::

    SeismicError          the program or the whole event
    ├── ConfigError       the configuration file
    └── StationProblem    one trace or station; the others go on
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
