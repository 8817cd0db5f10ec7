"""Misfits by name: modules of `headrace.seismic.misfits.types`, and entry points.

Another package announces a misfit by an entry point of the group ``headrace.misfits``, whose name
is that of the misfit and whose value an object with the methods of `Misfit`.
"""

from __future__ import annotations

from headrace.seismic.errors import ConfigError
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
    try:
        found: Misfit = MISFITS.load(name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"misfit {name!r} needs {error.name}, which is not installed") from None
    except LookupError:
        raise ConfigError(f"misfit {name!r}: there are {', '.join(misfit_names())}") from None
    return found
