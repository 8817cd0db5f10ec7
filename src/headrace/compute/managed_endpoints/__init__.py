"""Endpoints of `globus-compute-endpoint` itself: their directories, and the processes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from .control import (
        LoginRequired,
        delete_endpoint,
        end_orphans,
        start_endpoint,
        stop_endpoint,
    )
    from .directory import ManagedEndpoint, managed_endpoint_names
    from .writing import outdated_files, write_endpoint

__all__ = [
    "LoginRequired",
    "ManagedEndpoint",
    "delete_endpoint",
    "end_orphans",
    "managed_endpoint_names",
    "outdated_files",
    "start_endpoint",
    "stop_endpoint",
    "write_endpoint",
]

__getattr__ = lazy_names(__name__)
