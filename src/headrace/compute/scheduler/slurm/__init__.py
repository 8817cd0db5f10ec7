"""Slurm, behind the interface of schedulers."""

from .client import Slurm

__all__ = ["Slurm"]
