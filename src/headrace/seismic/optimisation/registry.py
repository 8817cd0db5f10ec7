"""Optimisation methods by name: modules of `optimisation.methods` here, and entry points.

Another package announces a method by an entry point of the group ``headrace.optimisers``, whose
name is that of the method and whose value an `OptimisationMethod`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.seismic.errors import ConfigError, OptimiserError
from headrace.seismic.plugins import PluginGroup

if TYPE_CHECKING:
    from headrace.seismic.optimisation.base import OptimisationMethod

METHODS = PluginGroup(
    "optimiser", "headrace.optimisers", "headrace.seismic.optimisation.methods", "METHOD"
)


def method_names() -> list[str]:
    """Return the names of all methods, of this package and of others."""
    return METHODS.names()


def find_method(name: str) -> OptimisationMethod:
    """Return the method of a name.

    Raises:
        OptimiserError: there is none, or what it needs is not installed.
    """
    try:
        found: OptimisationMethod = METHODS.find(name)
    except ConfigError as error:
        raise OptimiserError(str(error)) from None
    return found
