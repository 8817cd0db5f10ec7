"""Optimisation methods by name: modules of `optimisation.methods` here, and entry points.

Another package announces a method by an entry point of the group ``headrace.optimisers``, whose
name is that of the method and whose value an `OptimisationMethod`.
"""

from __future__ import annotations

from headrace.seismic.plugins import PluginGroup

METHODS = PluginGroup(
    "optimiser", "headrace.optimisers", "headrace.seismic.optimisation.methods", "METHOD"
)


def method_names() -> list[str]:
    """Return the names of all methods, of this package and of others."""
    return METHODS.names()
