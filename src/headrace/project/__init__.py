"""A project: its configuration, what is deployed of it, and the runs of its flows."""

from headrace.project.apply import apply, deploying
from headrace.project.check import FlowFinding, check_file, check_flows
from headrace.project.config import (
    PLACES,
    CollectionConfig,
    Config,
    EndpointConfig,
    find_config,
    resolve_place,
)
from headrace.project.errors import ProjectError
from headrace.project.following import FINAL, RunFollower, RunView, StateView
from headrace.project.ids import local_id
from headrace.project.init import init_project
from headrace.project.lock import (
    Deployed,
    DeployedFlow,
    DeployedFunction,
    Lock,
    read_lock,
    write_lock,
)
from headrace.project.names import resolve_input
from headrace.project.places import connect, facility_settings
from headrace.project.plan import Choice, Plan, Step, plan
from headrace.project.preflight import preflight
from headrace.project.project import Project, find_root, load_project
from headrace.project.sources import FlowSource, read_flow
from headrace.project.start import (
    PreparedRun,
    RunOptions,
    check_input,
    is_current,
    prepare,
    send,
    start,
)
from headrace.project.starter import ProjectStarter
from headrace.project.words import (
    Progress,
    Results,
    doing,
    failure_line,
    failure_words,
    next_steps,
    results_of,
    summary_of,
)

__all__ = [
    "FINAL",
    "PLACES",
    "Choice",
    "CollectionConfig",
    "Config",
    "Deployed",
    "DeployedFlow",
    "DeployedFunction",
    "EndpointConfig",
    "FlowFinding",
    "FlowSource",
    "Lock",
    "Plan",
    "PreparedRun",
    "Progress",
    "Project",
    "ProjectError",
    "ProjectStarter",
    "Results",
    "RunFollower",
    "RunOptions",
    "RunView",
    "StateView",
    "Step",
    "apply",
    "check_file",
    "check_flows",
    "check_input",
    "connect",
    "deploying",
    "doing",
    "facility_settings",
    "failure_line",
    "failure_words",
    "find_config",
    "find_root",
    "init_project",
    "is_current",
    "load_project",
    "local_id",
    "next_steps",
    "plan",
    "preflight",
    "prepare",
    "read_flow",
    "read_lock",
    "resolve_input",
    "resolve_place",
    "results_of",
    "send",
    "start",
    "summary_of",
    "write_lock",
]
