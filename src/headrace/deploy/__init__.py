"""Deploy a project's flows and functions: plan what would change, apply it, find what drifted."""

from headrace.deploy.apply import apply, deploying
from headrace.deploy.plan import DeploySelection, Plan, Step, plan

__all__ = [
    "DeploySelection",
    "Plan",
    "Step",
    "apply",
    "deploying",
    "plan",
]
