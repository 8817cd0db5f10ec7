"""Python interface: a project, its runs and its campaigns.

``headrace.Project`` does what the command line does: deploy, start, wait, results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.python_api.campaign import Campaign
    from headrace.python_api.project import Project
    from headrace.python_api.run import Run

__all__ = ["Campaign", "Project", "Run"]

__getattr__ = lazy_names(__name__)
