"""GROMACS, by its command-line programs."""

from headrace.md.engines.gromacs.engine import make

__all__ = ["make"]
