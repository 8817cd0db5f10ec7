"""Status of a project in one answer: whether somebody must act, and all that tells why.

``read_status`` asks and changes nothing; command line and pages show what it returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.project_status.reading import read_status
    from headrace.project_status.report import ProjectStatus
    from headrace.project_status.verdict import Finding, Word

__all__ = ["Finding", "ProjectStatus", "Word", "read_status"]

__getattr__ = lazy_names(__name__)
