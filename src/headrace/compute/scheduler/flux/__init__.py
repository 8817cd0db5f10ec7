"""Flux, behind the interface of schedulers."""

from .client import Flux

__all__ = ["Flux"]
