"""Deploy a project's flows and functions: plan what would change, apply it, find what drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.deploy.applying import apply, deploying
    from headrace.deploy.planning import DeploySelection, Plan, Step, plan

__all__ = [
    "DeploySelection",
    "Plan",
    "Step",
    "apply",
    "deploying",
    "plan",
]

__getattr__ = lazy_names(__name__)
