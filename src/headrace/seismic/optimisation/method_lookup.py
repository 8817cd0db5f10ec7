"""Lookup of an optimisation method by its name."""

from __future__ import annotations

from headrace.seismic.errors import ConfigError, OptimiserError
from headrace.seismic.optimisation.base import OptimisationMethod
from headrace.seismic.optimisation.registry import METHODS


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
