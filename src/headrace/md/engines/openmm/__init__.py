"""OpenMM, by its Python library."""

from headrace.md.engines.openmm.engine import make

__all__ = ["make"]
