"""A project's directory: its folders, the sources of its flows, and the targets they run at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.project.flow_check import FlowFinding, check_file, check_flows
    from headrace.project.flow_sources import FlowSource, read_flow
    from headrace.project.project import Project, find_root, load_project
    from headrace.project.scaffold import init_project
    from headrace.project.targets import connect, facility_settings

__all__ = [
    "FlowFinding",
    "FlowSource",
    "Project",
    "check_file",
    "check_flows",
    "connect",
    "facility_settings",
    "find_root",
    "init_project",
    "load_project",
    "read_flow",
]

__getattr__ = lazy_names(__name__)
