"""Endpoints and functions: what runs on a cluster, and the processes that see to it."""

from .cancelling import Cancellations
from .endpoint import EndpointHost
from .errors import ComputeError
from .functions import Function, find_functions, function_names, scan_functions
from .hosted_endpoint import HostedEndpoint
from .models import EndpointSpec, TaskEvent, TaskSpec
from .reaping import reap
from .task_output import TaskOutput, read_task_output
from .templates import check_options
from .versions import own_versions

__all__ = [
    "Cancellations",
    "ComputeError",
    "EndpointHost",
    "EndpointSpec",
    "Function",
    "HostedEndpoint",
    "TaskEvent",
    "TaskOutput",
    "TaskSpec",
    "check_options",
    "find_functions",
    "function_names",
    "own_versions",
    "read_task_output",
    "reap",
    "scan_functions",
]
