"""HyperQueue, behind the interface of schedulers."""

from .client import HyperQueue

__all__ = ["HyperQueue"]
