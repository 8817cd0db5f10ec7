"""Endpoints of `globus-compute-endpoint` itself: their directories, and the processes in them."""

from .control import LoginNeeded, delete_endpoint, end_orphans, start_endpoint, stop_endpoint
from .directory import InstalledEndpoint, installed_names
from .writing import outdated_files, write_endpoint

__all__ = [
    "InstalledEndpoint",
    "LoginNeeded",
    "delete_endpoint",
    "end_orphans",
    "installed_names",
    "outdated_files",
    "start_endpoint",
    "stop_endpoint",
    "write_endpoint",
]
