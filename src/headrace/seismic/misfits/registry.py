"""Misfits by name: modules of `headrace.seismic.misfits.types`, and entry points.

Another package announces a misfit by an entry point of the group ``headrace.misfits``, whose name
is that of the misfit and whose value an object with the methods of `Misfit`.
"""

from __future__ import annotations

from headrace.seismic.misfits.base import Misfit
from headrace.seismic.plugins import PluginGroup

MISFITS = PluginGroup("misfit", "headrace.misfits", "headrace.seismic.misfits.types", "MISFIT")


def misfit_names() -> list[str]:
    """Return the names of all misfits, of this package and of others."""
    return MISFITS.names()


def find_misfit(name: str) -> Misfit:
    """Return the misfit of a name.

    Raises:
        ConfigError: there is none, or what it needs is not installed.
    """
    found: Misfit = MISFITS.find(name)
    return found
